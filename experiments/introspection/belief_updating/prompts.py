"""Shows a sequence of draws, and reads the chance of a colour from the next word or from a stated percentage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import Choice, Item, Prompt, Subject, fill, together

STEPS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")
TEXTS: Mapping[str, str] = {
    "scene": "$article $place holds $one and $two ${thing}s. A $thing is drawn at random, its colour is written down, "
    "and the $thing is put back. This is done again and again.",
    "told": "Now and then, without notice, the $place is exchanged for another $place with other shares of $one and "
    "$two ${thing}s.",
    "list": "Write down the colours, one draw a line.",
    "next": "Draw $number:",
    "history": "The draws so far:\n$draws",
    "nothing": "Nothing has been drawn yet.",
    "stated": "How likely is it that the next $thing is $asked? Say $steps percent.",
    # Of several leads the one after which a small model says a number most often: with half of the mass.
    "stated_lead": "My confidence is",
}
CLIP = 0.001
"""Log-odds are those of a probability held this far from 0 and 1."""


def log_odds(p: float) -> float:
    """ln(p / (1 - p)), of p held within [`CLIP`, 1 - `CLIP`]."""
    held = min(max(p, CLIP), 1 - CLIP)
    return math.log(held / (1 - held))


@dataclass(frozen=True, slots=True)
class Belief:
    """A belief before one draw, as read with the colours as they are and with both exchanged.

    Attributes:
        logit: log-odds of the first colour, the mean of both readings.
        bias: half their difference: by how much the words favour the colour that is named first.
        mass: probability on the options, the mean of both.
        best: the most probable option with the colours as they are.
    """

    logit: float
    bias: float
    mass: float
    best: str

    @classmethod
    def of(cls, plain: tuple[float, Choice], swapped: tuple[float, Choice]) -> Belief:
        """The belief of two readings: the probability of the first colour and the choice that it comes from."""
        one, two = log_odds(plain[0]), log_odds(swapped[0])
        mass = (plain[1].mass + swapped[1].mass) / 2
        return cls((one + two) / 2, (one - two) / 2, mass, plain[1].best)


@dataclass(frozen=True, slots=True)
class Scene:
    """A sequence of draws in words, with the colours as they are or exchanged.

    Attributes:
        wording: the experiment's texts, of which `TEXTS` is a part.
        told: whether the text says that the urn may be exchanged.
    """

    wording: Mapping[str, str]
    item: Item
    told: bool = False
    swapped: bool = False

    @property
    def colours(self) -> tuple[str, str]:
        """The words for draws of 1 and of 0."""
        first, second = self.item.fields["first"], self.item.fields["second"]
        return (second, first) if self.swapped else (first, second)

    def text(self, name: str, **more: object) -> str:
        """A text about this urn, in which the colours are named in one order, exchanged or not."""
        place = self.item.fields["place"]
        article = "An" if place[:1] in "aeiou" else "A"
        fields = {key: self.item.fields[key] for key in ("place", "thing")}
        one, two = self.item.fields["first"], self.item.fields["second"]
        return fill(self.wording[name], {"article": article, "one": one, "two": two, **fields, **more})

    def lines(self, draws: Sequence[int]) -> list[str]:
        """A line for each draw."""
        one, zero = self.colours
        return [f"{self.text('next', number=n)} {one if draw else zero}" for n, draw in enumerate(draws, 1)]

    def about(self) -> str:
        """The urn, and whether it may be exchanged."""
        return " ".join([self.text("scene"), *([self.text("told")] if self.told else [])])

    def listing(self, draws: Sequence[int]) -> Prompt:
        """The model's own list of draws, up to where the next colour stands."""
        begun = "\n".join([*self.lines(draws), self.text("next", number=len(draws) + 1)])
        return Prompt.user(f"{self.about()} {self.text('list')}", begun)

    def asking(self, draws: Sequence[int]) -> Prompt:
        """The request for a percentage of the colour that is named first."""
        told = self.text("history", draws="\n".join(self.lines(draws))) if draws else self.text("nothing")
        steps = f"{', '.join(STEPS[:-1])} or {STEPS[-1]}"
        request = self.text("stated", asked=self.item.fields["first"], steps=steps)
        return Prompt.user(f"{self.about()}\n\n{told}\n\n{request}", self.text("stated_lead"))


async def implied(scene: Scene, subject: Subject, *, at_once: bool) -> list[tuple[float, Choice]]:
    """The chance of a draw of 1 before each draw, by the next word in the list.

    Args:
        at_once: one reading of the whole list, which gives the same as a prompt for each draw.
    """
    draws = scene.item.fields["draws"]
    one, zero = scene.colours
    options = {"one": (f" {one}",), "zero": (f" {zero}",)}
    if at_once:
        prompt = scene.listing(draws[:-1])
        marks = [scene.text("next", number=n) for n in range(1, len(draws) + 1)]
        choices = await subject.choose_at(prompt, options, [subject.positions(prompt, mark, -1)[-1] for mark in marks])
    else:
        # The longest first: the others are beginnings of it, and find it in the cache.
        prompts = [scene.listing(draws[:n]) for n in reversed(range(len(draws)))]
        choices = (await together(subject.choose(prompt, options) for prompt in prompts))[::-1]
    return [(choice.p["one"], choice) for choice in choices]


async def stated(scene: Scene, subject: Subject, trials: Sequence[int]) -> list[tuple[float, Choice]]:
    """The chance of a draw of 1 before each of some draws, counted from 0, by the mean of the stated percentages."""
    draws = scene.item.fields["draws"]
    options = {str(10 * i): (f" {name}",) for i, name in enumerate(STEPS)}
    choices = await together(subject.choose(scene.asking(draws[:t]), options) for t in reversed(trials))
    read = []
    for choice in choices[::-1]:
        of_first = min(1.0, sum(p * int(step) / 100 for step, p in choice.p.items()))
        read.append((1 - of_first if scene.swapped else of_first, choice))
    return read


def fault(item: Item) -> str:
    """Why the item's draws cannot be shown; "" where they can."""
    draws = item.fields["draws"]
    if not isinstance(draws, (list, tuple)) or len(draws) < 2 or not all(draw in (0, 1) for draw in draws):
        return 'the field "draws" is no list of 0 and 1 with at least two draws'
    for name, of in (("chances", "numbers from 0 to 1"), ("volatile", "0 and 1")):
        values = item.fields[name]
        if not isinstance(values, (list, tuple)) or len(values) != len(draws):
            return f'the field "{name}" is no list with a value for each of {len(draws)} draws'
        allowed = all(isinstance(value, (int, float)) and 0 <= value <= 1 for value in values)
        if not allowed or (name == "volatile" and not all(value in (0, 1) for value in values)):
            return f'the field "{name}" is no list of {of}'
    return f"both colours are {item.fields['first']!r}" if item.fields["first"] == item.fields["second"] else ""
