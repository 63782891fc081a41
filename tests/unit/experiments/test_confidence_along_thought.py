"""Confidence along a thought: a subject that gets surer the more of its own thought it has read, and of no other."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.calibration.confidence_along_thought.confidence_along_thought import ConfidenceAlongThought
from experiments.calibration.confidence_along_thought.prompts import CLASSES, LETTERS, TEXTS, asked, expected, filler
from experiments.calibration.p_true.p_true import PTrue
from harness import Experiment, Grade, HarnessError, Item, Thought
from harness.config import load_job
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.base import Split
from harness.testing import simulate
from tests.support.thinking_models import FAMILIES, Family, Thinker, thinking_subject
from tests.unit.experiments.test_depth import rounds

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
FEW = ConfidenceAlongThought(shares=SHARES, others=3)


def item(i: int) -> Item:
    return Item({"question": f"What is {i:02d}?"}, "right", lambda text, it: Grade(text, text == it.gold))


class Unfolding(Thinker):
    """Thinks the number of its question, fifty times. The share that it has read of that is its confidence, and from a
    half on its answer is right. Letters A and J have all probability but a tenth.
    """

    def __call__(self, prompt: str) -> dict[str, float]:
        number = re.findall(r"What is (\d\d)\?", prompt)[-1]
        own, tail = number * 50, self.family.begun(prompt)
        if not tail:
            return {self.family.open + own + self.family.close + "Answer: right": 1.0}
        thought, _, said = tail.rpartition(self.family.forced)
        if not thought and self.family.nothing in tail:
            said = tail.rpartition(self.family.nothing)[2]
        read = thought.removeprefix(self.family.open).strip()
        share = len(read) / len(own) if own.startswith(read) else 0.0
        if said.endswith("answer is: ("):  # of P(True)
            return {"A": 0.2 + 0.6 * share, "B": 0.8 - 0.6 * share}
        if said.endswith("Confidence: ("):
            return {"J": 0.9 * share, "A": 0.9 * (1 - share), "?": 0.1}
        return {" right\nmore" if share >= 0.5 else " wrong\nmore": 1.0}


def run(experiment: Experiment, family: Family = FAMILIES["qwen3"], **settings: Any) -> tuple[Table, list[Finished]]:
    async def every() -> list[Finished]:
        subject = thinking_subject(Unfolding(family, None, {}), **settings)
        train = tuple(item(i) for i in range(90, 90 + experiment.train_items()))
        return await ask_all(experiment, Split(tuple(item(i) for i in range(30, 36)), train, ""), subject, window=8)

    done = asyncio.run(every())
    assert not any(f.result.errors for f in done), [f.result.errors for f in done]
    return experiment.table([f.result for f in done]), done


def estimates(experiment: Experiment, table: Table) -> Mapping[tuple[str, ...], Estimate]:
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=50)]
    return {(e.metric, *map(str, e.level.values())): e for e in found}


def column(table: Table, name: str, arm: str) -> np.ndarray:
    """A column of an arm, [items, shares]."""
    return np.asarray(table.columns[name][table.columns["arm"] == arm].reshape(6, -1))


@pytest.mark.parametrize("family", ["qwen3", "r1", "gpt_oss", "exaone"])
def test_confidence_rises_along_the_own_thought_alone(family: str) -> None:
    table, _ = run(FEW, FAMILIES[family])
    np.testing.assert_array_equal(column(table, "share", "own"), np.tile(SHARES, (6, 1)))
    rising = 0.05 + 0.9 * np.array(SHARES)
    np.testing.assert_allclose(column(table, "p", "own"), np.tile(rising, (6, 1)), atol=0.01)
    np.testing.assert_array_equal(column(table, "correct", "own"), np.tile([0, 0, 1, 1, 1], (6, 1)))
    for control in ("other", "filler"):
        np.testing.assert_allclose(column(table, "p", control), 0.05, atol=1e-9)
        np.testing.assert_array_equal(column(table, "correct", control), 0)
        # As much was read: all thoughts of this model are of one length.
        np.testing.assert_allclose(column(table, "read", control), column(table, "read", "own"), atol=1)
    np.testing.assert_allclose(table.columns["mass"], 0.9, atol=1e-9)
    assert set(table.columns["fate"]) == {"answered"}


def test_slopes_and_scores_by_share_are_exact() -> None:
    table, _ = run(FEW)
    found = estimates(FEW, table)
    p = np.array([0.05, 0.275, 0.5, 0.725, 0.95])
    right = np.array([0.0, 0, 1, 1, 1])
    loss = (p - right) ** 2
    x = np.array(SHARES) - 0.5
    for name, y in (("confidence_slope", p), ("accuracy_slope", right), ("brier_slope", loss)):
        assert found[name, "own"].value == pytest.approx(x @ y / (x @ x), abs=1e-9)
    assert found["confidence_slope", "own"].value == pytest.approx(0.9)
    assert found["accuracy_slope", "own"].value == pytest.approx(1.2)
    for control in ("other", "filler"):
        assert found["confidence_slope", control].value == pytest.approx(0, abs=1e-9)
        assert found["brier_slope", control].value == pytest.approx(0, abs=1e-9)
    for i, share in enumerate(SHARES):
        level = ("own", f"{share:g}")
        assert found["brier", *level].value == pytest.approx(loss[i])
        assert found["ece_equal_width", *level].value == pytest.approx(abs(p[i] - right[i]))
        assert found["confidence", *level].value == pytest.approx(p[i])
        assert found["accuracy", *level].value == right[i]
        assert found["accuracy", *level].n == 6
        assert found["option_mass", *level].value == pytest.approx(0.9)
    assert found["tokens_read", "own", "0"].value == 0
    assert found["tokens_read", "own", "0.5"].value == 51
    assert found["tokens_read", "own", "1"].value == 102
    # "<think>", a thought and its end, and " right".
    told = column(table, "new_tokens", "own")
    assert (told[:, 4] - told[:, 2] == 51 + 1).all()


def test_the_final_answer_has_one_label_at_every_share_and_in_every_arm() -> None:
    table, _ = run(replace(FEW, judged="final"))
    assert set(table.columns["correct"]) == {1.0}
    assert set(table.columns["answer"]) == {"right"}
    np.testing.assert_allclose(column(table, "p", "own")[0], 0.05 + 0.9 * np.array(SHARES), atol=1e-9)
    np.testing.assert_allclose(column(table, "p", "other"), 0.05, atol=1e-9)


def test_what_is_asked() -> None:
    _, done = run(FEW)
    of = FAMILIES["qwen3"]
    thinking = [e for e in done[0].transcript if e.prompt.endswith(of.turn)]
    assert len(thinking) == 1
    read = [e.prompt for e in done[0].transcript if e.prompt.endswith("Confidence: (")]
    number = re.findall(r"What is (\d\d)\?", read[0])[0]
    begun = [of.begun(prompt) for prompt in read]
    assert f"{of.open}{number * 50}{of.close}Answer: right\nConfidence: (" in begun
    assert of.open + (number * 50)[:50] + of.forced + "Answer: right\nConfidence: (" in begun
    assert any(f"{of.open}Let me think. Let me" in one for one in begun)
    assert any(f"{of.open}9" in one for one in begun)
    assert "(A) almost no chance\n(B) highly unlikely\n" in read[0]
    # Without any of it, all arms are one prompt; the answers of the whole thought are judged without it, too.
    empty = [
        prompt
        for prompt, one in zip(read, begun, strict=True)
        if not re.search(r"\w", one.partition("</think>")[0][7:])
    ]
    assert len(empty) == 3 + 5
    assert {one.rpartition("Answer:")[2] for one in empty} == {" wrong\nConfidence: (", " right\nConfidence: ("}
    assert len(set(empty)) == 2


def test_all_shares_of_all_arms_are_asked_together() -> None:
    def replies(prompt: str) -> dict[str, float]:
        if prompt.rstrip().endswith("assistant>"):
            return {"<think> a b c d </think> x": 1.0}
        return {"A": 1.0} if prompt.endswith("(") else {" x": 1.0}

    words = ["model.thinking.open='<think>'", "model.thinking.close='</think>'", "experiment.others=4"]
    prepared, asked = rounds("confidenceAlongThought", words, replies)
    assert prepared == [4]
    # The thought; the answers; the confidences. A thought of four tokens has few parts, which shares have in common.
    assert asked == [[1, 10, 10]] * 3


def test_thoughts_are_read_whatever_the_model_does_by_its_settings() -> None:
    own, _ = run(FEW)
    off, _ = run(FEW, mode="off")
    np.testing.assert_array_equal(own.columns["p"], off.columns["p"])


def test_filler_is_as_long_as_the_thought_and_begins_as_it_does() -> None:
    subject = thinking_subject(Unfolding(FAMILIES["qwen3"], None, {}))
    thought = asyncio.run(subject.think(asked(TEXTS, item(10))))
    empty = filler(TEXTS, thought, subject)
    assert len(empty.tokens) == len(thought.tokens)
    assert empty.text.startswith("Let me think. Let me")
    assert subject.renderer.tokenizer.decode(empty.tokens).startswith("\nLet")
    assert (empty.opening, empty.closing, empty.ended) == (thought.opening, (), "forced")


def test_the_classes_are_tenths() -> None:
    assert list(CLASSES) == list("ABCDEFGHIJ")
    assert expected(dict.fromkeys(LETTERS, 0.1)) == pytest.approx(0.5)
    assert expected({**dict.fromkeys(LETTERS, 0.0), "likely": 1.0}) == pytest.approx(0.65)


def test_a_model_that_does_not_think_is_refused() -> None:
    quiet = {"": 1.0}
    with pytest.raises(HarnessError, match=r"the model writes no thought before its answer.* model\.thinking\.open"):
        simulate(FEW, [item(10)], lambda _: quiet, train=[item(90), item(91), item(92)])
    table, done = simulate(replace(FEW, arms=["own"]), [item(10)], lambda _: quiet)
    assert "take a model that thinks" in done[0].result.errors[0]
    assert len(table) == 1


@pytest.mark.parametrize(
    ("shares", "message"),
    [("[]", "between 0 and 1"), ("[0.5,1.5]", "between 0 and 1"), ("[0.5,0.5]", "named twice")],
)
def test_shares_are_checked(shares: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        load_job(["experiment=confidenceAlongThought", f"experiment.shares={shares}", "engine=fake", "tracker=none"])


def test_the_fit_is_the_thoughts_about_training_items() -> None:
    subject = thinking_subject(Unfolding(FAMILIES["qwen3"], None, {}))
    found = asyncio.run(FEW.prepare([item(90), item(91)], subject))
    assert [type(thought) for thought in found] == [Thought, Thought]
    assert [thought.text for thought in found] == ["90" * 50, "91" * 50]
    assert replace(FEW, arms=["own", "filler"]).train_items() == 0


class Judging(Unfolding):
    """Of P(True): samples " right", and trusts that more the more it has thought about the judgement."""

    def __call__(self, prompt: str) -> dict[str, float]:
        tail = self.family.begun(prompt)
        if tail and not tail.endswith(": ("):
            return {" right\nmore": 1.0}
        return super().__call__(prompt)


def test_p_true_is_read_after_no_thought_and_after_the_own_one() -> None:
    experiment = PTrue(arms=["zero-shot", "zero-shot no thought", "zero-shot own thought"], draws=1)
    for mode, by_itself in (("own", 0.8), ("off", 0.2)):

        async def every(mode: str = mode) -> list[Finished]:
            subject = thinking_subject(Judging(FAMILIES["qwen3"], None, {}), mode=mode)
            return await ask_all(experiment, Split((item(10), item(11)), (), ""), subject, window=8)

        done = asyncio.run(every())
        assert not any(f.result.errors for f in done)
        table = experiment.table([f.result for f in done])
        p = {arm: table.columns["p"][table.columns["arm"] == arm] for arm in experiment.arms}
        np.testing.assert_allclose(p["zero-shot"], by_itself, atol=1e-9)
        np.testing.assert_allclose(p["zero-shot no thought"], 0.2, atol=1e-9)
        np.testing.assert_allclose(p["zero-shot own thought"], 0.8, atol=1e-9)


def test_p_true_after_the_own_thought_of_a_model_without_one_is_an_arm_that_failed() -> None:
    experiment = PTrue(arms=["zero-shot", "zero-shot own thought"], draws=1)
    table, done = simulate(experiment, [item(10)], lambda text: {"A" if text.endswith("(") else " right": 1.0})
    assert [error.partition(":")[0] for error in done[0].result.errors] == ["arm zero-shot own thought"]
    assert table.columns["p"][table.columns["arm"] == "zero-shot"] == [1.0]
    assert "zero-shot own thought" not in PTrue().arms


def test_a_constant_confidence_has_one_brier_score_with_and_without_the_thought() -> None:
    # Answers get right along the thought and the Brier score falls, though the confidence never moves.
    class Sure(Unfolding):
        def __call__(self, prompt: str) -> dict[str, float]:
            found = super().__call__(prompt)
            return {"J": 0.9, "?": 0.1} if "J" in found else found

    async def every() -> list[Finished]:
        subject = thinking_subject(Sure(FAMILIES["qwen3"], None, {}))
        train = tuple(item(i) for i in range(90, 93))
        return await ask_all(FEW, Split(tuple(item(i) for i in range(30, 36)), train, ""), subject, window=8)

    found = estimates(FEW, FEW.table([f.result for f in asyncio.run(every())]))
    assert found["brier_slope", "own"].value == pytest.approx(found["brier_slope", "own unread"].value)
    assert (found["brier_slope", "own"].value or 0) < -0.5
    # A confidence that is read from the thought does not fall so where the thought is not read.
    table, _ = run(FEW)
    unfolding = estimates(FEW, table)
    own, unread = unfolding["brier_slope", "own"].value, unfolding["brier_slope", "own unread"].value
    assert own is not None
    assert unread is not None
    assert own < 0.2
    assert unread > 0.5
    np.testing.assert_array_equal(column(table, "correct", "own unread"), column(table, "correct", "own"))
    np.testing.assert_allclose(column(table, "p", "own unread"), 0.05, atol=1e-9)
