"""Arms, rows and rules of experiments that plant an error in the model's own words, or in the user's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from harness import Arm, Gate, Graded, GradedAnswer, Metric, Subject, metrics, together

Marker = Literal["none", "wait", "filler"]


@dataclass(frozen=True, kw_only=True)
class Planting(Arm):
    """The words that are planted, whose they are, and the marker after them.

    Attributes:
        voice: whose words it is in: the model's own turn, which is left open, or the user's; "none" plants nothing.
        planted: whether it is wrong or right.
        marker: put after the words in the model's turn: none, "Wait", or a word that hints at nothing.
        rule: a rule of `RULES` that answers in the model's place; "none" asks the model.
    """

    voice: Literal["model", "user", "none"] = "model"
    planted: Literal["wrong", "right", "none"] = "wrong"
    marker: Marker = "none"
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Planted(GradedAnswer):
    """One answer after something was planted, or after the question alone.

    Attributes:
        correct: whether the answer that stands in the end is right. After something wrong that is a recovery.
        kept: whether it is the one that was planted, or that follows from it; None after the question alone.
        correct_user: whether the answer is right where the user says the same; None unless the model says something
            wrong.
        false_alarm: whether the answer is not right after the same with the right value in place of the wrong one;
            None unless something wrong is planted.
        able: whether the answer is right after that right value where no marker follows; None as before, and of rules.
        tokens: written in the reply.
    """

    kept: bool | None = None
    correct_user: bool | None = None
    false_alarm: bool | None = None
    able: bool | None = None
    tokens: int = 0


R = TypeVar("R", bound=Planted)


async def set_against(arm: Planting, answer: Callable[[Planting], Awaitable[R]]) -> R:
    """The row of an arm; one with something wrong is set against the same of the user, and against the right value.

    Args:
        answer: gives the row of an arm by itself; `harness.arms.Shared.get` asks each once.
    """
    if arm.planted != "wrong":
        return await answer(arm)
    clean = replace(arm, planted="right")
    if arm.rule != "none":
        row, kept = await together(answer(one) for one in (arm, clean))
        return replace(row, false_alarm=not kept.correct)
    unmarked, user = replace(clean, marker="none"), replace(arm, voice="user", marker="none")
    row, kept, able, told = await together(answer(one) for one in (arm, clean, unmarked, user))
    by_user = told.correct if arm.voice == "model" else None
    return replace(row, false_alarm=not kept.correct, able=able.correct, correct_user=by_user)


RULES: Mapping[str, float] = {"keep": 0.0, "always wrong": 1.0, "coin": 0.5}
"""How often each takes a planted answer for wrong, without a look at it, and changes it a little."""


def by_rule(arm: Planting, planted: str, near: Sequence[str], subject: Subject) -> str:
    """The answer of a rule that sees the planted answer alone, and others near it."""
    rng = subject.random(f"{arm.rule} {arm.planted}")
    return rng.choice(near) if rng.random() < RULES[arm.rule] else planted


def told(given: Graded, planted: str) -> dict[str, Any]:
    """The columns of an answer that stands after something was planted; "" is nothing."""
    kept = given.answer == planted if planted else None
    return {"answer": given.answer, "correct": given.correct, "fate": given.fate, "kept": kept}


CONTROLS: Mapping[str, Planting] = {
    "question alone": Planting(voice="none", planted="none"),
    **{f"rule: {rule}": Planting(rule=rule) for rule in RULES},
}
"""Arms that every such experiment has: what the model can do, and the rules."""

WRONG: metrics.Where = {"planted": "wrong"}
OWN: metrics.Where = {**WRONG, "voice": "model", "rule": "none"}

METRICS: tuple[Metric, ...] = (
    *metrics.graded(),
    *metrics.each(("correct_user", "correct"), metrics.blind_spot, metrics.voice_gap, where=OWN),
    *metrics.rates("kept", recovery="correct", false_alarms="false_alarm", where=WRONG),
    *metrics.rates("able", where={**WRONG, "rule": "none"}),
    *metrics.each(("correct", "false_alarm"), metrics.net_recovery, where=WRONG),
    *metrics.means(mean_tokens="tokens", where={"rule": "none"}),
)
"""Whether errors are mended, against the user's words, and against false alarms, on the same items."""

GATE = Gate(
    metric="able",
    least=0.1,
    columns=("false_alarm", "correct_user"),
    why="the model hardly gets to the right answer from the right beginning",
)
"""Says nothing about mending where the model cannot do the task at all."""

READABLE = Gate(
    metric="answered",
    least=0.5,
    advised=0.9,
    columns=("correct", "correct_user", "false_alarm"),
    why="most replies are cut or give no answer, and count as errors that stand",
)
"""Says nothing about errors that stand where hardly any answer can be read."""
