"""The rows of the grid, and the measures over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.correction.chains import Revised, State, answered_after, revised
from harness import Gate, Metric, Score, metrics


@dataclass(frozen=True, slots=True)
class Judgment:
    """Verdicts of feedback.

    Attributes:
        first: whether the feedback on the first answer calls it correct; None where no verdict can be read.
        last: the same of the answer that stands.
    """

    first: bool | None
    last: bool | None


@dataclass(frozen=True, kw_only=True)
class Refined(Revised):
    """An answer before and after refinement, or a vote over several.

    Of a vote over refined answers, `before` is the vote over the first ones; of a vote over first answers, the first of
    them. The last feedback on a refined answer, which only filters, is no part of the cost.

    Attributes:
        refined: whether the answer was refined; of a vote, whether any was.
        judged: whether the feedback calls the first answer correct; None where its verdict cannot be read.
        judgment: the same as a score: 1 for correct, 0 for incorrect.
        judged_right: whether it is right about that; a verdict that cannot be read is not.
        parse_failed: whether it cannot be read.
        kept: whether the last feedback calls the answer that stands correct; None where it cannot be read.
    """

    refined: bool
    judged: bool | None = None
    judgment: Score | None = None
    judged_right: bool | None = None
    parse_failed: bool | None = None
    kept: bool | None = None


def row(first: State, last: State, *, refined: bool, chain: int = 0, judgment: Judgment | None = None) -> Refined:
    """The row of an answer that stands first and last."""
    said = judgment.first if judgment else None
    return Refined(
        **revised(first, last, chain),
        refined=refined,
        judged=said,
        judgment=None if said is None else Score(said),
        judged_right=said == first.grade.correct if judgment else None,
        parse_failed=said is None if judgment else None,
        kept=judgment.last if judgment else None,
    )


JUDGED: Mapping[str, str] = {"arm": "refine gated"}
"""The feedback on first answers is the same in all arms."""
FILTERED: Mapping[str, bool] = {"filtered": True}
KEPT = ("kept", "after")

METRICS = (
    *metrics.transitions(),
    *answered_after(),
    *metrics.rates(refined_rate="refined"),
    *metrics.means("calls", "prompt_tokens", "new_tokens", prefix="mean_"),
    *metrics.rates(judged_correct_rate="judged", parse_failed_rate="parse_failed", by=(), where=JUDGED),
    Metric("judgment_balanced_accuracy", metrics.balanced_accuracy, ("judged_right", "before"), (), JUDGED),
    Metric("judgment_auroc_within", metrics.auroc_within, ("judgment", "before", "item"), (), JUDGED),
    Metric("right_called_correct", metrics.recall, ("judged", "before"), (), JUDGED),
    Metric("wrong_called_incorrect", metrics.specificity, ("judged", "before"), (), JUDGED),
    Metric("filter_precision", metrics.precision, KEPT, where=FILTERED),
    Metric("filter_recall", metrics.recall, KEPT, where=FILTERED),
    # Accuracies of the answers before and after: of being kept, and of being right, on rows with a verdict.
    Metric("filter_base_rate", metrics.accuracy_after, KEPT, where=FILTERED),
    Metric("filter_kept_rate", metrics.accuracy_before, KEPT, where=FILTERED),
)

READABLE = Gate(
    metric="parse_failed_rate",
    most=0.5,
    columns=("judged_right", "judged", "kept"),
    why="most feedback ends without a verdict",
)
