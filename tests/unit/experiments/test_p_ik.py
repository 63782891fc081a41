"""P(IK) on subjects whose answers, judgements and activations have a known distribution."""

import asyncio
import math
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from experiments.calibration.p_ik.domain_probes import arms
from experiments.calibration.p_ik.p_ik import PIK, Fitted
from experiments.calibration.p_ik.prompts import Known, context
from harness import Grade, Item
from harness.calls.calls import Read
from harness.config import load_job
from harness.engines.fake.engine import FakeEngine, Replies
from harness.errors import HarnessError, ItemError
from harness.execution.checks import prepare_items
from harness.execution.runner import run_protocols
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.estimates import Estimate, estimate_all
from harness.subject.subject import Subject
from harness.vectors.probes import NoProbe, Probe
from tests.support.helpers import fake_subject

ARMS = ("yes-no", "percent")
NAMES = ("none", "source", "good", "bad", "irrelevant")


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
    experiment: PIK,
    replies: Replies = knowing,
    activations: object = direct,
    test: Sequence[Item] | None = None,
    train: Sequence[Item] | None = None,
) -> tuple[Table, list[Finished], Fitted, Subject]:
    test = items(0, 30) if test is None else test
    train = items(100, 100 + experiment.train_items()) if train is None else train

    async def all_of_it() -> tuple[list[Finished], Fitted, Subject]:
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


def estimates(table: Table) -> dict[tuple[str, ...], Estimate]:
    return {(e.metric, *e.level.values()): e for e in estimate_all(PIK.metrics, table, replicates=20)}


def test_there_is_a_row_for_every_answer_without_context_and_one_for_every_arm_in_each() -> None:
    table, *_ = run(PIK(probe=False, train=4))
    found = Counter(zip(table.columns["arm"], table.columns["context"], strict=True))
    assert found == {("yes-no", "none"): 150, ("percent", "none"): 150} | {("yes-no", c): 30 for c in NAMES[1:]}
    inside = table.columns["context"] != "none"
    assert np.isnan(table.columns["correct"][inside]).all()


def test_what_is_said_in_words_is_exact() -> None:
    table, *_ = run(PIK(probe=False, train=4))
    third = np.array([any(f"What is {i}?" in q for i in range(0, 30, 3)) for q in questions(table)])
    yes_no = table.columns["arm"] == "yes-no"
    np.testing.assert_allclose(table.columns["p_ik"][yes_no], np.where(third, 0.75, 0.25)[yes_no], atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"][yes_no], 0.9, atol=1e-12)
    # (0.3 * 0.9 + 0.1 * 0.1) / 0.4
    np.testing.assert_allclose(table.columns["p_ik"][~yes_no], 0.7, atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"][~yes_no], 0.4, atol=1e-12)
    assert set(table.columns["calls"]) == {1.0}


def questions(table: Table) -> list[str]:
    by_id = {item.id: str(item.fields["question"]) for item in items(0, 30)}
    return [by_id[i] for i in table.columns["item"]]


def test_percentages_in_digits_are_walked_token_by_token() -> None:
    table, *_ = run(PIK(probe=False, train=4, asked=["percent"], contexts=["none"], spelled=False))
    np.testing.assert_allclose(table.columns["p_ik"], 0.7, atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"], 0.4, atol=1e-12)
    assert set(table.columns["calls"]) == {12.0}  # the number, and behind each of the eleven its "%"


def test_metrics_follow_from_the_known_distribution() -> None:
    table, *_ = run(PIK(probe=False, train=4), knowing_thirds)
    found = estimates(table)
    # A third is right and said with 0.75, the others are wrong and said with 0.25.
    expected = {
        "accuracy": 1 / 3,
        "auroc": 1.0,
        "brier": 0.0625,
        "ece_equal_width": 0.25,
        "overconfidence": 0.75 / 3 + 0.25 * 2 / 3 - 1 / 3,
        "nll": -math.log(0.75),
        "spearman": 1.0,
        "calls": 1.0,
    }
    assert {name: found[name, "yes-no"].value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found["auroc", "percent"].value == 0.5
    assert found["auroc", "yes-no"].n == 150
    assert found["auroc", "yes-no"].n_groups == 30
    assert found["p_ik", "yes-no", "good"].value == pytest.approx(0.75 / 3 + 0.25 * 2 / 3, abs=1e-12)
    assert found["yes_no_mass", "none"].value == pytest.approx(0.9)
    assert not any(e.n_failed for e in found.values())


def test_contexts_are_made_by_rule_from_training_items() -> None:
    item, known = items(0, 1)[0], [Known(f"What is {i}?", f"g{i}", "even") for i in (8, 9)]
    rng = random.Random(0)
    assert context("none", item, "even", known, rng) == ""
    assert context("good", item, "even", known, rng) == 'Hint: the answer to "What is 0?" is g0.\n'
    assert re.fullmatch(r'Hint: the answer to "What is 0\?" is g[89]\.\n', context("bad", item, "even", known, rng))
    other = context("irrelevant", item, "even", known, rng)
    assert re.fullmatch(r'Hint: the answer to "What is (\d)\?" is g\1\.\n', other)
    assert "What is 0?" not in other
    source = context("source", item, "even", known, rng)
    assert source.startswith("Notes:\n")
    assert sorted(source.splitlines()[1:]) == [f"- What is {i}? g{i}" for i in (0, 8, 9)]


def test_other_items_are_of_the_same_domain_where_there_are_any() -> None:
    known = [Known(f"What is {i}?", f"g{i}", "odd" if i % 2 else "even") for i in range(2, 12)]
    for i in range(20):
        assert re.search(
            r"What is \d*[02468]\?", context("irrelevant", items(0, 1)[0], "even", known, random.Random(i))
        )
        assert "Hint" in context("irrelevant", items(0, 1)[0], "other", known, random.Random(i))


def test_a_bad_hint_is_wrong_and_without_any_wrong_answer_the_item_fails() -> None:
    item = items(0, 1)[0]
    known = [Known("Again?", "g0", "even"), Known("Empty?", "", "even"), Known("Odd?", "g7", "odd")]
    for i in range(10):
        assert context("bad", item, "even", known, random.Random(i)).endswith("is g7.\n")
    with pytest.raises(ItemError, match="no training item has an answer that is wrong here"):
        context("bad", item, "even", known[:2], random.Random(0))


def test_without_context_no_reference_answer_enters_a_prompt() -> None:
    _, finished, _, preparing = run(PIK(train=10, folds=2))
    plain = [e.prompt for f in finished for e in f.transcript if "Hint:" not in e.prompt and "Notes:" not in e.prompt]
    assert len(plain) == 30 * 8
    assert not any(re.search(r"\bg\d", prompt) for prompt in [*plain, *(e.prompt for e in preparing.transcript)])


def test_the_prompts_are_the_answers_own_and_the_papers() -> None:
    _, finished, *_ = run(PIK(train=10, folds=2, draws=1, contexts=["none"]), test=items(0, 1))
    prompts = [e.prompt for e in finished[0].transcript]
    assert prompts.count("<user> Question: What is 0?\n<assistant> Answer:") == 2  # sampled, and read
    assert "<user> Question: What is 0?\nDo you know the answer?\n (A) Yes\n (B) No\n<assistant> Answer: (" in prompts


def test_the_probe_finds_the_planted_layer_and_ranks_like_the_truth() -> None:
    experiment = PIK(train=120, depths=[0.25, 0.5, 0.75, 1.0], contexts=["none", "irrelevant"])
    table, _, fitted, _ = run(experiment, test=items(0, 60))
    probe = fitted.probes["all"]
    assert isinstance(probe, Probe)
    assert probe.layer == 2
    assert int(np.argmax(np.abs(probe.weights))) == 0
    found = estimates(table)
    assert found["probe_layer", "probe"].value == 2.0
    assert found["calls", "probe"].value == 1.0
    rows = table.where((table.columns["arm"] == "probe") & (table.columns["context"] == "none"))
    by_id = {item.id: ease(i) for i, item in enumerate(items(0, 60))}
    truth = np.array([by_id[i] for i in rows.columns["item"]])
    assert np.corrcoef(truth, np.log(1 / rows.columns["p_ik"] - 1))[0, 1] < -0.95
    auroc, brier = found["auroc", "probe"].value, found["brier", "probe"].value
    assert auroc is not None
    assert brier is not None
    assert auroc > 0.85
    assert brier < 0.15


def test_the_transfer_table_tells_what_each_domain_teaches() -> None:
    # Of even questions a large number is easy, of odd ones it is hard: what one domain teaches is false of the other.
    table, *_ = run(PIK(train=120, contexts=["none"]), activations=planted, test=items(0, 60))
    found = {key: e.value for key, e in estimates(table).items()}
    for here, there in (("even", "odd"), ("odd", "even")):
        own, other = (
            found["auroc_by_domain", f"probe of {here}", here],
            found["auroc_by_domain", f"probe of {here}", there],
        )
        assert own is not None
        assert other is not None
        assert own > 0.8
        assert other < 0.2
        assert found["auroc_by_domain", "probe elsewhere", there] == other


def test_probes_are_fitted_on_training_items_alone() -> None:
    _, _, fitted, preparing = run(PIK(train=20, folds=2, draws=2, depths=[0.75]))
    assert {number(e.prompt) for e in preparing.transcript} == set(range(100, 120))
    assert len(preparing.transcript) == 20 * 3
    other, _, again, _ = run(PIK(train=20, folds=2, draws=2, depths=[0.75]), test=items(50, 60))
    assert again == fitted
    assert len(set(other.columns["item"])) == 10


@pytest.mark.parametrize(("said", "kind"), [(" wrong", "wrong"), ("", "without an answer")])
def test_answers_of_one_kind_leave_no_probe_and_a_reason(said: str, kind: str) -> None:
    def replies(text: str) -> Mapping[str, float]:
        return knowing(text) if text.endswith(("Answer: (", "Confidence:", "confidence is")) else {said: 1.0}

    table, done, *_ = run(PIK(train=10, folds=2), replies)
    assert not any(f.result.errors for f in done)
    found = estimates(table)
    assert found["auroc", "probe"].value is None
    assert found["auroc", "probe"].note == f"no rows: all answers to the training questions are {kind}"
    assert found["p_ik", "yes-no", "none"].value is not None
    assert all(e.value is not None or e.note for e in found.values())


def test_a_domain_with_fewer_groups_than_folds_has_no_probe_of_its_own() -> None:
    train = [*items(100, 140), Item({"question": "What is 1000?", "kind": "rare"}, "g1000", grade)]
    _, _, fitted, _ = run(PIK(train=41, depths=[1.0]), test=items(0, 1), train=train)
    assert fitted.probes["only rare"] == NoProbe("fewer groups of training questions (1) than folds (5)")
    assert isinstance(fitted.probes["not rare"], Probe)
    assert arms(fitted.probes, "rare", transfer=True)["probe elsewhere"] is fitted.probes["not rare"]
    assert arms(fitted.probes, "unseen", transfer=True)["probe elsewhere"] is fitted.probes["all"]
    assert list(arms(fitted.probes, "rare", transfer=False)) == ["probe"]


def test_fewer_training_groups_than_folds_stop_the_run() -> None:
    grouped = [Item(item.fields, item.gold, grade, group=f"g{i % 3}") for i, item in enumerate(items(100, 110))]
    with pytest.raises(HarnessError, match="there are 3 groups"):
        run(PIK(train=10), train=grouped)


def test_an_engine_that_cannot_read_leaves_the_probe_out_unless_it_is_demanded() -> None:
    async def go() -> tuple[Fitted, Subject]:
        subject = fake_subject(knowing)
        subject.engine.can = frozenset({"generate", "choose"})
        return await PIK(train=10).prepare(items(0, 10), subject), subject

    fitted, subject = asyncio.run(go())
    assert fitted.probes == {}
    assert len(fitted.known) == 10
    assert not subject.transcript  # nothing is sampled for a probe that cannot be
    job = load_job(["experiment=pIK", "experiment.probe=true", "engine=vllm", "tracker=none"])
    with pytest.raises(HarnessError, match=r"needs an engine that can 'read'.*use engine=transformers"):
        prepare_items(job)


def test_layers_are_found_by_depth() -> None:
    subject = fake_subject(knowing)
    assert subject.layers_at([0.01, 0.5, 0.75, 1.0]) == [0, 1, 2, 3]
    assert subject.layers_at([1.0, 0.99]) == [3]
    with pytest.raises(HarnessError, match="above 0 and at most 1"):
        subject.layers_at([0.0])
    subject.engine.layers = None
    with pytest.raises(HarnessError, match="fake cannot read activations; use engine=transformers"):
        subject.layers_at([1.0])


@pytest.mark.parametrize(
    "settings",
    [
        {"asked": []},
        {"contexts": ["good"]},
        {"draws": 0},
        {"train": 4},
        {"folds": 1},
        {"probe": False, "train": 1},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(HarnessError, match="experiment"):
        PIK(**settings)  # type: ignore[arg-type]
