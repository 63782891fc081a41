"""For tests of protocols of one's own: a subject whose replies are known takes the place of a model."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.engines.fake.engine import Activate, AnswerTable, FakeEngine, Intervened, Replies
from harness.execution.runner import ask_all
from harness.experiment import Experiment
from harness.items import Item
from harness.outcomes import Table
from harness.processes.own_thread import in_own_thread
from harness.prompting.rendering import Renderer
from harness.runs.finished import Finished
from harness.store.store import Store
from harness.subject.subject import Subject
from harness.tasks.base import Split
from harness.tasks.graders import short_answer

Answer = Mapping[str, str] | Callable[[str], str | Mapping[str, float]]
"""What a fake model replies to a prompt.

A table gives the reply by a part of the prompt; of several parts that occur, the one that ends last counts. A function
gives the reply to a prompt's text, or the distribution of replies, whose probabilities sum to 1. A reply that is a text
is the whole turn, and is put after a space where the prompt ends in a word; in a distribution texts are exact."""

NO_SPACE = "([{\"'-/"
"""A reply follows these without a space, as it follows white space."""

_FOLDERS = tempfile.TemporaryDirectory()
"""Stores of subjects that need no folder of their own; gone when the process ends."""


class Simulated(NamedTuple):
    """What a protocol made of known replies.

    Attributes:
        table: the outcomes as metrics read them.
        finished: by item, the rows, errors and transcript: `finished[0].transcript[0].prompt`.
    """

    table: Table
    finished: list[Finished]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The outcomes, sorted by item: bool for labels, None for a missing value, "error" for why an item failed."""
        kinds = self.table.kinds
        columns = {name: _native(values.tolist(), kinds[name]) for name, values in self.table.columns.items()}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def item(question: str, *answers: str, **fields: Any) -> Item:
    """A question with the answers that are right, graded as short answers are."""
    return Item({"question": question, **fields}, list(answers), short_answer)


def fake_subject(
    answer: Answer,
    *,
    seed: int = 0,
    folder: Path | None = None,
    judge: Subject | None = None,
    activations: Activate | None = None,
    intervened: Intervened | None = None,
) -> Subject:
    """A subject whose replies are known.

    Args:
        seed: of sampled replies.
        folder: of its store; by default one that goes with the process.
        judge: who plays the part "judge"; the subject itself by default.
        activations, intervened: the values that `read` finds, and the effect of interventions on the replies, see
            `FakeEngine`; without `intervened` the subject cannot be intervened on.
    """
    engine = FakeEngine(_replies(answer), activations=activations, intervened=intervened)
    store = Store(folder or Path(tempfile.mkdtemp(dir=_FOLDERS.name)))
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, seed)
    return replace(subject, players={"judge": (judge or subject,)})


def simulate(
    experiment: Experiment,
    items: Sequence[Item],
    answer: Answer,
    *,
    train: Sequence[Item] = (),
    roles: Mapping[str, Answer] = MappingProxyType({}),
    seed: int = 0,
    activations: Activate | None = None,
    intervened: Intervened | None = None,
) -> Simulated:
    """Runs `prepare` and the protocol of every item with known replies in place of a model; keeps nothing.

    Args:
        train: the items for `prepare`.
        roles: who plays the parts besides the subject, which plays those not named.
        activations, intervened: of the subject, as in `fake_subject`.

    Raises:
        HarnessError: the protocol trips over every item at the same place.
    """

    def work(_: Callable[[], bool]) -> list[Finished]:
        subject = fake_subject(answer, seed=seed, activations=activations, intervened=intervened)
        parts = dict.fromkeys(experiment.needed_parts(), (subject,))
        named = {role: (replace(fake_subject(roles[role], seed=seed), name=role),) for role in roles}
        subject = replace(subject, players={**subject.players, **parts, **named})
        return asyncio.run(ask_all(experiment, Split(tuple(items), tuple(train), ""), subject, window=8))

    finished = in_own_thread(work, "simulate")
    return Simulated(experiment.table([one.result for one in finished]), finished)


def _replies(answer: Answer) -> Replies:
    table = AnswerTable(answer) if isinstance(answer, Mapping) else None

    def replies(prompt: str) -> Mapping[str, float]:
        said = next(iter(table(prompt))) if table is not None else _called(answer, prompt)
        return {_after(prompt, said): 1.0} if isinstance(said, str) else said

    return replies


def _called(answer: Answer, prompt: str) -> str | Mapping[str, float]:
    assert callable(answer)
    return answer(prompt)


def _after(prompt: str, reply: str) -> str:
    """A reply as it follows a prompt."""
    close = not prompt or prompt[-1].isspace() or prompt[-1] in NO_SPACE or not reply or reply[0].isspace()
    return reply if close else f" {reply}"


def _native(values: list[Any], kind: str) -> list[Any]:
    if kind == "text":
        return values
    known = [None if math.isnan(value) else value for value in values]
    return [None if value is None else bool(value) for value in known] if kind == "label" else known
