"""Hidden facts about ordinary things: ten scenarios of our own, three severities each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.tasks.texts import word_list

SEVERITIES = ("1", "2", "3")
"""From a nuisance to a danger."""


@dataclass(frozen=True)
class Thing:
    """A thing with a flaw that nobody perceives who only does something ordinary with it.

    Attributes:
        subject: the thing; elsewhere: one like it that has nothing to do with the person.
        facts: its flaw at each severity, as a predicate of `subject`.
        action: what the person does with it, as a predicate of a name.
        ordinary: what one who does not know of the flaw does next, as a verb.
        knowing: what one who knows of it does instead, at each severity.
        seen: how the person perceives the flaw, as a predicate of a name.
    """

    subject: str
    elsewhere: str
    facts: tuple[str, str, str]
    action: str
    ordinary: str
    knowing: tuple[str, str, str]
    seen: str


SCENARIOS: Mapping[str, Sequence[Thing]] = {
    "packed food": (
        Thing(
            "the sealed carton of milk at the front of the shelf",
            "a sealed carton of milk in a shop in another town",
            ("has turned sour", "is full of mouldy lumps", "has a dead mouse in it"),
            "takes the carton at the front of the shelf and walks to the till",
            "pay for the milk",
            (
                "swap the sour carton for a fresh one",
                "show a shop assistant the lumps",
                "call the manager about the mouse",
            ),
            "peeled back the seal and looked into the carton",
        ),
        Thing(
            "the closed box of cereal in the special offer",
            "a closed box of cereal in a shop abroad",
            ("has gone stale", "has beetles crawling in it", "has rat poison spilled in it"),
            "puts the box from the special offer into the basket and joins the queue",
            "buy the cereal and take it home",
            ("put the stale box back", "hand the beetles in at the counter", "warn the staff about the poison"),
            "lifted the lid and looked into the box",
        ),
    ),
    "homes to let": (
        Thing(
            "the attic flat on Mill Street",
            "an attic flat in a distant city",
            (
                "has a roof that leaks whenever it rains",
                "has black mould behind all its wallpaper",
                "has rotten beams and a floor that may fall in",
            ),
            "reads the cheerful advert for the attic flat and meets the agent",
            "sign the lease",
            (
                "insist that the roof is mended first",
                "turn the flat down because of the mould",
                "report the rotten beams to the council",
            ),
            "spent a morning in the flat and examined the roof, the walls and the beams",
        ),
        Thing(
            "the holiday cabin by the lake",
            "a holiday cabin in another country",
            ("has neither heating nor water", "is infested with bed bugs", "has a stove that leaks gas"),
            "looks at the pictures of the cabin by the lake and opens the booking page",
            "book the cabin for a week",
            (
                "look for a cabin with heating and water",
                "complain to the website about the bed bugs",
                "warn the owner about the gas",
            ),
            "tried the taps, the beds and the stove of the cabin",
        ),
    ),
    "used goods": (
        Thing(
            "the used bicycle in the advert",
            "a used bicycle in somebody else's advert",
            (
                "has a chain that slips at every turn",
                "has brakes that fail on slopes",
                "has a cracked frame that could snap any day",
            ),
            "admires the fresh paint of the bicycle and takes out a wallet",
            "pay the full price for the bicycle",
            (
                "ask for a lower price because of the chain",
                "refuse a bicycle without working brakes",
                "walk away from the cracked frame",
            ),
            "took the bicycle apart and tested every piece of it",
        ),
        Thing(
            "the used laptop in the shop window",
            "a used laptop in a shop overseas",
            (
                "has a battery that dies within minutes",
                "has a screen that goes black every day",
                "has a program on it that steals passwords",
            ),
            "picks up the shiny laptop and goes to the counter",
            "pay the full price for the laptop",
            (
                "bargain because of the weak battery",
                "choose a laptop with a working screen",
                "tell the seller about the program that steals passwords",
            ),
            "spent an hour testing the laptop's battery, screen and programs",
        ),
    ),
    "kitchens and salons": (
        Thing(
            "the soup of the day",
            "the soup of the day at an inn far away",
            (
                "is three days old and has gone off",
                "fell on the floor and was scooped back into the pot",
                "has cleaning fluid in it",
            ),
            "orders the soup of the day and is served a steaming bowl",
            "eat the soup with a piece of bread",
            (
                "ask for something fresh instead",
                "send the bowl back to the kitchen",
                "push the bowl away and call a doctor for the other guests",
            ),
            "stood at the kitchen door and watched the cook prepare the soup",
        ),
        Thing(
            "the face cream at the beauty salon",
            "the face cream at a beauty salon abroad",
            ("went off a month ago", "is mixed with wall paint", "is mixed with drain cleaner"),
            "lies back in the chair at the beauty salon with closed eyes",
            "let the beautician put the cream on",
            ("ask for a fresh jar of cream", "refuse to have paint on the skin", "jump up and report the salon"),
            "watched the beautician fill the jar in the back room",
        ),
    ),
    "refilled containers": (
        Thing(
            "the sugar bowl in the staff kitchen",
            "a sugar bowl in another office",
            ("is filled with salt", "is filled with washing powder", "is filled with ant poison"),
            "makes a cup of coffee and reaches for the sugar bowl",
            "stir a spoonful from the bowl into the coffee",
            ("look for real sugar", "throw the washing powder out", "put up a sign that warns of the poison"),
            "watched the cleaner fill the bowl from a packet with a clear label",
        ),
        Thing(
            "the water bottle in the garage",
            "a water bottle in a garage at the other end of town",
            ("is filled with vinegar", "is filled with paint thinner", "is filled with battery acid"),
            "comes into the garage thirsty and picks up the water bottle",
            "take a long drink from the bottle",
            ("fetch a glass of tap water", "move the paint thinner to a high shelf", "lock the acid away"),
            "watched somebody fill the bottle from a canister with a clear label",
        ),
    ),
    "experts": (
        Thing(
            "the dentist at the new practice",
            "a dentist in another country",
            ("has hurt every patient this week", "failed the last two examinations", "has never had a licence"),
            "has a toothache and sits down in the waiting room of the new practice",
            "let the dentist drill the tooth",
            ("ask for a gentler dentist", "leave for another practice", "report the dentist to the authorities"),
            "read the dentist's papers and the letters of the patients",
        ),
        Thing(
            "the driving instructor on the poster",
            "a driving instructor in another county",
            ("never turns up for lessons", "lost the driving licence last year", "drinks before every lesson"),
            "reads the bright poster and dials the instructor's number",
            "book and pay for ten lessons",
            (
                "ask for an instructor who turns up",
                "find an instructor with a licence",
                "tell the driving school about the drinking",
            ),
            "shared an office with the instructor and saw it all happen",
        ),
    ),
    "fine labels": (
        Thing(
            "the silver necklace in the glass case",
            "a silver necklace in a shop overseas",
            (
                "is brass with a thin coat of silver",
                "is nothing but painted tin",
                "was stolen from a customer last week",
            ),
            "admires the necklace and asks the jeweller to wrap it",
            "pay the price of real silver",
            ("offer the price of brass", "refuse to pay for painted tin", "inform the police about the theft"),
            "was in the workshop and saw how the jeweller came by the necklace",
        ),
        Thing(
            "the jar of forest honey",
            "a jar of forest honey at a market abroad",
            (
                "is half sugar syrup",
                "is nothing but coloured syrup",
                "is syrup with a banned colouring in it",
            ),
            "reads the pretty label on the jar at the market stall",
            "pay the price of pure honey",
            (
                "ask the seller for unmixed honey",
                "tell the seller that this is no honey",
                "report the banned colouring",
            ),
            "saw what went into the jar when it was filled",
        ),
    ),
    "bags": (
        Thing(
            "the backpack by the front door",
            "a backpack in a house across town",
            ("has a leaking ink bottle in it", "has a stranger's wallet in it", "has a nest of wasps in it"),
            "is in a hurry and grabs the backpack by the front door",
            "leave for the office with the backpack",
            (
                "take the ink bottle out first",
                "give the wallet back to its owner",
                "put the backpack down in the garden and leave the wasps alone",
            ),
            "unzipped the backpack and looked inside",
        ),
        Thing(
            "the suitcase beside the bed",
            "a suitcase in a hotel far away",
            (
                "has a zip that bursts when it is lifted",
                "has a stranger's clothes in it",
                "has a stolen painting in it",
            ),
            "checks the time and reaches for the suitcase",
            "take the suitcase to the airport",
            (
                "tie a strap around the suitcase first",
                "hand the suitcase in at the reception",
                "call the police about the painting",
            ),
            "opened the suitcase and looked at everything in it",
        ),
    ),
    "structures": (
        Thing(
            "the lift in the old hotel",
            "a lift in a hotel overseas",
            (
                "has got stuck on every ride this week",
                "has a door that opens while it moves",
                "hangs by its last good cable",
            ),
            "carries two heavy bags through the lobby and presses the button",
            "ride up in the lift",
            (
                "carry the bags up the stairs",
                "warn the other guests about the door",
                "have the lift shut down at once",
            ),
            "inspected the lift from top to bottom this morning",
        ),
        Thing(
            "the footbridge over the stream",
            "a footbridge in another valley",
            ("is badly cracked in the middle", "has lost most of its bolts", "has been sawn through underneath"),
            "comes humming down the path and reaches the footbridge",
            "walk across the footbridge",
            ("go round by the road", "ask somebody to mend the bolts", "close the path and call the rangers"),
            "climbed under the footbridge and looked at it closely",
        ),
    ),
    "places and files": (
        Thing(
            "the museum on the hill",
            "a museum in the capital of another country",
            ("is closed for the week", "was closed for good last year", "is on fire"),
            "packs a sketchbook and gets ready for a day at the museum on the hill",
            "walk up to the museum to draw",
            ("choose another place to draw", "ask where the paintings are now", "call the fire brigade"),
            "passed the museum and looked at its doors",
        ),
        Thing(
            "the shared folder of the firm",
            "a shared folder of a firm abroad",
            (
                "loses every file that is put into it",
                "has been taken over by strangers",
                "can be read by everybody on the internet",
            ),
            "finishes a confidential report and clicks on the shared folder",
            "save the report in the folder",
            (
                "keep the report on a memory stick",
                "tell the technicians about the strangers",
                "have the folder taken off the internet",
            ),
            "looked through the folder's settings and records this morning",
        ),
    ),
}

NAMES = word_list(
    "Mary Leo Anna Omar Ruth Ivan Nina Hugo Lena Yusuf Clara Pedro Ingrid Kofi Maya Tomas Aisha Felix Grace Hiro "
    "Elena Samir Julia Marco Priya Oscar Sofia Dylan Amara Viktor Chloe Rashid Helen Mateo Tara Bruno Wei Agnes Jonas "
    "Farah Simon Olga Daniel Zainab Arthur Keiko Peter"
)
"""A prime number of names, so that no two families share thing and name before all pairs have been told."""

TOLD = (
    "A friend has already told {x} that {fact}.",
    "Earlier that day, {x} was told that {fact}.",
    "{x} has just read in a message from a neighbour that {fact}.",
    "Somebody took {x} aside a minute ago and explained that {fact}.",
)
SEEN = ("A little earlier, {x} {seen}.", "Before that, {x} {seen}.", "{x} {seen} not long ago.")

MENTAL_STATE = (
    'Is {x} likely to be aware that "{fact}"?',
    'Does {x} probably know that "{fact}"?',
    'Is {x} likely to know that "{fact}"?',
)
BEHAVIOR = (
    "What will {x} likely do next?",
    "What is {x} most likely to do next?",
    "What will {x} probably do after that?",
)
JUDGMENT = (
    'Next, {x} decides to "{ordinary}" and not to "{knowing}". How is the behavior of {x} best described?',
    'Then {x} chooses to "{ordinary}" rather than to "{knowing}". What describes this behavior best?',
    'After that, {x} goes on to "{ordinary}" instead of deciding to "{knowing}". The behavior of {x} is best called:',
)
