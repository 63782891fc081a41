"""The words of the experiment: concepts, baseline words, sentences by rule, and yes/no questions about other things."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from harness.tasks.texts import word_list, words

CONCEPTS: Mapping[str, Sequence[str]] = {
    "thing": word_list(
        "mirror bottle ladder candle hammer needle basket ribbon whistle lantern pillow saddle anchor compass marble "
        "trumpet violin piano drum camera telescope umbrella kite puppet helmet"
    ),
    "place": word_list(
        "desert island harbor forest volcano glacier canyon meadow cave castle temple museum theater prison hospital "
        "airport factory village palace cathedral stadium lighthouse vineyard waterfall jungle"
    ),
    "material": word_list(
        "silver gold copper linen rubber plastic leather wool silk cotton velvet glass clay granite ivory diamond "
        "amber coal steel bronze paper ink wax salt sugar"
    ),
    "animal": word_list(
        "elephant tiger dolphin spider eagle rabbit horse wolf snake turtle penguin lobster butterfly owl camel shark "
        "whale monkey goat fox frog peacock bee sheep zebra"
    ),
    "food": word_list(
        "bread milk honey cheese lemon banana chocolate garlic onion pepper rice coffee mushroom carrot cherry "
        "pumpkin peanut tomato potato olive mango cinnamon butter noodle pancake"
    ),
    "nature": word_list(
        "ocean thunder lightning rainbow snow frost fog earthquake comet eclipse river moonlight sunset storm "
        "avalanche tide star planet galaxy rain fire smoke shadow echo dust"
    ),
    "event": word_list(
        "wedding funeral election parade circus birthday carnival trial strike war revolution harvest marathon auction "
        "picnic holiday opera race siege festival accident voyage duel concert graduation"
    ),
    "idea": word_list(
        "peace sadness happiness secrecy memory justice freedom jealousy courage poetry algebra history religion music "
        "luck hunger silence danger truth wisdom patience loyalty shame hope curiosity"
    ),
}
"""200 words of eight kinds, of which "idea" is abstract."""

BASELINE: Sequence[str] = word_list(
    "desk jacket curtain bucket kettle drawer carpet towel sofa fence gate roof chimney cellar garage pavement "
    "elevator corridor balcony staircase button zipper pocket sleeve collar shoe boot glove scarf belt wallet purse "
    "suitcase envelope stamp pencil notebook folder calendar receipt ticket menu recipe spoon fork plate bowl cup jar "
    "napkin oven fridge toaster sink faucet sponge broom mop shelf closet hanger blanket mattress lamp bulb plug cable "
    "battery keyboard screen printer radio clock watch alarm engine wheel brake tire windshield bus taxi truck tractor "
    "bicycle tunnel bridge highway sidewalk traffic parking office meeting schedule memo budget invoice salary "
    "manager clinic"
)
"""100 everyday words whose mean is taken from the activation of a concept; none of them is a concept."""

_WHO = word_list("nurse pilot tailor painter teacher farmer dentist lawyer student gardener")
_HOW = ("quietly", "slowly", "at once", "with care", "without a word")
_WHAT = (
    ("opened", "door"),
    ("counted", "coins"),
    ("carried", "parcel"),
    ("repaired", "chair"),
    ("cleaned", "window"),
    ("read", "letter"),
    ("moved", "table"),
    ("found", "key"),
    ("signed", "form"),
    ("packed", "box"),
)
SENTENCES: Sequence[str] = tuple(
    f"The {who} {did} the {what} {_HOW[(i + j) % len(_HOW)]}."
    for i, who in enumerate(_WHO)
    for j, (did, what) in enumerate(_WHAT)
)
"""100 sentences by rule. None holds a concept or a baseline word."""

QUESTIONS: Sequence[str] = (
    "Is the sky green?",
    "Do stones swim?",
    "Is ice hot?",
    "Do cars grow on trees?",
    "Is a week ten days long?",
    "Are squares round?",
    "Is five larger than nine?",
    "Do people have three legs?",
    "Does Monday come after Tuesday?",
    "Is Paris a city in Japan?",
    "Do babies drive trains?",
    "Is a minute longer than an hour?",
)
"""Questions whose right answer is No, and that have nothing to do with thoughts."""


def mentions(text: str, word: str) -> bool:
    """Whether a text holds a word, in the singular or the plural, in any case."""
    said, wanted = [singular(one) for one in words(text)], [singular(one) for one in words(word)]
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said))) if wanted else False


def alike(one: str, other: str) -> bool:
    """Whether two words begin as forms of one word do: "clean" and "cleaned", "carry" and "carried".

    They share three letters or more, and all of the shorter word but its last.
    """
    least = max(3, min(len(one), len(other)) - 1)
    return len(one) >= least <= len(other) and one[:least] == other[:least]


def singular(word: str) -> str:
    """A word without a plural's ending, by three rules ("stories", "boxes", "stars"); others stay as they are."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def free_of(texts: Sequence[str], concepts: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Some of the texts, drawn without repetition, that mention none of the concepts; fewer where there are no more."""
    free = [text for text in texts if not any(mentions(text, concept) for concept in concepts)]
    return rng.sample(free, min(count, len(free)))
