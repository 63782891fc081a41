"""Responses of known quality: descriptions that give k of five facts rightly, all equally long."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMES = (
    *("Larkspur", "Harrow", "Merrin", "Oakhurst", "Tamsin", "Calder", "Wexley", "Brindle", "Falcon", "Juniper"),
    *("Kestrel", "Linden", "Marlow", "Norwood", "Osprey", "Pembry", "Quarry", "Rowan", "Selby", "Thornby"),
    *("Upton", "Verbena", "Willow", "Yarrow", "Ashdown", "Birchley", "Clover", "Dunmore", "Elmswell", "Foxley"),
)


@dataclass(frozen=True)
class Fact:
    """A number that a description gives.

    Attributes:
        asked: what it is, as an instruction asks for it.
        reference: the sentence of a reference answer, {n} in digits.
        response: the sentence of a response, {n} in words.
    """

    asked: str
    reference: str
    response: str


KINDS: Mapping[str, Sequence[Fact]] = {
    "ferry": (
        Fact("how many cars it takes", "It takes {n} cars.", "There is room for {n} cars on board."),
        Fact("how many minutes a crossing lasts", "A crossing lasts {n} minutes.", "One is across in {n} minutes."),
        Fact("how many seats there are", "It has {n} seats.", "Passengers find {n} seats."),
        Fact("how many lifeboats it carries", "It carries {n} lifeboats.", "There are {n} lifeboats."),
        Fact("how many metres long it is", "It is {n} metres long.", "From bow to stern it measures {n} metres."),
        Fact("how many people work on it", "A crew of {n} works on it.", "Its crew numbers {n}."),
    ),
    "library": (
        Fact("how many reading desks it has", "It has {n} reading desks.", "Readers find {n} desks."),
        Fact("how many newspapers it holds", "It holds {n} newspapers.", "One can choose among {n} newspapers."),
        Fact("how many steps lead to the door", "{n} steps lead to its door.", "To enter, one climbs {n} steps."),
        Fact("how many people work there", "A staff of {n} works there.", "Its staff numbers {n}."),
        Fact("how many computers it has", "It has {n} computers.", "Visitors can use {n} computers."),
        Fact("how many courses it offers a year", "It offers {n} courses a year.", "Each year there are {n} courses."),
    ),
    "mountain hut": (
        Fact("how many beds it has", "It has {n} beds.", "Up to {n} guests find a bed."),
        Fact("how many kilometres the path is long", "The path is {n} kilometres long.", "One walks {n} kilometres."),
        Fact("how many goats are kept there", "{n} goats are kept there.", "The keeper has {n} goats."),
        Fact("what a night costs", "A night costs {n} euros.", "Guests pay {n} euros a night."),
        Fact("how many days a year it is closed", "It is closed on {n} days a year.", "On {n} days a year it is shut."),
        Fact("how many solar panels it has", "It has {n} solar panels.", "Power comes from {n} solar panels."),
    ),
    "orchestra": (
        Fact("how many players it has", "It has {n} players.", "Its members number {n}."),
        Fact("how many concerts it gives a year", "It gives {n} concerts a year.", "A year holds {n} of its concerts."),
        Fact("how many violins there are", "There are {n} violins.", "Its violin section is {n} strong."),
        Fact("how many cities it has visited", "It has visited {n} cities.", "So far it has been to {n} cities."),
        Fact("what a ticket costs", "A ticket costs {n} euros.", "One pays {n} euros for a ticket."),
        Fact("how many recordings it has made", "It has made {n} recordings.", "Listeners can buy {n} recordings."),
    ),
    "bakery": (
        Fact("how many kinds of bread it sells", "It sells {n} kinds of bread.", "Its shelves show {n} breads."),
        Fact("how many loaves it bakes an hour", "It bakes {n} loaves an hour.", "Every hour brings {n} loaves."),
        Fact("how many cakes it makes a day", "It makes {n} cakes a day.", "Daily it turns out {n} cakes."),
        Fact("how many cafes it supplies", "It supplies {n} cafes.", "Its customers include {n} cafes."),
        Fact("how many years old its oven is", "Its oven is {n} years old.", "The oven has been there {n} years."),
        Fact("how many people work there", "A team of {n} works there.", "Its team numbers {n}."),
    ),
    "railway station": (
        Fact("how many trains stop there an hour", "{n} trains an hour stop there.", "Each hour sees {n} trains."),
        Fact("how many benches there are", "There are {n} benches.", "Travellers can sit on {n} benches."),
        Fact("how many shops it has", "It has {n} shops.", "One can visit {n} shops."),
        Fact("how many lockers it has", "It has {n} lockers.", "Luggage fits into {n} lockers."),
        Fact("how many bus lines serve it", "{n} bus lines serve it.", "It is reached by {n} bus lines."),
        Fact("how many clocks hang there", "{n} clocks hang there.", "The time is shown by {n} clocks."),
    ),
}

RUBRIC = (
    "How many of the five facts that the instruction asks for does the response get right?",
    *(f"It gets {count} of the five facts right." for count in ("one", "two", "three", "four")),
    "It gets all five facts right.",
)

_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS: Mapping[int, str] = {
    20 + 10 * ten + one: f"{tens}-{ones}" for ten, tens in enumerate(_TENS) for one, ones in enumerate(_UNITS, 1)
}
"""Numbers from 21 to 99 without whole tens, each of one hyphenated word."""


@dataclass(frozen=True)
class Description:
    """A thing of which five numbers are asked for.

    Attributes:
        right: the five numbers; wrong: as many others, each of as many letters as the right one.
    """

    kind: str
    name: str
    facts: tuple[Fact, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]

    @classmethod
    def draw(cls, kind: str, name: str, rng: random.Random) -> Description:
        """Draws five facts and their numbers, all ten of which are different."""
        facts = tuple(rng.sample(KINDS[kind], 5))
        while True:
            right = rng.sample(sorted(WORDS), 5)
            wrong: list[int] = []
            for number in right:
                alike = [n for n in WORDS if len(WORDS[n]) == len(WORDS[number]) and n not in (*right, *wrong)]
                if alike:
                    wrong.append(rng.choice(alike))
            if len(wrong) == len(right):
                return cls(kind, name, facts, tuple(right), tuple(wrong))

    @property
    def instruction(self) -> str:
        """What the response is asked to say."""
        *asked, last = (fact.asked for fact in self.facts)
        return f"Describe the {self.kind} called {self.name}. Say {', '.join(asked)} and {last}."

    @property
    def reference(self) -> str:
        """All five facts, in digits."""
        said = (fact.reference.format(n=number) for fact, number in zip(self.facts, self.right, strict=True))
        return " ".join(said)

    def response(self, right: Sequence[int]) -> str:
        """A description whose facts at the places `right` are right and whose others are wrong, in words.

        No response shares a number with the reference as it is written, so that shared words tell nothing about its
        quality; all responses to one instruction have equally many letters.
        """
        numbers = (self.right[at] if at in right else self.wrong[at] for at in range(5))
        said = (fact.response.format(n=WORDS[number]) for fact, number in zip(self.facts, numbers, strict=True))
        return f"This is the {self.kind} called {self.name}. {' '.join(said)}"
