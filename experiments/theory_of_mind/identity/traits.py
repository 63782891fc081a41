"""Everything that a synthetic person may be: lines of a profile, and first-person statements about each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Trait(NamedTuple):
    """One value of an attribute.

    Attributes:
        line: as it stands in a profile.
        contained: a first-person statement in the words of the line.
        implied: one that follows from the line and shares no content word with it.
    """

    line: str
    contained: str
    implied: str


class Job(NamedTuple):
    """A job with all that goes with it where the parts of a person hang together."""

    job: Trait
    education: str
    income: str
    weekday: Trait


JOBS: Sequence[Job] = (
    Job(
        Trait("baker", "I work as a baker.", "Bread and rolls are my craft."),
        "apprenticeship",
        "modest",
        Trait(
            "opens the shop at five and kneads dough until noon",
            "On a weekday I knead dough until noon.",
            "My hands are covered in flour before lunch.",
        ),
    ),
    Job(
        Trait("nurse", "I work as a nurse.", "I look after patients in a hospital."),
        "nursing school",
        "average",
        Trait(
            "takes the night shift and checks drips on the ward",
            "On a weekday I take the night shift on the ward.",
            "I go to bed when others get up.",
        ),
    ),
    Job(
        Trait("bus driver", "I work as a bus driver.", "I carry passengers through town for a living."),
        "school until sixteen",
        "modest",
        Trait(
            "drives line 12 from the depot to the harbour and back",
            "On a weekday I drive line 12 to the harbour.",
            "I sit behind a wheel for hours.",
        ),
    ),
    Job(
        Trait("software engineer", "I work as a software engineer.", "I write programs for a living."),
        "degree in computing",
        "high",
        Trait(
            "fixes code at a desk and joins two video meetings",
            "On a weekday I fix code at a desk.",
            "I stare at a screen from morning to evening.",
        ),
    ),
    Job(
        Trait("gardener", "I work as a gardener.", "I plant flowers and cut hedges for a living."),
        "apprenticeship",
        "modest",
        Trait(
            "mows lawns and trims roses in the city park",
            "On a weekday I trim roses in the city park.",
            "I am outdoors with a pair of shears all day.",
        ),
    ),
    Job(
        Trait("lawyer", "I work as a lawyer.", "I speak for clients in court."),
        "degree in law",
        "very high",
        Trait(
            "reads contracts and pleads before a judge",
            "On a weekday I read contracts and plead before a judge.",
            "I wear a black robe at my place of work.",
        ),
    ),
    Job(
        Trait("fisher", "I work as a fisher.", "I catch cod and herring for a living."),
        "school until sixteen",
        "low",
        Trait(
            "sails out at dawn and hauls in the nets",
            "On a weekday I haul in the nets.",
            "I spend half the day in a boat.",
        ),
    ),
    Job(
        Trait("primary teacher", "I work as a primary teacher.", "I show pupils how to read and write."),
        "teacher training",
        "average",
        Trait(
            "gives lessons to a class of eight-year-olds and marks spelling tests",
            "On a weekday I mark spelling tests.",
            "I correct the mistakes of boys and girls with a red pen.",
        ),
    ),
)

AGES: Sequence[Trait] = (
    Trait("23 years", "My age is 23 years.", "I have not turned twenty-five yet."),
    Trait("34 years", "My age is 34 years.", "I am in my mid-thirties."),
    Trait("47 years", "My age is 47 years.", "I will soon celebrate my fiftieth birthday."),
    Trait("58 years", "My age is 58 years.", "I am almost sixty."),
    Trait("71 years", "My age is 71 years.", "I am past seventy."),
)
ORIGINS: Sequence[Trait] = (
    Trait("Portugal", "I come from Portugal.", "I was born in Lisbon."),
    Trait("Norway", "I come from Norway.", "I was born in Oslo."),
    Trait("Kenya", "I come from Kenya.", "I was born in Nairobi."),
    Trait("Japan", "I come from Japan.", "I was born in Tokyo."),
    Trait("Peru", "I come from Peru.", "I was born in Lima."),
    Trait("Greece", "I come from Greece.", "I was born in Athens."),
)
HOMES: Sequence[Trait] = (
    Trait("village by the sea", "I live in a village by the sea.", "I hear the waves from my bed."),
    Trait("flat in a tower block", "I live in a flat in a tower block.", "I take the lift to my front door."),
    Trait("farm in the hills", "I live on a farm in the hills.", "There are cows outside my kitchen."),
    Trait("houseboat on a canal", "I live on a houseboat on a canal.", "The place where I sleep floats."),
    Trait("house in a suburb", "I live in a house in a suburb.", "I commute to the centre from a quiet street."),
)
HOUSEHOLDS: Sequence[Trait] = (
    Trait("alone", "I live alone.", "Nobody shares my breakfast table."),
    Trait("with a wife and three children", "I live with a wife and three children.", "I am married and a parent."),
    Trait("with two flatmates", "I live with two flatmates.", "I split the rent with friends."),
    Trait("with an elderly mother", "I live with an elderly mother.", "I care for an old parent."),
)
MEMBERSHIPS: Sequence[Trait] = (
    Trait("church choir", "I am a member of the church choir.", "I sing hymns on feast days."),
    Trait("chess club", "I am a member of the chess club.", "I own several boards with kings and queens."),
    Trait("trade union", "I am a member of the trade union.", "I would go on strike for higher wages."),
    Trait("fire brigade", "I am a member of the fire brigade.", "I put out burning houses as a volunteer."),
)

PERSONALITY: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "extraversion": {
        "high": ("My extraversion is high.", "I love to meet strangers at big parties."),
        "low": ("My extraversion is low.", "I would rather stay in than meet strangers."),
    },
    "agreeableness": {
        "high": ("My agreeableness is high.", "I forgive people easily."),
        "low": ("My agreeableness is low.", "I often start arguments."),
    },
    "conscientiousness": {
        "high": ("My conscientiousness is high.", "I always finish my tasks on time."),
        "low": ("My conscientiousness is low.", "My desk is a mess and I miss deadlines."),
    },
    "neuroticism": {
        "high": ("My neuroticism is high.", "I worry about everything."),
        "low": ("My neuroticism is low.", "I stay calm in a crisis."),
    },
    "openness": {
        "high": ("My openness is high.", "I am curious about art and new ideas."),
        "low": ("My openness is low.", "I like things the way they have always been."),
    },
}
VALUES: Sequence[Trait] = (
    Trait("security", "Security matters most to me.", "I lock the door twice and save money for bad times."),
    Trait("power", "Power matters most to me.", "I want to be in charge of others."),
    Trait("pleasure", "Pleasure matters most to me.", "I want to enjoy every day as much as I can."),
    Trait("tradition", "Tradition matters most to me.", "I keep the customs of my grandparents."),
    Trait("helping others", "Helping others matters most to me.", "I give my time to people in need."),
    Trait("independence", "Independence matters most to me.", "I want to decide for myself what I do."),
)

WEEKENDS: Mapping[str, Sequence[Trait]] = {
    "high": (
        Trait("dances in a club until morning", "At the weekend I dance in a club.", "I know all the DJs in town."),
        Trait("gives dinners for ten guests", "At the weekend I give dinners for guests.", "I cook for a crowd."),
        Trait("plays football with the local team", "At the weekend I play football.", "I score goals on Saturdays."),
    ),
    "low": (
        Trait("reads novels on the sofa", "At the weekend I read novels.", "I spend Sundays with a book."),
        Trait("walks in the woods without company", "At the weekend I walk in the woods.", "I hike on my own."),
        Trait("builds model ships", "At the weekend I build model ships.", "I glue tiny masts and sails together."),
    ),
}
TASTES: Sequence[Trait] = (
    Trait("strong coffee", "strong coffee", "an espresso"),
    Trait("jazz", "jazz", "a saxophone solo"),
    Trait("dogs", "dogs", "a puppy on my lap"),
    Trait("snow", "snow", "a white winter day"),
    Trait("spicy food", "spicy food", "a hot curry"),
    Trait("crowds", "crowds", "a packed square"),
    Trait("early mornings", "early mornings", "getting up at sunrise"),
    Trait("horror films", "horror films", "a scary movie"),
    Trait("cheese", "cheese", "a slice of Gouda"),
    Trait("aeroplanes", "aeroplanes", "a long flight"),
    Trait("gossip", "gossip", "a chat about the neighbours' secrets"),
    Trait("mathematics", "mathematics", "solving an equation"),
    Trait("silence", "silence", "an hour without any sound"),
    Trait("rain", "rain", "a wet afternoon"),
)

NEUTRAL: Sequence[str] = (
    "Water boils at a lower temperature on a mountain.",
    "The Danube flows through ten countries.",
    "A leap year has one day more than other years.",
    "Copper turns green when it meets damp air.",
    "The moon takes about four weeks to go round the earth.",
    "Paper was made from rags for many centuries.",
    "Iron is heavier than aluminium.",
    "A triangle has three corners.",
    "The shadow of a pole is shortest around noon.",
    "Glass is made from sand.",
    "Some clocks have Roman numerals on their faces.",
    "Salt dissolves in water.",
)
"""Sentences about nobody, which make a profile longer and tell nothing more of the person."""
