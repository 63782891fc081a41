"""The rows of best of N: one for each way to pick and each N, and one for each sample."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.correction.best_of_n.picks import ended, summed
from experiments.correction.chains import State
from harness import GradedAnswer, Score


@dataclass(frozen=True, kw_only=True)
class Picked(GradedAnswer):
    """An answer that was picked from N samples, beside the greedy answer to the same question.

    Attributes:
        n: samples that it was picked from; 1 for the greedy answer and for a row of one sample.
        greedy: whether the greedy answer is right. One that cannot be graded is wrong.
        ended: whether the picked answer ended by itself.
        logp: its log-probability, the sum over its tokens with the end token, before temperature; None if it was cut.
        greedy_likelier: whether the greedy answer is at least as likely; None where either was cut.
        tokens: its length, the end token included; brevity: the same, negative.
        calls, prompt_tokens, new_tokens: the cost of all N samples, see `Cost`.
    """

    n: int
    greedy: bool
    ended: bool
    logp: Score | None
    greedy_likelier: bool | None
    tokens: int
    brevity: Score
    calls: int
    prompt_tokens: int
    new_tokens: int


def picked(n: int, found: State, greedy: State) -> Picked:
    """The row of an answer that was picked from n samples."""
    logp, other = (Score(summed(state)) if ended(state) else None for state in (found, greedy))
    return Picked(
        answer=found.grade.answer,
        correct=found.grade.correct,
        fate=found.grade.fate,
        n=n,
        greedy=greedy.grade.correct,
        ended=ended(found),
        logp=logp,
        greedy_likelier=None if logp is None or other is None else other >= logp,
        tokens=len(found.text.tokens),
        brevity=Score(-len(found.text.tokens)),
        calls=found.cost.calls,
        prompt_tokens=found.cost.prompt_tokens,
        new_tokens=found.cost.new_tokens,
    )
