"""P(IK) in contexts that are made by rule, on subjects of known distribution."""

import random
import re
from collections import Counter

import numpy as np
import pytest

from experiments.calibration.p_ik.p_ik import PIK
from experiments.calibration.p_ik_contexts.contexts import Known, context
from experiments.calibration.p_ik_contexts.p_ik_contexts import PIKContexts
from harness.errors import ItemError
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from tests.support.numbered_questions import estimates, items, knowing, number, run

NAMES = ("none", "source", "source without answer", "good", "bad", "irrelevant")
WORDS = ("yes-no", "yes-no source", "yes-no source without answer", "yes-no good", "yes-no bad", "yes-no irrelevant")


def test_every_context_is_an_arm_with_one_row_an_item() -> None:
    experiment = PIKContexts(train=10, folds=2)
    table, *_ = run(experiment)
    found = Counter(zip(table.columns["asked"], table.columns["context"], strict=True))
    assert found == {(asked, name): 30 for asked in ("probe", "yes-no") for name in NAMES}
    assert set(table.columns["arm"]) == {*WORDS, *(name.replace("yes-no", "probe") for name in WORDS)}
    assert set(PIKContexts.all_arms) - set(experiment.arms) == {name.replace("yes-no", "percent") for name in WORDS}
    assert set(table.columns["domain"]) == {"even", "odd"}


def test_contexts_are_made_by_rule_from_training_items() -> None:
    item, known = items(0, 1)[0], [Known(f"What is {i}?", f"g{i}", "even") for i in (8, 9)]
    rng = random.Random(0)
    assert context("none", item, "even", known, rng=rng) == ""
    assert context("good", item, "even", known, rng=rng) == 'Hint: the answer to "What is 0?" is g0.\n'
    assert re.fullmatch(r'Hint: the answer to "What is 0\?" is g[89]\.\n', context("bad", item, "even", known, rng=rng))
    other = context("irrelevant", item, "even", known, rng=rng)
    assert re.fullmatch(r'Hint: the answer to "What is (\d)\?" is g\1\.\n', other)
    assert "What is 0?" not in other
    source = context("source", item, "even", known, rng=rng)
    assert source.startswith("Notes:\n")
    assert sorted(source.splitlines()[1:]) == [f"- What is {i}? g{i}" for i in (0, 8, 9)]
    bare = context("source without answer", item, "even", known, rng=rng)
    assert sorted(bare.splitlines()[1:]) == ["- What is 0? (not noted)", "- What is 8? g8", "- What is 9? g9"]


def test_other_items_are_of_the_same_domain_where_there_are_any() -> None:
    item, known = items(0, 1)[0], [Known(f"What is {i}?", f"g{i}", "odd" if i % 2 else "even") for i in range(2, 12)]
    for i in range(20):
        told = context("irrelevant", item, "even", known, rng=random.Random(i))
        assert re.search(r"What is \d*[02468]\?", told)
        assert "Hint" in context("irrelevant", item, "other", known, rng=random.Random(i))


def test_a_bad_hint_is_wrong_and_without_any_wrong_answer_its_arm_fails() -> None:
    item = items(0, 1)[0]
    known = [Known("Again?", "g0", "even"), Known("Empty?", "", "even"), Known("Odd?", "g7", "odd")]
    for i in range(10):
        assert context("bad", item, "even", known, rng=random.Random(i)).endswith("is g7.\n")
    with pytest.raises(ItemError, match="no training item has an answer that is wrong here"):
        context("bad", item, "even", known[:2], rng=random.Random(0))


def test_all_ways_to_ask_see_the_same_context_and_no_answer_is_sampled() -> None:
    _, finished, _, preparing = run(PIKContexts(train=10, folds=2), test=items(0, 1))
    told = Counter(e.prompt.partition("Question: ")[0] for e in finished[0].transcript)
    assert sorted(told.values()) == [2] * 6
    assert not any(e.new_tokens for e in finished[0].transcript)
    # What the probe's training asks is what pIK asks for it, so that a store has it.
    _, _, _, other = run(PIK(train=10, folds=2), test=items(0, 1))
    assert [e.keys for e in preparing.transcript] == [e.keys for e in other.transcript]


def test_a_source_without_the_answer_differs_in_the_answer_alone() -> None:
    arms = ["yes-no source", "yes-no source without answer"]
    _, finished, *_ = run(PIKContexts(train=10, arms=arms), test=items(0, 6))
    for one in finished:
        i = number(one.transcript[0].prompt)
        whole, bare = sorted((e.prompt for e in one.transcript), key=lambda prompt: "(not noted)" in prompt)
        assert bare == whole.replace(f"? g{i}\n", "? (not noted)\n")


def test_what_is_said_in_words_is_exact_in_every_context() -> None:
    experiment = PIKContexts(train=4, arms=WORDS)
    table, *_ = run(experiment)
    found = estimates(experiment, table)
    for name in NAMES:
        # Of the thirty questions every third is said to be known with 0.75, the others with 0.25.
        assert found["p_ik", "yes-no", name].value == pytest.approx(0.75 / 3 + 0.25 * 2 / 3, abs=1e-12)
        assert found["option_mass", "yes-no", name].value == pytest.approx(0.9)
        assert found["p_ik", "yes-no", name].n == 30
    assert not any(e.n_failed for (name, *_), e in found.items() if name != "probe_layer")


def test_the_probe_of_bare_questions_judges_every_context() -> None:
    experiment = PIKContexts(train=120, depths=[0.25, 0.5, 0.75, 1.0])
    table, *_ = run(experiment, test=items(0, 60))
    plain, *_ = run(PIK(train=120, depths=[0.25, 0.5, 0.75, 1.0], arms=["probe"]), test=items(0, 60))
    probed = table.where(table.columns["arm"] == "probe")
    bare = dict(zip(plain.columns["item"], plain.columns["p"], strict=True))
    np.testing.assert_array_equal(probed.columns["p"], [bare[item] for item in probed.columns["item"]])
    found = estimates(experiment, table)
    assert found["probe_layer",].value == 2.0
    # The planted activations know the question, whatever stands before it: noise alone moves the probe.
    for name in NAMES[1:]:
        moved, still = found["p_ik", "probe", name].value, found["p_ik", "probe", "none"].value
        assert moved is not None
        assert still is not None
        assert abs(moved - still) < 0.05


def test_a_context_that_does_not_fit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Renderer.check_length

    def short(self: Renderer, prompt: Rendered, new_tokens: int) -> None:
        if "Notes:" in prompt.text:
            raise ItemError("the prompt does not fit")
        check(self, prompt, new_tokens)

    monkeypatch.setattr(Renderer, "check_length", short)
    table, done, *_ = run(PIKContexts(train=4, arms=WORDS), knowing, test=items(0, 3))
    errors = tuple(f"arm yes-no {name}: the prompt does not fit" for name in ("source", "source without answer"))
    assert [f.result.errors for f in done] == [errors] * 3
    failed = table.where(table.columns["error"] == "the prompt does not fit")
    assert set(failed.columns["context"]) == {"source", "source without answer"}
    assert len(table) == 18


def test_the_words_of_contexts_are_settings() -> None:
    experiment = PIKContexts(train=4, arms=["yes-no good"], wording={"hint": "Psst: $answer.\n"})
    _, finished, *_ = run(experiment, test=items(0, 1))
    assert finished[0].transcript[0].prompt.startswith("<user> Psst: g0.\nQuestion: What is 0?\n")
