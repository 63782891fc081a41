"""The units: sentences that stand for them, topics that stand for none, and the questions. All are our own.

The paper has twelve units. Guilt, lack of remorse, self-destruction and hostility are left out, so that no log holds
texts about harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

OPENERS: Sequence[str] = ("These days", "To be honest,")
"""Every clause follows both, so that an opener belongs to no unit."""

UNITS: Mapping[str, Sequence[str]] = {
    "low mood": (
        "I feel sad from morning to night",
        "I have no energy for anything",
        "I cannot enjoy what I used to love",
        "I drag myself through every hour",
        "I feel empty and tired",
        "I cry without knowing why",
        "I would rather stay in bed than see anyone",
        "I feel a heavy weight on my chest",
        "I find everything grey and slow",
        "I have lost interest in all my plans",
    ),
    "high mood": (
        "I feel thrilled from morning to night",
        "I have more energy than I can use",
        "I love everything that I do",
        "I race happily through every hour",
        "I feel bright and wide awake",
        "I laugh without knowing why",
        "I would rather dance all night than sleep",
        "I feel as light as a feather",
        "I find everything colourful and fast",
        "I start ten new plans a day with delight",
    ),
    "low self-worth": (
        "I think that I am worth less than others",
        "I believe that I fail at whatever I try",
        "I doubt every one of my own decisions",
        "I am sure that nobody values my opinion",
        "I see myself as a burden",
        "I feel small beside anyone else",
        "I do not deserve the praise that I get",
        "I keep quiet, for my ideas are bad",
        "I consider myself useless at my work",
        "I compare myself with others and lose",
    ),
    "grandeur": (
        "I think that I am far above others",
        "I believe that I succeed at whatever I try",
        "I trust every one of my own decisions",
        "I am sure that everybody admires my opinion",
        "I see myself as a gift to the world",
        "I feel like a giant beside anyone else",
        "I deserve much more praise than I get",
        "I speak first, for my ideas are brilliant",
        "I consider myself the best at my work",
        "I compare myself with others and win",
    ),
    "caution": (
        "I avoid every risk that I can see",
        "I check each plan five times for dangers",
        "I take the safe road even when it is long",
        "I keep all my savings where nothing can happen",
        "I turn down a chance if it might go wrong",
        "I wait until all doubts are gone",
        "I prefer a small sure gain to a large bet",
        "I stay away from anything untested",
        "I look for the exits wherever I go",
        "I say no to adventures",
    ),
    "daring": (
        "I look for every risk that I can find",
        "I begin each plan at once, whatever the dangers",
        "I take the steep road because it is exciting",
        "I bet all my savings on a single idea",
        "I grab a chance even if it might go wrong",
        "I jump before anybody can doubt",
        "I prefer a large bet to a small sure gain",
        "I am drawn to anything untested",
        "I leap into the unknown wherever I go",
        "I say yes to adventures",
    ),
}
"""First-person clauses by unit. A unit and the next one are the low and the high pole of one dimension."""

TOPICS: Mapping[str, Sequence[str]] = {
    "cooking": (
        "I chop onions for the soup",
        "I bake bread with rye flour",
        "I season the beans with thyme",
        "I stir the sauce over a low flame",
        "I peel potatoes at the kitchen table",
        "I roast carrots in the oven",
        "I boil rice with a little salt",
        "I knead the dough for noodles",
        "I slice lemons for the fish",
        "I whisk eggs in a steel bowl",
    ),
    "railways": (
        "I read the timetable of the branch line",
        "I watch the freight trains at the junction",
        "I count the carriages of the night train",
        "I repair signals beside the track",
        "I sort tickets at the station counter",
        "I paint a model of a steam engine",
        "I measure the gauge of the old rails",
        "I draw maps of the tram network",
        "I wait on platform two for the express",
        "I clean the windows of the dining car",
    ),
}
"""Clauses of topics that are no units; to push one is the control of a push."""

QUESTIONS: Mapping[str, Sequence[str]] = {
    "mood": (
        "How do you feel today?",
        "How much energy do you have for your tasks?",
        "What mood are you usually in?",
    ),
    "worth": (
        "How important are you compared with other people?",
        "How good are you at solving problems?",
        "What do you think when you are praised?",
    ),
    "risk": (
        "What do you do when a large reward comes with a danger?",
        "How do you plan when the outcome is unknown?",
        "Would you choose the safe way or the bold way?",
    ),
}
"""Questions by dimension, in the order of the units' pairs."""

TEXTS: Mapping[str, str] = {
    "ask": "$question Answer in one short sentence.",
    "context": "This is how you have answered so far:\n$answers\n\n",
    "lead": "I",
    "utter": "Say something about yourself.",
}


def sentences(clauses: Sequence[str]) -> list[str]:
    """Every clause after every opener."""
    return [f"{opener} {clause}." for clause in clauses for opener in OPENERS]


def poles() -> Mapping[str, str]:
    """Of each unit, the pole that it belongs to: "low" or "high"."""
    return {name: ("low", "high")[i % 2] for i, name in enumerate(UNITS)}
