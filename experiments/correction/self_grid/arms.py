"""The arms of the grid: which answers are refined, with which feedback, and which answers vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm


@dataclass(frozen=True, kw_only=True)
class Cell(Arm):
    """One cell of the grid, or a control.

    Attributes:
        gate: which answers are refined. none: none, and no feedback is asked for. own: answers that the feedback calls
            incorrect; one whose verdict cannot be read is not refined. always: all. coin: one in two, by chance.
            oracle: answers that are wrong by the gold answer. always correct: none, as by feedback that calls every
            answer correct.
        feedback: the model's own, words without content, or its own about another item; "fresh" refines nothing, and
            takes another first answer.
        vote: whether the chains of an item vote.
        answers: first answers in place of a chain, which vote; 1 where a chain stands for itself.
        filtered: whether a last feedback, on the answer that stands, says if it is kept.
    """

    gate: Literal["none", "own", "always", "coin", "oracle", "always correct"] = "none"
    feedback: Literal["own", "empty", "shuffled", "fresh"] = "own"
    vote: bool = False
    answers: int = 1
    filtered: bool = False


CALLS = 3
"""Calls of a chain that refines: answer, feedback, refinement."""

ARMS: Mapping[str, Cell] = {
    "direct": Cell(),
    "direct vote": Cell(vote=True),
    "refine gated": Cell(gate="own", filtered=True),
    "refine gated vote": Cell(gate="own", vote=True),
    "refine always": Cell(gate="always", filtered=True),
    "refine always vote": Cell(gate="always", vote=True),
    "vote of three": Cell(answers=CALLS),
    "vote equal calls": Cell(answers=CALLS, vote=True),
    "empty": Cell(gate="always", feedback="empty"),
    "shuffled": Cell(gate="always", feedback="shuffled"),
    "coin": Cell(gate="coin"),
    "gated resample": Cell(gate="own", feedback="fresh"),
    "gated resample vote": Cell(gate="own", feedback="fresh", vote=True),
    "always correct gate": Cell(gate="always correct"),
    "oracle gate": Cell(gate="oracle"),
}
"""All arms by name."""
