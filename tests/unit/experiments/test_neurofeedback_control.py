"""Neurofeedback: control by models that shift their activations by a known size."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.introspection.neurofeedback import control
from experiments.introspection.neurofeedback.arms import ARMS
from experiments.introspection.neurofeedback.fitting import Fit
from experiments.introspection.neurofeedback.neurofeedback import Neurofeedback
from experiments.introspection.neurofeedback.prompts import TEXTS, reporting
from experiments.introspection.neurofeedback.rows import precision
from experiments.introspection.neurofeedback.stimuli import Sentences
from harness import ItemError, Subject
from harness.calls.calls import Read
from harness.metrics.columns import Labels, Numbers, Units
from harness.outcomes import Failed, ItemResult
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import estimate_all
from harness.store.store import Store
from harness.tasks.base import split
from tests.support.neurofeedback import (
    SCORED,
    SPLIT,
    WIDTH,
    Reply,
    by_words,
    half,
    make,
    prepared,
    ran,
    reported,
    rows,
    state,
)
from tests.support.tiny_engines import load
from tests.support.tiny_models import save_tiny


def controller(shift: float, *, learns: bool = True) -> tuple[Reply, Any]:
    """A model that moves all its activations up under a request for the label of sentences with a high first number.

    It reads from the examples which label that is. Asked to write, it says "A thing happened." for 1, "No." for 0.
    """

    def wants(prompt: str) -> float:
        request = re.findall(r"brain is at \[Score: \{([01])\}\]", prompt)
        examples = SCORED.findall(prompt)
        if not request or (learns and not examples):
            return 0.0
        high = [state(text)[0] for text, label in examples if label == request[-1]]
        low = [state(text)[0] for text, label in examples if label != request[-1]]
        if not learns:
            return 1.0 if request[-1] == "1" else -1.0
        return float(np.sign(np.mean(high or [0]) - np.mean(low or [0])))

    def moved(call: Read, text: str, layer: int) -> Sequence[float]:
        return [float(x) for x in np.asarray(by_words(call, text, layer)) + np.eye(WIDTH)[0] * shift * wants(text) / 2]

    def reply(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("<assistant> "):
            return {"A thing happened. [Score: {1}]" if "at [Score: {1}]. Do" in prompt else "No.": 1.0}
        return reported(half)(prompt)

    return reply, moved


def first_axis(fit: Fit) -> Fit:
    """The fit with its first axis along the first dimension, with mean 0 and sd 0.5."""
    from harness import Array

    target = fit.targets[0]
    direction = replace(target.axis.direction, vector=Array.of(np.eye(WIDTH)[0]), mean=0.0, sd=0.5)
    axis = replace(target.axis, direction=direction)
    own = tuple(bool(z >= 0) for z in axis.z(np.stack([state(s) for s in fit.shown]), fit.shown))
    return replace(fit, targets=(replace(target, axis=axis, labels={**target.labels, "own": own}),))


def controlled(arms: Sequence[str], shift: float, *, learns: bool = True) -> list[Any]:
    experiment = Neurofeedback(arms=arms, axes=("PC 1",), controlled=("PC 1",), shots=(0, 16))
    subject = make(*controller(shift, learns=learns))
    fit = first_axis(prepared(experiment, subject))
    asked = [experiment.protocol(item, subject.for_item(item.id), fit) for item in SPLIT.test[:6]]

    async def gather() -> list[Any]:
        return list(await asyncio.gather(*asked))

    return [row for some in asyncio.run(gather()) for row in some]


def test_implicit_control_is_the_shift_that_was_made_and_flips_with_the_labels() -> None:
    arms = ("implicit control", "implicit control, flipped")
    made = controlled(arms, 0.3)
    shifts = {
        (arm, n): [row.shift for row in made if (row.arm, row.shots, row.target) == (arm, n, True)]
        for arm in arms
        for n in (0, 16)
    }
    assert shifts[arms[0], 16] == pytest.approx([0.3 / 0.5] * 6, abs=1e-5)
    assert shifts[arms[1], 16] == pytest.approx([-0.3 / 0.5] * 6, abs=1e-5)
    assert shifts[arms[0], 0] == shifts[arms[1], 0] == pytest.approx([0.0] * 6, abs=1e-6)
    assert all(row.shift is None for row in made if not row.target)


def test_cohen_s_d_of_a_shift_is_the_shift_over_the_spread_of_the_sentences() -> None:
    done = [ItemResult(str(i), str(i), (row,)) for i, row in enumerate(controlled(("implicit control",), 0.3))]
    found = estimate_all(Neurofeedback.metrics, Neurofeedback().table(done), replicates=20)
    (d,) = [one.value for one in found if one.metric == "effect"]
    z = [row.z for one in done for row in one.rows if row.shots == 16 and row.target]  # type: ignore[attr-defined]
    assert d == pytest.approx(0.3 / 0.5 / np.std(z, ddof=1), rel=1e-4)


def test_a_model_that_goes_by_the_digit_alone_does_not_flip() -> None:
    made = controlled(("implicit control", "implicit control, flipped"), 0.3, learns=False)
    found = [row.shift for row in made if row.target]
    assert found == pytest.approx([0.6] * len(found), abs=1e-5)


def test_explicit_control_reads_the_sentence_that_was_written_and_no_score_behind_it() -> None:
    made = controlled(("explicit control",), 0.0)
    for row in made:
        assert row.written == ("A thing happened." if row.target else "No.")
        assert row.z == pytest.approx(float(state(row.written)[0]) / 0.5, abs=1e-5)
    moved = controlled(("explicit control", "explicit control, flipped"), 0.3)
    by = {(row.arm, row.shots, row.target): row.z for row in moved}
    plain = {row.target: row.z for row in made}
    for target, sign in ((True, 1), (False, -1)):
        for arm, flip in (("explicit control", 1), ("explicit control, flipped", -1)):
            assert by[arm, 16, target] - plain[target] == pytest.approx(sign * flip * 0.3, abs=1e-5)
            assert by[arm, 0, target] == pytest.approx(plain[target], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the model wrote nothing"),
        ("I'm sorry, but I can't assist with that.", "the model refuses to write a sentence"),
    ],
)
def test_a_model_that_writes_no_sentence_has_no_score_and_says_why(text: str, why: str) -> None:
    experiment = Neurofeedback(arms=("explicit control",), axes=("PC 1",), controlled=("PC 1",), shots=(4,))
    silent = make(lambda prompt: {f"{text}\n": 1.0})
    fit = prepared(experiment, silent)
    item = SPLIT.test[0]
    found: list[Any] = asyncio.run(experiment.protocol(item, silent.for_item(item.id), fit))
    assert [(row.z, row.shift, row.reason) for row in found] == [(None, None, why)] * 2


def test_a_sentence_that_repeats_an_example_is_told_and_has_no_score() -> None:
    """A copy of an example of the wanted score lies at this score, whatever the model can control."""

    def copies(prompt: str) -> Mapping[str, float]:
        wanted = re.findall(r"brain is at \[Score: \{([01])\}\]", prompt)[-1]
        return {
            next((f"{text} [Score:" for text, label in SCORED.findall(prompt) if label == wanted), "No.") + "\n": 1.0
        }

    experiment = Neurofeedback(arms=("explicit control",), axes=("PC 1",), controlled=("PC 1",), shots=(8,))
    subject = make(copies)
    fit = prepared(experiment, subject)
    found: list[Any] = asyncio.run(experiment.protocol(SPLIT.test[0], subject.for_item(SPLIT.test[0].id), fit))
    assert {row.written for row in found} <= {*fit.shown}
    assert [(row.z, row.shift) for row in found] == [(None, None)] * 2
    assert {row.reason for row in found} == {"the model repeats a sentence that it was shown"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The nurse gave water to the thirsty dog.", True),
        ('"the nurse gave water to the thirsty dog!"', True),
        ("Well, the nurse gave water to the thirsty dog again.", True),
        ("The nurse gave water", True),
        ("The nurse gave", False),
        ("The nurse gave food to the thirsty dog.", False),
        ("No.", False),
        ("", False),
    ],
    ids=["as it was", "quoted", "with more", "its beginning", "two words", "another word", "other words", "nothing"],
)
def test_repetitions(text: str, found: bool) -> None:
    assert control.repeats(text, "The nurse gave water to the thirsty dog.") is found


def test_every_item_draws_its_own_sentence() -> None:
    experiment = Neurofeedback(arms=("explicit control",), axes=("PC 1",), controlled=("PC 1",), shots=(4,))
    words = {f"{name} came home.": 1 / 26 for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    table = ran(experiment, make(lambda prompt: words), limit=12)
    assert len({row["written"] for row in rows(table)}) > 6


def test_a_sentence_of_other_tokens_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request for 1 is one token longer, and a position is off by one."""
    subject = make(reported(half))
    spans = iter([range(60, 63), range(61, 64)])
    monkeypatch.setattr(Subject, "positions", lambda *_: next(spans))
    with pytest.raises(ItemError, match="has other tokens behind the one request"):
        asyncio.run(control.implicit(TEXTS, subject, [], [], sentence="A thing."))


@pytest.mark.parametrize(
    ("shifts", "wanted"), [((2.0, 1.0, 0.0), 2.0), ((-3.0, 0.0, 0.0), 3.0), ((1.0, 1.0, 1.0), 1.0)]
)
def test_precision_is_the_share_of_the_target(shifts: tuple[float, ...], wanted: float) -> None:
    n = 10
    values = np.repeat(shifts, n) + np.tile(np.linspace(-1, 1, n), 3)
    measured, on = np.repeat([0, 1, 2], n), np.repeat([1.0, 0.0, 0.0], n)
    found = precision(Numbers(values), Units(measured), Labels(on), w=np.ones((2, 3 * n)))
    assert found == pytest.approx([wanted, wanted])
    none = precision(Numbers(0 * values), Units(measured), Labels(on), w=np.ones((1, 3 * n)))
    assert np.isnan(none).all()


def test_all_arms_on_a_real_model_of_random_weights(tmp_path: Path) -> None:
    engine = load(save_tiny(tmp_path / "model", "llama", scale=2.0))
    try:
        subject = Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path / "store"), 0)
        subject = replace(subject, players={"rival": (subject,)})
        axes = ("logistic", "PC 1", "random", "residual")
        short = {"system": "", "tasks": "", "say": "Say.", "imitate": "Be at {$score}."}
        sizes = {"depths": (0.5, 1.0), "shots": (0, 2), "train": 40, "max_tokens": 4}
        experiment = Neurofeedback(arms=tuple(ARMS), axes=axes, controlled=axes[:1], wording=short, **sizes)  # type: ignore[arg-type]
        parts = split(Sentences(each=1), 2, 40)
        fit = asyncio.run(experiment.prepare(parts.train, subject.for_item("prepare")))
        view = subject.for_item("x")
        made: list[Any] = asyncio.run(experiment.protocol(parts.test[0], view, fit))
        failed = [row.error for row in made if isinstance(row, Failed)]
        assert not failed
        target, sentence = fit.targets[0], str(parts.test[0].fields["question"])
        shown = view.random("conversation").sample(range(len(fit.shown)), 2)
        examples = [(fit.shown[i], target.labels["own"][i]) for i in shown]
        first = reporting(experiment.wording, examples[:1], examples[1][0])
        whole = reporting(experiment.wording, examples, sentence)
        alone_ = [asyncio.run(view.choose(prompt, {"1": ["1"], "0": ["0"]})).p["1"] for prompt in (first, whole)]
    finally:
        engine.close()
    along = [row.p for row in made if row.arm == "whole conversation" and (row.axis, row.depth) == ("logistic", "50%")]
    assert along[1:] == pytest.approx(alone_, abs=1e-5)
    assert {row.depth for row in made} == {"50%", "100%"}
    assert all(row.z is not None or "special token" in row.reason for row in made if row.measured != "none")
    implicit = {(row.arm, row.shots, row.depth): row.z for row in made if row.arm.startswith("implicit") and row.target}
    assert implicit["implicit control", 2, "100%"] != implicit["implicit control, flipped", 2, "100%"]
    assert implicit["implicit control", 0, "100%"] == implicit["implicit control, flipped", 0, "100%"]
