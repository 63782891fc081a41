"""The experiment and the task of imported runs. Nobody is asked: the answers come from another harness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from harness.calls.calls import Capability
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.items import Fate, Item
from harness.outcomes import Outcome, Probability
from harness.subject.subject import Subject
from harness.tasks.base import Task

NAME = "imported"
"""The name of the experiment, and the status of such a run."""

_AGAIN = "an imported run asks nobody; `rescore` gives it new metrics, and with --replay a new grader"


@dataclass(frozen=True, kw_only=True)
class ImportedAnswer(Outcome):
    """One answer as one scorer of another harness judged it.

    Attributes:
        answer: the answer as the scorer read it; None where the log does not say.
        correct: whether it is right; None of a scorer whose scores are no matter of right and wrong.
        fate: the fate of the answer, as far as the log tells.
        value: the score as a number.
        p: probability of the chosen option among the options, in [0, 1].
        draw: the number of the repetition.
        reason: why a value is missing.
    """

    answer: str | None = None
    correct: bool | None = None
    fate: Fate | None = None
    value: float | None = None
    p: Probability | None = None
    draw: int = 0
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Imported(Experiment[None]):
    """Results of another harness: the answers of a model as lm-eval or Inspect logged and scored them.

    Each scorer is an arm. Its metrics stand in the run's own config, because they depend on the log (`metrics_for`).
    """

    outcome: ClassVar = ImportedAnswer
    metrics: ClassVar = ()
    item_fields: ClassVar = ()

    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    async def protocol(self, item: Item, subject: Subject, fitted: None) -> NoReturn:
        raise HarnessError(_AGAIN)


@dataclass(frozen=True, kw_only=True)
class ImportedItems(Task):
    """The items of an imported run, which lie in its calls.jsonl. Another model is asked about them with `task=run`.

    Attributes:
        file: the name of the file that was imported.
        like: the run whose items these are where question and gold answer agree; "" is none.
        grader: the grader that `rescore --replay` applies to the texts: short_answer, exact_match, number,
            letter_choice, or the dotted path of a function; None grades nothing anew.
    """

    version: ClassVar[str] = "1"
    file: str
    like: str = ""
    grader: str | None = None

    def load(self) -> Sequence[Item]:  # type: ignore[override]  # it always raises
        raise HarnessError(_AGAIN)
