"""P(IK) on subjects whose answers, judgements and activations have a known distribution."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from experiments.calibration.p_ik.domain_probes import DomainProbes
from experiments.calibration.p_ik.p_ik import PIK
from harness import Item
from harness.config import load_job
from harness.errors import HarnessError, ItemError
from harness.execution.checks import prepare_items
from harness.outcomes import Table
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from harness.subject.subject import Subject
from harness.testing import fake_subject
from harness.vectors.probes import NoProbe, Probe
from tests.support.numbered_questions import ease, estimates, grade, items, knowing, number, planted, run

WORDS = ("yes-no", "percent")


def fitted_of(fitted: object) -> DomainProbes:
    assert isinstance(fitted, DomainProbes)
    return fitted


def knowing_thirds(text: str) -> Mapping[str, float]:
    """As `knowing`, but answers every third question right, and no other."""
    asked = "Answer: (" in text or text.endswith(("Confidence:", "confidence is"))
    return knowing(text) if asked else {f" g{number(text)}" if number(text) % 3 == 0 else " wrong": 1.0}


def questions(table: Table) -> list[str]:
    by_id = {item.id: str(item.fields["question"]) for item in items(0, 30)}
    return [by_id[i] for i in table.columns["item"]]


def test_there_is_a_row_for_every_answer_in_every_arm_and_for_every_probe_of_one_domain() -> None:
    table, *_ = run(PIK(train=10, folds=2))
    assert Counter(table.columns["arm"]) == dict.fromkeys(
        ("probe", "probe elsewhere", "yes-no swapped", *WORDS), 150
    ) | {"probe of one domain": 300}
    factors = set(zip(*(table.columns[name] for name in ("asked", "elsewhere", "alone", "probe_of")), strict=True))
    assert factors == {
        ("probe", 0.0, 0.0, None),
        ("probe", 1.0, 0.0, None),
        ("probe", 0.0, 1.0, "even"),
        ("probe", 0.0, 1.0, "odd"),
        ("yes-no", 0.0, 0.0, None),
        ("percent", 0.0, 0.0, None),
    }


def test_what_is_said_in_words_is_exact() -> None:
    table, *_ = run(PIK(arms=WORDS))
    third = np.array([any(f"What is {i}?" in q for i in range(0, 30, 3)) for q in questions(table)])
    yes_no = table.columns["arm"] == "yes-no"
    np.testing.assert_allclose(table.columns["p"][yes_no], np.where(third, 0.75, 0.25)[yes_no], atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"][yes_no], 0.9, atol=1e-12)
    # (0.3 * 0.9 + 0.1 * 0.1) / 0.4
    np.testing.assert_allclose(table.columns["p"][~yes_no], 0.7, atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"][~yes_no], 0.4, atol=1e-12)
    assert set(table.columns["calls"]) == {1.0}


def test_swapped_letters_tell_a_liking_for_a_from_knowledge() -> None:
    def first(text: str) -> Mapping[str, float]:
        return {"A": 0.8, "B": 0.1, "C": 0.1} if text.endswith("Answer: (") else knowing(text)

    arms = ("yes-no", "yes-no swapped")
    table, finished = run(PIK(arms=arms), first)[:2]
    for arm, p in zip(arms, (8 / 9, 1 / 9), strict=True):
        np.testing.assert_allclose(table.columns["p"][table.columns["arm"] == arm], p, atol=1e-12)
    asked = [e.prompt for e in finished[0].transcript if "Do you know" in e.prompt]
    assert sorted(" (A) Yes\n (B) No" in prompt for prompt in asked) == [False, True]
    assert sorted(" (A) No\n (B) Yes" in prompt for prompt in asked) == [False, True]


def test_percentages_in_digits_are_walked_token_by_token() -> None:
    table, *_ = run(PIK(arms=["percent"], spelled=False))
    np.testing.assert_allclose(table.columns["p"], 0.7, atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"], 0.4, atol=1e-12)
    assert set(table.columns["calls"]) == {12.0}  # the number, and behind each of the eleven its "%"


def test_metrics_follow_from_the_known_distribution() -> None:
    experiment = PIK(arms=WORDS)
    table, *_ = run(experiment, knowing_thirds)
    found = estimates(experiment, table)
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
        "p_ik": 0.75 / 3 + 0.25 * 2 / 3,
    }
    assert {name: found[name, "yes-no"].value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found["auroc", "percent"].value == 0.5
    assert found["auroc", "yes-no"].n == 150
    assert found["auroc", "yes-no"].n_groups == 30
    assert found["option_mass", "yes-no"].value == pytest.approx(0.9)
    assert found["option_mass", "percent"].value == pytest.approx(0.4)
    assert not any(e.n_failed for (name, *_), e in found.items() if name != "probe_layer")


def test_no_reference_answer_enters_a_prompt() -> None:
    _, finished, _, preparing = run(PIK(train=10, folds=2))
    plain = [e.prompt for f in finished for e in f.transcript]
    assert len(plain) == 30 * 9
    assert not any(re.search(r"\bg\d", prompt) for prompt in [*plain, *(e.prompt for e in preparing.transcript)])


def test_the_prompts_are_the_answers_own_and_the_papers() -> None:
    _, finished, *_ = run(PIK(train=10, folds=2, draws=1), test=items(0, 1))
    prompts = [e.prompt for e in finished[0].transcript]
    assert prompts.count("<user> Question: What is 0?\n<assistant> Answer:") == 2  # sampled, and read once for all
    assert "<user> Question: What is 0?\nDo you know the answer?\n (A) Yes\n (B) No\n<assistant> Answer: (" in prompts
    assert (
        "<user> How likely is it that you can answer the question correctly? Say zero, ten, twenty, thirty, forty, "
        "fifty, sixty, seventy, eighty, ninety or hundred percent.\nQuestion: What is 0?\n<assistant> My confidence is"
    ) in prompts


def test_the_probe_finds_the_planted_layer_and_ranks_like_the_truth() -> None:
    experiment = PIK(train=120, depths=[0.25, 0.5, 0.75, 1.0])
    table, _, fitted, _ = run(experiment, test=items(0, 60))
    probe = fitted_of(fitted).everywhere
    assert isinstance(probe, Probe)
    assert probe.layer == 2
    assert int(np.argmax(np.abs(probe.weights))) == 0
    found = estimates(experiment, table)
    assert found["probe_layer", "probe"].value == 2.0
    assert found["calls", "probe"].value == 1.0
    rows = table.where(table.columns["arm"] == "probe")
    by_id = {item.id: ease(i) for i, item in enumerate(items(0, 60))}
    truth = np.array([by_id[i] for i in rows.columns["item"]])
    assert np.corrcoef(truth, np.log(1 / rows.columns["p"] - 1))[0, 1] < -0.95
    auroc, brier = found["auroc", "probe"].value, found["brier", "probe"].value
    assert auroc is not None
    assert brier is not None
    assert auroc > 0.85
    assert brier < 0.15


def test_the_transfer_table_tells_what_each_domain_teaches() -> None:
    # Of even questions a large number is easy, of odd ones it is hard: what one domain teaches is false of the other.
    experiment = PIK(train=120, arms=["probe elsewhere", "probe of one domain"])
    table, *_ = run(experiment, activations=planted, test=items(0, 60))
    found = {key: e.value for key, e in estimates(experiment, table).items()}
    for here, there in (("even", "odd"), ("odd", "even")):
        own, other = (found["transfer_auroc_by_domain", "probe of one domain", here, to] for to in (here, there))
        assert own is not None
        assert other is not None
        assert own > 0.8
        assert other < 0.2
        assert found["auroc_by_domain", "probe elsewhere", there] == other
    assert not any(key[:2] == ("auroc", "probe of one domain") for key in found)
    assert found["transfer_auroc", "probe of one domain", "even"] is not None


def test_probes_are_fitted_on_training_items_alone() -> None:
    _, _, fitted, preparing = run(PIK(train=20, folds=2, draws=2, depths=[0.75]))
    assert {number(e.prompt) for e in preparing.transcript} == set(range(100, 120))
    assert len(preparing.transcript) == 20 * 3
    other, _, again, _ = run(PIK(train=20, folds=2, draws=2, depths=[0.75]), test=items(50, 60))
    assert again == fitted
    assert len(set(other.columns["item"])) == 10


@pytest.mark.parametrize(("said", "kind"), [(" wrong", "wrong"), ("", "wrong")])
def test_answers_of_one_kind_leave_no_probe_and_a_reason(said: str, kind: str) -> None:
    def replies(text: str) -> Mapping[str, float]:
        return knowing(text) if text.endswith(("Answer: (", "Confidence:", "confidence is")) else {said: 1.0}

    experiment = PIK(train=10, folds=2)
    table, done, *_ = run(experiment, replies)
    assert not any(f.result.errors for f in done)
    found = estimates(experiment, table)
    assert found["auroc", "probe"].value is None
    assert found["auroc", "probe"].note == f"no rows: all answers to the training questions are {kind}"
    assert found["p_ik", "yes-no"].value is not None
    assert all(e.value is not None or e.note for e in found.values())


def test_a_domain_with_fewer_groups_than_folds_has_no_probe_of_its_own() -> None:
    train = [*items(100, 140), Item({"question": "What is 1000?", "kind": "rare"}, "g1000", grade)]
    table, _, fitted, _ = run(PIK(train=41, depths=[1.0]), test=items(0, 1), train=train)
    probes = fitted_of(fitted)
    assert probes.alone["rare"] == NoProbe("fewer groups of training questions (1) than folds (5)")
    assert isinstance(probes.elsewhere["rare"], Probe)
    assert probes.without("rare") is probes.elsewhere["rare"]
    assert probes.without("unseen") is probes.everywhere
    assert set(table.columns["reason"][table.columns["probe_of"] == "rare"]) == {
        "fewer groups of training questions (1) than folds (5)"
    }


def test_a_single_domain_has_neither_a_probe_elsewhere_nor_one_of_one_domain() -> None:
    table, _, fitted, _ = run(PIK(train=10, folds=2, domain="subject"))
    assert fitted_of(fitted).without("") is None
    assert set(table.columns["arm"]) == {"probe", "yes-no swapped", *WORDS}


def test_fewer_training_groups_than_folds_stop_the_run() -> None:
    grouped = [Item(item.fields, item.gold, grade, group=f"g{i % 3}") for i, item in enumerate(items(100, 110))]
    with pytest.raises(HarnessError, match="there are 3 groups"):
        run(PIK(train=10), train=grouped)


def test_an_engine_that_cannot_read_leaves_the_probe_out_and_is_refused_where_nothing_else_is_asked() -> None:
    async def go() -> tuple[DomainProbes | None, Subject]:
        subject = fake_subject(knowing)
        subject.engine.can = frozenset({"generate", "choose"})
        return await PIK(train=10).prepare(items(0, 10), subject), subject

    fitted, subject = asyncio.run(go())
    assert fitted is None
    assert not subject.transcript  # nothing is sampled for a probe that cannot be
    assert any("cannot read activations" in note for note in subject.renderer.prompt_style.notes)
    server = ["engine=server", "engine.url=http://localhost:1/v1"]
    job = load_job(["experiment=pIK", "experiment.arms=[probe]", *server, "tracker=none"])
    with pytest.raises(HarnessError, match=r"needs an engine that can 'read'.*use engine=transformers"):
        prepare_items(job)


def test_an_arm_whose_prompt_does_not_fit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Renderer.check_length

    def short(self: Renderer, prompt: Rendered, new_tokens: int) -> None:
        if "How likely" in prompt.text:
            raise ItemError("the prompt does not fit")
        check(self, prompt, new_tokens)

    monkeypatch.setattr(Renderer, "check_length", short)
    table, done, *_ = run(PIK(arms=WORDS), test=items(0, 3))
    assert [f.result.errors for f in done] == [("arm percent: the prompt does not fit",)] * 3
    assert Counter(table.columns["arm"][table.columns["error"] == None]) == {"yes-no": 15}  # noqa: E711 - row by row


def test_layers_are_found_by_depth() -> None:
    subject = fake_subject(knowing)
    assert subject.layers_at([0.01, 0.5, 0.75, 1.0]) == [0, 1, 2, 3]
    assert subject.layers_at([1.0, 0.99]) == [3]
    with pytest.raises(HarnessError, match="above 0 and at most 1"):
        subject.layers_at([0.0])
    subject.engine.layers = None
    with pytest.raises(HarnessError, match="fake cannot read activations; use engine=transformers"):
        subject.layers_at([1.0])


@pytest.mark.parametrize("experiment", ["pIK", "pIKContexts"])
@pytest.mark.parametrize("setting", ["arms=[]", "draws=0", "train=4", "train=1", "folds=1"])
def test_settings_out_of_range_are_refused(experiment: str, setting: str) -> None:
    with pytest.raises(HarnessError, match=rf"experiment\.{setting.partition('=')[0]}"):
        load_job([f"experiment={experiment}", f"experiment.{setting}", "engine=fake", "tracker=none"])
