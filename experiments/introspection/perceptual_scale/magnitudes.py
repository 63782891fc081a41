"""The task: magnitudes of several kinds, and comparisons of two pairs of them, by rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import ClassVar, Literal

from harness import HarnessError, Item, Task
from harness.errors import nearest
from harness.tasks.graders import short_answer

Spacing = Literal["squares", "equal steps", "equal ratios", "ranks"]
Shape = Literal["triads", "quadruples", "both"]

PEOPLE = (
    "She", "He", "The teacher", "My neighbour", "The guide", "A friend", "The clerk", "Her brother", "The visitor",
    "Our cousin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Domain:
    """Magnitudes of one kind.

    Attributes:
        noun: what they are called together: "numbers".
        levels: the magnitude of each text, ascending; for words their rank, from 1.
        spacing: how the magnitudes are laid. Of squares both a linear and a logarithmic scale name now one pair and now
            the other. Of equal ratios of 2 and more a linear scale always names the upper pair, so that only its noise
            tells it from a preference for large magnitudes. Ranks have an order and no unit.
        frames: sentences that hold one magnitude, with places for {who} and {s}.
    """

    noun: str
    levels: Mapping[str, float]
    spacing: Spacing
    frames: tuple[str, str]

    def carriers(self) -> list[str]:
        """Twenty sentences with a place {s} for the magnitude, each person's two beside each other."""
        return [frame.replace("{who}", who) for who in PEOPLE for frame in self.frames]

    def denser(self, between: int) -> dict[str, float]:
        """The levels with whole numbers laid between neighbours, evenly or in equal ratios; only where levels are
        numbers, and as far as there are such."""
        made = dict(self.levels)
        if all(text.isdecimal() for text in self.levels):
            values = [*self.levels.values()]
            for low, high in pairwise(values):
                for share in (i / (between + 1) for i in range(1, between + 1)):
                    even = low + share * (high - low)
                    s = round(low * (high / low) ** share if self.spacing == "equal ratios" else even)
                    made.setdefault(str(s), float(s))
        return dict(sorted(made.items(), key=lambda level: level[1]))


def _numbers(values: Sequence[int]) -> dict[str, float]:
    return {str(value): float(value) for value in values}


def _ranks(words: str) -> dict[str, float]:
    return {word: float(rank) for rank, word in enumerate(words.split(", "), start=1)}


_DAY = 86_400.0
_DURATIONS = {
    "1 second": 1.0, "10 seconds": 10.0, "1 minute": 60.0, "10 minutes": 600.0, "1 hour": 3_600.0, "10 hours": 36_000.0,
    "4 days": 4 * _DAY, "1 month": 30 * _DAY, "1 year": 365 * _DAY, "10 years": 3_650 * _DAY,
}  # fmt: skip
_LENGTHS = {
    "1 millimetre": 0.001, "4 millimetres": 0.004, "2 centimetres": 0.02, "10 centimetres": 0.1, "50 centimetres": 0.5,
    "2 metres": 2.0, "10 metres": 10.0, "50 metres": 50.0, "200 metres": 200.0, "1 kilometre": 1_000.0,
}  # fmt: skip

DOMAINS: Mapping[str, Domain] = {
    "numbers": Domain(
        "numbers",
        _numbers([10 * k**2 for k in range(1, 11)]),
        "squares",
        ("{who} wrote down the number {s}.", "{who} thought of the number {s}."),
    ),
    "numbers in equal steps": Domain(
        "numbers",
        _numbers(range(10, 1001, 110)),
        "equal steps",
        ("{who} wrote down the number {s}.", "{who} thought of the number {s}."),
    ),
    "numbers in equal ratios": Domain(
        "numbers",
        _numbers((1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
        "equal ratios",
        ("{who} wrote down the number {s}.", "{who} thought of the number {s}."),
    ),
    "years": Domain(
        "years",
        _numbers(range(1600, 2051, 50)),
        "equal steps",
        ("{who} read about the year {s}.", "{who} thought of the year {s}."),
    ),
    "durations": Domain(
        "durations", _DURATIONS, "equal ratios", ("{who} waited for {s}.", "{who} stayed away for {s}.")
    ),
    "lengths": Domain("lengths", _LENGTHS, "equal ratios", ("{who} measured {s}.", "{who} asked for {s} of rope.")),
    "loudness": Domain(
        "sound levels",
        _ranks("inaudible, faint, quiet, soft, moderate, clear, loud, booming, thunderous, deafening"),
        "ranks",
        ("{who} heard a sound that was {s}.", "{who} made a noise that was {s}."),
    ),
    "frequency": Domain(
        "frequencies",
        _ranks("never, rarely, seldom, occasionally, sometimes, often, frequently, usually, nearly always, always"),
        "ranks",
        ("{who} said that it happens {s}.", "{who} wrote that it happens {s}."),
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Comparisons(Task):
    """Comparisons of a lower and an upper pair of magnitudes: of three (2, 10 and 50: 2 and 10, or 10 and 50?) or four.

    An item's fields are "domain", "noun", "shape", the texts "lower" and "upper" of the two pairs, and "magnitudes",
    the four numbers. Its gold is the pair with the larger difference, "lower", "upper" or "equal"; "" for ranks.
    The quadruples hold every six-point condition, the triads need fewer comparisons for a scale.

    Attributes:
        domains: names in `DOMAINS`.
        levels: magnitudes of each domain, 4 to 10, taken evenly out of its ten.
        shape: triads, of which there are C(levels, 3), quadruples, C(levels, 4), or both.

    Raises:
        HarnessError: by `load`: an unknown domain or one named twice, or another number of levels.
    """

    version: ClassVar[str] = "1"
    name: str = "comparisons"
    domains: Sequence[str] = ("numbers", "years")
    levels: int = 10
    shape: Shape = "triads"

    def load(self) -> list[Item]:
        if not 4 <= self.levels <= 10:
            raise HarnessError(f"task {self.name!r}: levels={self.levels}; give 4 to 10")
        for name in self.domains:
            if name not in DOMAINS:
                raise HarnessError(f"task {self.name!r}: there is no domain {name!r}{nearest(name, DOMAINS)}")
        if not self.domains or len(set(self.domains)) < len(self.domains):
            raise HarnessError(f"task {self.name!r}: domains={list(self.domains)}: name one or more, each once")
        return [item for name in self.domains for item in self._items(name)]

    def compared(self, domain: str) -> list[str]:
        """The magnitudes of a domain that are compared, ascending."""
        levels = [*DOMAINS[domain].levels]
        return [levels[round(i * (len(levels) - 1) / (self.levels - 1))] for i in range(self.levels)]

    def _items(self, name: str) -> Iterator[Item]:
        chosen = [(text, DOMAINS[name].levels[text]) for text in self.compared(name)]
        if self.shape != "quadruples":
            for a, b, c in combinations(chosen, 3):
                yield _item(name, "triad", (a, b, b, c))
        if self.shape != "triads":
            for a, b, c, d in combinations(chosen, 4):
                yield _item(name, "quadruple", (a, b, c, d))


def _item(name: str, shape: str, four: Sequence[tuple[str, float]]) -> Item:
    texts, magnitudes = zip(*four, strict=True)
    domain = DOMAINS[name]
    lower, upper = magnitudes[1] - magnitudes[0], magnitudes[3] - magnitudes[2]
    larger = "equal" if math.isclose(lower, upper) else "lower" if lower > upper else "upper"
    fields = {
        "domain": name,
        "noun": domain.noun,
        "shape": shape,
        "lower": [*texts[:2]],
        "upper": [*texts[2:]],
        "magnitudes": [*magnitudes],
    }
    return Item(fields, "" if domain.spacing == "ranks" else larger, short_answer)
