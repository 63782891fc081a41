"""Chains of answers to one item, the rows that they give, and votes over several answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from math import fsum
from operator import itemgetter
from typing import Any

from experiments.shared.thoughts import ThoughtArm
from harness import Fate, Gate, Graded, Item, Metric, Outcome, Prompt, Subject, Text, graded, metrics


@dataclass(frozen=True, kw_only=True)
class Revised(Outcome):
    """An answer and the one that stands after it.

    Attributes:
        before, after: whether they are right. An answer that cannot be graded is wrong: the papers count all problems.
        fate_before, fate_after: their fates.
        answer_before, answer_after: as parsed, "" when unparsable.
        chain: which of the sampled chains of this item; 0 of a vote.
        calls, prompt_tokens, new_tokens: the whole cost of the answer that stands, the first answer included, see
            `Cost`.
    """

    before: bool
    after: bool
    fate_before: Fate
    fate_after: Fate
    answer_before: str
    answer_after: str
    chain: int
    calls: int
    prompt_tokens: int
    new_tokens: int


@dataclass(frozen=True, kw_only=True)
class Revision(Revised):
    """The first answer and the one that stands at a later turn.

    Attributes:
        turn: the later one, from 2 on; of a vote over first answers, the turn at which chains have taken as many calls.
        unchanged: whether the parsed answers are equal; None when one of them could not be graded.
        similarity: similarity of the two texts, word by word: 2 * matches / words, in [0, 1] (difflib's ratio).
        tokens_before, tokens_after: length of the answer, in tokens.
    """

    turn: int
    unchanged: bool | None
    similarity: float
    tokens_before: int
    tokens_after: int


READABLE_AFTER = Gate(
    metric="answered_after",
    least=0.5,
    advised=0.9,
    columns=("after",),
    why="most later answers are cut or unreadable, and count as wrong",
)
"""Holds back verdicts on revisions that hardly ever end in an answer: who only comments on its answer makes nothing
worse. The metric is `answered_after`."""


def answered_after(by: tuple[str, ...] = ("arm",)) -> tuple[Metric, ...]:
    """The share of later answers that could be graded, for `READABLE_AFTER`."""
    return metrics.each(("fate_after",), metrics.answered, suffix="_after", by=by)


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of the model's turns. A thought and the answer behind it are one turn.

    Attributes:
        calls: turns of the model.
        prompt_tokens: read before each of them. A thought is not read again for its answer.
        new_tokens: written in them, thoughts and answers.
    """

    calls: int
    prompt_tokens: int
    new_tokens: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls, self.prompt_tokens + other.prompt_tokens, self.new_tokens + other.new_tokens
        )


@dataclass(frozen=True, slots=True)
class State:
    """The answer that stands at a turn, and the whole cost up to it."""

    text: Text
    grade: Graded
    cost: Cost


@dataclass(frozen=True)
class Speaker:
    """The subject on one item, with the same sampling in every turn.

    Attributes:
        before: the model's thought before each turn.
        draw: which of the independent samples, in every turn of a chain.
        stop: texts that end an answer.
    """

    subject: Subject
    item: Item
    before: ThoughtArm
    max_tokens: int
    temperature: float
    draw: int
    stop: tuple[str, ...] = ()

    async def answer(self, prompt: Prompt, spent: Cost | None = None) -> State:
        """The answer to a prompt; its cost comes on top of the cost so far."""
        sampling: Mapping[str, Any] = {"temperature": self.temperature, "draw": self.draw}
        prompt = await self.before.after(self.subject, prompt, **sampling)
        text = await self.subject.generate(prompt, max_tokens=self.max_tokens, stop=self.stop, **sampling)
        cost = Cost(1, self.subject.prompt_tokens(prompt), text.new_tokens)
        return State(text, graded(self.item, text), cost + spent if spent else cost)

    async def chain(self, prompt: Prompt, first: State, instructions: Sequence[str], turns: int) -> list[State]:
        """The states at turns 1 to `turns` of one conversation; a turn is one round of all instructions."""
        states = [first]
        for _ in range(1, turns):
            state = states[-1]
            for instruction in instructions:
                prompt = prompt.then(state.text.text, instruction)
                state = await self.answer(prompt, state.cost)
            states.append(state)
        return states


def total(states: Sequence[State]) -> Cost:
    """The total cost of separate states."""
    return sum((s.cost for s in states), Cost(0, 0, 0))


def vote(states: Sequence[State], cost: Cost, weights: Sequence[float] | None = None) -> State:
    """Majority of the parsed answers (self-consistency, Wang et al., 2203.11171), or the answer of the largest weight.

    Answers that could not be graded abstain, ties go to the first seen; where all abstain the first state stands.

    Args:
        weights: of each state; None counts each once. A constant weight gives the same answer.
    """
    given: dict[str, list[float]] = {}
    for state, weight in zip(states, [1.0] * len(states) if weights is None else weights, strict=True):
        if state.grade.fate == "answered":
            given.setdefault(state.grade.answer, []).append(weight)
    if not given:
        return replace(states[0], cost=cost)
    # The dictionary keeps the order of first appearance, and max takes the first of equals.
    answer = max(given, key=lambda one: fsum(given[one]))
    return replace(next(s for s in states if s.grade.answer == answer), cost=cost)


def pooled(states: Sequence[State]) -> State:
    """The vote over separate states, which costs what they cost together."""
    return vote(states, total(states))


def within(states: Sequence[State]) -> State:
    """The vote over the answers of one chain."""
    return vote(states, states[-1].cost)


def oracle(states: Sequence[State]) -> State:
    """The first right state, where a loop that knows the gold answer would stop; the last one if none is right."""
    return next((s for s in states if s.grade.correct), states[-1])


STANDING: Mapping[str, Callable[[Sequence[State]], State]] = {
    "revision": itemgetter(-1),
    "oracle": oracle,
    "within": within,
}
"""The final state of a chain, by kind of arm."""


def revised(before: State, after: State, chain: int) -> dict[str, Any]:
    """The columns of `Revised`."""
    was, now = before.grade, after.grade
    return {
        "before": was.correct,
        "fate_before": was.fate,
        "answer_before": was.answer,
        "after": now.correct,
        "fate_after": now.fate,
        "answer_after": now.answer,
        "chain": chain,
        **asdict(after.cost),
    }


def revision(before: State, after: State, *, turn: int, chain: int = 0) -> Revision:
    """The row of a chain whose first answer is `before` and whose answer at a turn is `after`."""
    was, now = before.grade, after.grade
    both = was.fate == now.fate == "answered"
    return Revision(
        **revised(before, after, chain),
        turn=turn,
        unchanged=was.answer == now.answer if both else None,
        similarity=SequenceMatcher(None, before.text.text.split(), after.text.text.split(), False).ratio(),
        tokens_before=len(before.text.tokens),
        tokens_after=len(after.text.tokens),
    )
