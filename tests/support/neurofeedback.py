"""Models whose activations are those of their words, and whose reports are known."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.introspection.neurofeedback.arms import ARMS, DEFAULT
from experiments.introspection.neurofeedback.fitting import Fit
from experiments.introspection.neurofeedback.neurofeedback import Neurofeedback
from experiments.introspection.neurofeedback.stimuli import Sentences
from harness import Subject
from harness.calls.calls import Read
from harness.engines.fake.engine import FakeEngine, WordTokenizer
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.store.store import Store
from harness.tasks.base import split

TASK = Sentences()
SPLIT = split(TASK, 24, 120)
WIDTH = 16
REPORTS = tuple(name for name in DEFAULT if ARMS[name].task == "report" and "another" not in name)
SCORED = re.compile(r"<assistant> ([^\n]*?) \[Score: \{([01])\}\]")


def word_state(word: str) -> np.ndarray:
    """The activation at a word: standard normal numbers, by the word alone."""
    rng = random.Random(f"word/{word.strip()}")
    return np.array([rng.gauss() for _ in range(WIDTH)])


def state(sentence: str) -> np.ndarray:
    """The mean over a sentence's tokens."""
    tokenizer = WordTokenizer()
    return np.asarray(np.mean([word_state(tokenizer.decode([i])) for i in tokenizer.encode(sentence)], axis=0))


def by_words(call: Read, text: str, layer: int) -> Sequence[float]:
    """The activation at the last token of a text."""
    tokenizer = WordTokenizer()
    return [float(x) for x in word_state(tokenizer.decode(tokenizer.encode(text)[-1:]))]


Reply = Callable[[str], Mapping[str, float]]


def reported(p: Callable[[str, list[tuple[str, bool]]], float]) -> Reply:
    """A model that reports label 1 of a sentence with a probability that depends on it and on the examples."""

    def reply(prompt: str) -> Mapping[str, float]:
        *_, last = prompt.rsplit("<assistant> ", 1)
        if not last.endswith(" [Score: {"):
            raise LookupError("it is asked for nothing but a score, right behind its brace")
        examples = [(sentence, label == "1") for sentence, label in SCORED.findall(prompt)]
        one = p(last.removesuffix(" [Score: {"), examples)
        return {"1": one, "0": 1 - one}

    return reply


def make(reply: Reply, activations: Any = by_words, name: str = "fake") -> Subject:
    engine = FakeEngine(reply, name, activations=activations)
    store = Store(Path(tempfile.mkdtemp()))
    return Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, 0)


def ran(experiment: Neurofeedback, subject: Subject, rival: Subject | None = None, limit: int = 24) -> Table:
    parts = split(TASK, limit, experiment.train)
    subject = replace(subject, players={"rival": (rival or subject,)})
    finished = asyncio.run(ask_all(experiment, parts, subject, window=8))
    errors = [error for one in finished for error in one.result.errors]
    assert not errors, errors[:3]
    return experiment.table([one.result for one in finished])


def prepared(experiment: Neurofeedback, subject: Subject) -> Fit:
    subject = replace(subject, players={"rival": (subject,)})
    return asyncio.run(experiment.prepare(SPLIT.train, subject.for_item("prepare")))


def rows(table: Table, **where: Any) -> list[dict[str, Any]]:
    names = [*table.columns]
    whole = [dict(zip(names, values, strict=True)) for values in zip(*table.columns.values(), strict=True)]
    return [row for row in whole if all(row[name] == value for name, value in where.items())]


def share(table: Table, column: str = "correct", **where: Any) -> float:
    return float(np.mean([row[column] for row in rows(table, **where)]))


def half(_: str, __: list[tuple[str, bool]]) -> float:
    return 0.5
