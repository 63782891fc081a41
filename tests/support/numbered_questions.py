"""Questions with numbers, and a subject whose answers, judgements and activations about them are known."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness import Experiment, Grade, Item
from harness.calls.calls import Read
from harness.engines.fake.engine import FakeEngine, Replies
from harness.execution.runner import run_protocols
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.estimates import Estimate, estimate_all
from harness.subject.subject import Subject
from harness.testing import fake_subject


def grade(text: str, item: Item) -> Grade:
    text = text.strip()
    return Grade(text, text == item.gold if text else None)


def items(start: int, stop: int) -> list[Item]:
    """Questions of two domains, in turn; the answer to question i is "gi"."""
    fields = [{"question": f"What is {i}?", "kind": "odd" if i % 2 else "even"} for i in range(start, stop)]
    return [Item(field, f"g{i}", grade) for i, field in enumerate(fields, start)]


def number(text: str) -> int:
    """Which question a prompt asks, behind all hints."""
    return int(re.findall(r"Question: What is (\d+)\?", text)[-1])


def ease(i: int) -> float:
    """The log-odds of answering question i right: standard normal, three times."""
    return 3 * random.Random(i).gauss()


def knowing(text: str) -> Mapping[str, float]:
    """Answers question i right with log-odds `ease(i)`; says (A) with 0.9 * 0.75 to every third question, else 0.25."""
    i = number(text)
    if text.endswith("Answer: ("):
        p = 0.25 if i % 3 else 0.75
        return {"A": 0.9 * p, "B": 0.9 * (1 - p), "C": 0.1}
    if text.endswith(("Confidence:", "confidence is")):
        return {" ninety": 0.3, " ten": 0.1, " 90%": 0.3, " 10%": 0.1, " sure": 0.2}
    p = 1 / (1 + math.exp(-ease(i)))
    return {f" g{i}": p, " wrong": 1 - p}


def knowing_thirds(text: str) -> Mapping[str, float]:
    """As `knowing`, but answers every third question right, and no other."""
    asked = "Answer: (" in text or text.endswith(("Confidence:", "confidence is"))
    return knowing(text) if asked else {f" g{number(text)}" if number(text) % 3 == 0 else " wrong": 1.0}


def planted(call: Read, text: str, layer: int) -> Sequence[float]:
    """Noise; at layer 2 the first number is the ease of even questions and minus that of odd ones, the second 1 for
    odd ones, and a hint adds 1 to the third."""
    rng = random.Random(f"{layer}/{text}")
    x = [rng.gauss() for _ in range(16)]
    if layer == 2:
        i = number(text)
        x[0], x[1] = (-ease(i) if i % 2 else ease(i)), float(i % 2)
    return x


def direct(call: Read, text: str, layer: int) -> Sequence[float]:
    """As `planted`, with the ease itself for all."""
    x = list(planted(call, text, layer))
    if layer == 2:
        x[0] = ease(number(text))
    return x


def run(
    experiment: Experiment,
    replies: Replies = knowing,
    activations: object = direct,
    test: Sequence[Item] | None = None,
    train: Sequence[Item] | None = None,
) -> tuple[Table, list[Finished], Any, Subject]:
    test = items(0, 30) if test is None else test
    train = items(100, 100 + experiment.train_items()) if train is None else train

    async def all_of_it() -> tuple[list[Finished], Any, Subject]:
        subject = fake_subject(replies)
        assert isinstance(subject.engine, FakeEngine)
        subject.engine.activations = activations  # type: ignore[assignment]
        done: list[Finished] = []
        preparing = subject.for_item("prepare")
        fitted = await experiment.prepare(train, preparing)
        await run_protocols(experiment, test, subject, fitted, window=8, done=done.append)
        return sorted(done, key=lambda f: f.item.id), fitted, preparing

    done, fitted, preparing = asyncio.run(all_of_it())
    return experiment.table([f.result for f in done]), done, fitted, preparing


def estimates(experiment: Experiment, table: Table) -> dict[tuple[str, ...], Estimate]:
    return {(e.metric, *e.level.values()): e for e in estimate_all(experiment.metrics, table, replicates=20)}
