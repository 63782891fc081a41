"""The rows of revise: one for each vote, and one for each sample."""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.correction.chains import Cost, State
from experiments.correction.revise.answers import Verified
from harness import Fate, GradedAnswer, Probability, Score


@dataclass(frozen=True, kw_only=True)
class Revised(GradedAnswer):
    """An answer, and the one that it is compared with: of a vote the plain vote, of a sample its first answer.

    Attributes:
        before: whether the other one is right. One that cannot be graded is wrong.
        fate_before: its fate.
        revised: how many samples were revised for it; of a sample 1 or 0.
        verified: whether a confidence in the first answer was read; false for one that was cut, and for all votes.
        p: of a sample, the confidence in its first answer.
        p_after: of a sample, the confidence in the answer that stands; None where that was cut.
        mass: of a sample, the probability of yes and no together when the first answer was verified.
        length: of a sample, the tokens of its first answer; shortness: the same, negative.
        calls, prompt_tokens, new_tokens: the whole cost, see `Cost` and `Verified`.
    """

    before: bool
    fate_before: Fate
    revised: int
    verified: bool = False
    p: Probability | None = None
    p_after: Probability | None = None
    mass: Probability | None = None
    length: Score | None = None
    shortness: Score | None = None
    calls: int
    prompt_tokens: int
    new_tokens: int


def of_vote(plain: State, stands: State, revised: int) -> Revised:
    """The row of a vote."""
    return _row(plain, stands, stands.cost, revised)


def of_sample(first: Verified, stands: Verified) -> Revised:
    """The row of a sample, whose first answer stands unless it was revised."""
    row = _row(first.state, stands.state, stands.cost, int(stands is not first))
    verified = first.confidence is not None
    tokens = len(first.state.text.tokens)
    return replace(
        row,
        verified=verified,
        p=first.confidence,
        p_after=stands.confidence,
        mass=first.mass,
        length=Score(tokens),
        shortness=Score(-tokens),
    )


def _row(before: State, stands: State, cost: Cost, revised: int) -> Revised:
    return Revised(
        answer=stands.grade.answer,
        correct=stands.grade.correct,
        fate=stands.grade.fate,
        before=before.grade.correct,
        fate_before=before.grade.fate,
        revised=revised,
        calls=cost.calls,
        prompt_tokens=cost.prompt_tokens,
        new_tokens=cost.new_tokens,
    )
