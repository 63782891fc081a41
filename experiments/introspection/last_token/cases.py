"""Asks one sum of a model that is changed inside: where its tokens lie, the streams of others, and its answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.last_token.sums import COMPUTE
from experiments.introspection.last_token.wordings import Template
from harness import Ablate, Array, Choice, Cut, Item, ItemError, Prompt, Replace, Subject, together

SAID = 0.5
"""The share of all probability from which on the answers together are an answer; below, another token may be likelier
than any of them."""

Replaced = Literal["nothing", "context means", "means over all", "zero", "embeddings"]
Pair = tuple[int, int]
"""Operands in the order of the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tokens of a sum lie in its prompt.

    Attributes:
        prompt: solved examples, if any, and the sum.
        begin: its first token. All before it are the same in every sum, and stay visible: the BOS token, the examples.
        first, second: the tokens of its operands in the order of the text, one token each.
        last: its last token.
    """

    prompt: Prompt
    begin: int
    first: int
    second: int
    last: int

    @property
    def waiting(self) -> tuple[int, ...]:
        """The tokens behind the first operand, whose streams may hang on another operand than their own."""
        return tuple(range(self.first + 1, self.last + 1))

    @property
    def own(self) -> tuple[int, ...]:
        """All tokens of the sum."""
        return tuple(range(self.begin, self.last + 1))


def said(choice: Choice) -> str:
    """The most probable answer; "" where the model says something else than an answer."""
    return choice.best if choice.mass >= SAID else ""


@dataclass(frozen=True)
class Case:
    """A sum in one wording, with what the unchanged model makes of it.

    Attributes:
        style, operator: the wording, and "+" or "-".
        gold: the right answer.
        options: the answers, one token each.
        full: their probabilities in the unchanged model.
        layers: layers behind which streams are known.
        streams: what may stand in place of the waiting tokens' streams, each [layers, waiting tokens, width].
    """

    style: str
    operator: str
    gold: str
    place: Place
    options: Mapping[str, Sequence[str]]
    full: Choice
    layers: tuple[int, ...] = ()
    streams: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def solved(self) -> bool:
        """Whether the unchanged model's answer is right."""
        return said(self.full) == self.gold

    def keeps(self, choice: Choice) -> bool:
        """Whether a changed model gives the answer of the unchanged one."""
        return said(choice) == said(self.full) != ""

    async def ask(self, subject: Subject, *inside: Replace | Ablate | Cut) -> Choice:
        """The answers' probabilities in the changed model."""
        if not inside:
            return self.full
        return await subject.choose(self.place.prompt, self.options, thought="", interventions=inside)

    def replaced(self, what: Replaced, layer: int) -> tuple[Replace | Ablate, ...]:
        """Puts something in place of the waiting tokens' streams behind a layer; nothing behind layer -1."""
        if what == "nothing" or layer < 0:
            return ()
        if what == "zero":
            return (Ablate(layer, "resid_post", self.place.waiting),)
        values = self.streams[what][self.layers.index(layer) if what != "embeddings" else 0]
        return (Replace(layer, "resid_post", Array.of(values), self.place.waiting),)

    def peeking(self, layers: Sequence[int], transfer: Sequence[int]) -> tuple[Cut, ...]:
        """In these layers tokens of the sum see themselves and what stands before the sum (attention-based peeking).

        Args:
            transfer: layers in which the last token sees all others.
        """
        own = self.place.own
        return tuple(Cut(i, own[:-1] if i in transfer else own, own, keep_self=True) for i in layers)

    def knocked_out(self, layers: Sequence[int]) -> tuple[Cut, ...]:
        """In these layers the last token sees no other token of the sum."""
        return tuple(Cut(i, self.place.own[-1:], self.place.own[:-1]) for i in layers)


@dataclass(frozen=True)
class Sums:
    """The sums of one operator in one wording.

    Attributes:
        style: the name of the wording.
        item: any of them, which says the examples, the operator, and the ranges of operands and answers.
        draws: the most other sums of which a mean is taken.
    """

    subject: Subject
    style: str
    template: Template
    item: Item
    draws: int

    async def case(self, layers: Sequence[int]) -> Case:
        """The item's own sum.

        Args:
            layers: layers behind which streams are to be known.

        Raises:
            ItemError: an operand or an answer is not one token, or no token stands before the sum.
        """
        fields = self.item.fields
        if not all(isinstance(fields[name], int) for name in ("first", "second")):
            raise ItemError(f"the operands {fields['first']!r} and {fields['second']!r} are no whole numbers")
        pair: Pair = (fields["first"], fields["second"])
        pair = pair[::-1] if self.template.swapped else pair
        if self.template.lead == "" and self.joins(pair):
            return await replace(self, template=self.template.joined()).case(layers)
        place = self.place(pair)
        lowest, highest = fields["answers"]
        options = {str(n): (f"{self.template.lead}{n}",) for n in range(lowest, highest + 1)}
        full = await self.subject.choose(place.prompt, options, thought="")
        if full.calls > 1:
            raise ItemError("an answer is several tokens in this tokenizer; ask for smaller ones with task.most")
        known = tuple(layer for layer in layers if layer >= 0)
        streams = await self.streams(pair, place, known) if known else {}
        return Case(self.style, fields["operator"], str(self.item.gold), place, options, full, known, streams)

    def joins(self, pair: Pair) -> bool:
        """Whether the wording ends with a blank that this tokenizer puts into one token with the number behind it."""
        prompt, answer = self.prompt(pair), str(self.item.fields["answers"][0])
        if not prompt.prefill.endswith(" "):
            return False
        answered = replace(prompt, prefill=prompt.prefill + answer)
        blank, number = (self.subject.positions(answered, text, -1)[0] for text in (f" {answer}", answer))
        return blank == number

    def place(self, pair: Pair) -> Place:
        """Where the tokens of a sum lie.

        Raises:
            ItemError: as `case`.
        """
        prompt, tails = self.prompt(pair), self.template.tails(*pair)
        ends = self.subject.prompt_tokens(prompt)
        begin, first, between, second, behind = (self.subject.positions(prompt, tail, -1)[0] for tail in tails)
        for value, at, after in ((pair[0], first, between), (pair[1], second, behind)):
            if after != at + 1:
                raise ItemError(
                    f"operand {value} of {tails[0]!r} is not one token of its own in this tokenizer; ask for operands "
                    "of one digit with task.high=9 task.most=9"
                )
        if begin == 0:
            raise ItemError(
                f"no token stands before {tails[0]!r} that all others may see: this tokenizer writes no BOS token; put "
                "solved examples there with task.examples=4"
            )
        return Place(prompt, begin, first, second, ends - 1)

    def prompt(self, pair: Pair) -> Prompt:
        """The examples and a sum, up to where its answer begins."""
        operator, shown = self.item.fields["operator"], []
        for a, b in self.item.fields["examples"]:
            text = self.template.tails(*((b, a) if self.template.swapped else (a, b)))[0]
            shown.append(f"{text}{self.template.lead}{COMPUTE[operator](a, b)}")
        text = self.template.tails(*pair)[0]
        return Prompt.user("\n".join(shown), text) if shown else Prompt.exact(text)

    async def streams(self, pair: Pair, place: Place, layers: tuple[int, ...]) -> dict[str, NDArray[np.float64]]:
        """What may stand in place of the waiting tokens' streams behind each layer.

        "context means": the mean over other sums that share the token at this place, and the operator. The second
        operand's own token is kept, and so is what stands between the operands; tokens behind it are alike in all sums.
        "means over all": the mean over other sums, whatever their operands. "embeddings": as if no layer had worked.
        """
        low, high = self.item.fields["operands"]
        left_out = {pair, *((b, a) if self.template.swapped else (a, b) for a, b in self.item.fields["examples"])}
        alike = self.drawn([(one, pair[1]) for one in range(low, high + 1)], left_out)
        others = self.drawn([(one, two) for one in range(low, high + 1) for two in range(low, high + 1)], left_out)
        if not alike:
            raise ItemError(f"no other sum shares the operand {pair[1]}, so that there is no mean over such")
        wanted = list(dict.fromkeys([*alike, *others]))
        read = dict(zip(wanted, await together(self.read(one, place, layers) for one in wanted), strict=True))
        of_alike, of_all = (np.mean([read[one] for one in some], axis=0) for some in (alike, others))
        behind = np.array(place.waiting)[:, None] > place.second
        embeddings = await self.subject.read(place.prompt, layers=[0], positions=place.waiting, site="resid_pre")
        return {
            "context means": np.where(behind, of_all, of_alike),
            "means over all": of_all,
            "embeddings": embeddings.numpy().astype(float),
        }

    def drawn(self, pairs: Sequence[Pair], left_out: set[Pair]) -> list[Pair]:
        """Some of the pairs, as many as `draws` or all that there are; of two sums they are nearly the same."""
        some = random.Random(0).sample(pairs, min(len(pairs), self.draws + len(left_out)))
        return [pair for pair in some if pair not in left_out][: self.draws]

    async def read(self, pair: Pair, like: Place, layers: tuple[int, ...]) -> NDArray[np.float64]:
        """The waiting tokens' streams of another sum, [layers, waiting tokens, width]."""
        prompt = self.prompt(pair)
        if self.subject.prompt_tokens(prompt) != like.last + 1:
            text = self.template.tails(*pair)[0]
            raise ItemError(
                f"{text!r} has another number of tokens, so that no mean is taken over it; give task.low and task.high "
                "operands of one token"
            )
        stream = await self.subject.read(prompt, layers=layers, positions=like.waiting)
        return stream.numpy().astype(float)
