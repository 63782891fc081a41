"""Self-familiarity on subjects that find the way back to a concept with a known probability."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from experiments.calibration.self_familiarity.masks import mask, spellings
from experiments.calibration.self_familiarity.scores import aggregate, threshold
from experiments.calibration.self_familiarity.self_familiarity import SelfFamiliarity
from harness import HarnessError, Item, ItemError
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.graders import short_answer
from harness.testing import simulate

LEAD = SelfFamiliarity.texts["related_lead"]
OF_DOMAIN = "It is a kind of thing."


def item(kind: str, *concepts: str) -> Item:
    fields = {
        "question": f"Is there {' and '.join(concepts)}?",
        "concepts": list(concepts),
        "rarity": [-1.0 if c.startswith("basic") else -9.0 for c in concepts],
        "kind": kind,
        "domain": "thing",
    }
    return Item(fields, ["no" if kind == "invented" else "yes"], short_answer, concepts[-1])


BASIC = [item("basic", f"basic{n}") for n in range(40)]
MIXED = [item("rare", f"rare{n}") for n in range(6)] + [item("invented", f"false{n}") for n in range(6)]
NAMES = [name for one in (*BASIC, *MIXED) for name in one.fields["concepts"]]


def way_back(concept: str) -> float:
    """The probability of the best spelling of a concept after its explanation."""
    if concept.startswith("basic"):
        return 0.3 + int(concept.removeprefix("basic")) / 100
    return 0.6 if concept.startswith("rare") else 0.05


def subject(text: str) -> Mapping[str, float]:
    """Explains by the concept's code, which the mask leaves; capitalised spellings are the most probable."""
    if text.endswith(tuple(f'"{one}" is related to what?\n<assistant> {LEAD}' for one in ("...", OF_DOMAIN))):
        return {**{f" {name.capitalize()}": 0.01 for name in NAMES}, " something": 1 - 0.01 * len(NAMES)}
    if text.endswith(LEAD):
        concept = re.findall(r"code of (\w+)", text)[-1][::-1]
        p = way_back(concept)
        return {f" {concept.capitalize()}": p, f" {concept}": p / 4, " something": 1 - 1.25 * p}
    concept = re.findall(r'"(\w+)"', text)[-1]
    if text.endswith("Answer:"):
        p = 0.9 if way_back(concept) > 0.1 else 0.4
        return {" Yes": 0.3 * p, " yes": 0.2 * p, " No": 0.5 * (1 - p), " Maybe": 0.5}
    if text.endswith("<assistant> "):
        p = 0.25 if way_back(concept) > 0.1 else 0.125
        return {f"The {concept} has the code of {concept[::-1]}": 1 - p, "no": p}
    raise LookupError(text)


def run(
    replies: Replies,
    items: Sequence[Item],
    train: Sequence[Item] = BASIC,
    experiment: SelfFamiliarity = SelfFamiliarity(),  # noqa: B008 - frozen
) -> tuple[Table, list[Finished], dict[tuple[str, ...], Estimate]]:
    table, finished = simulate(experiment, items, replies, train=train)
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=20)]
    return table, finished, {(e.metric, *e.level.values()): e for e in found}


def of(table: Table, arm: str, column: str) -> list[float]:
    return [float(v) for v in table.columns[column][table.columns["arm"] == arm]]


def test_scores_and_threshold_are_exact() -> None:
    table, _, found = run(subject, MIXED)
    real = table.columns["real"][table.columns["arm"] == "minimum"] == 1
    for arm in ("minimum", "first", "weighted"):
        np.testing.assert_allclose(of(table, arm, "score"), np.where(real, 0.6, 0.05), atol=1e-12)
        assert found["auroc", arm].value == found["accuracy", arm].value == found["f1", arm].value == 1
        # Basic scores are 0.30, 0.31, ... of 40; the middle of the interval of the second smallest.
        assert found["threshold", arm].value == pytest.approx(threshold([0.3 + n / 100 for n in range(40)]))
    np.testing.assert_allclose(of(table, "asked", "score"), np.where(real, 0.9, 0.4), atol=1e-12)
    assert found["option_mass", "asked"].value == pytest.approx(0.5)
    # One of the explanation's words decides between two texts; the others are certain.
    n_tokens = len(re.findall(r" ?\w+", "The rare0 has the code of 0erar"))
    forward = [(1 - p) ** (1 / n_tokens) for p in (0.25, 0.125)]
    np.testing.assert_allclose(of(table, "forward", "score"), np.where(real, *forward), atol=1e-12)
    assert found["auroc", "forward"].value == 0
    assert found["auroc", "rarity"].value == 0.5
    # The best spelling, when there is no explanation, is as probable of every name.
    np.testing.assert_allclose(of(table, "prior", "score"), 0.01, atol=1e-12)
    np.testing.assert_allclose(of(table, "domain", "score"), 0.01, atol=1e-12)
    assert found["answer_rate_by_kind", "minimum", "rare"].value == 1
    assert found["answer_rate_by_kind", "minimum", "invented"].value == 0


def test_the_name_never_enters_the_backward_prompt() -> None:
    _, finished, found = run(subject, MIXED)
    for f in finished:
        asked = [e for e in f.transcript if e.prompt.endswith(LEAD)]
        prior, *backward = [e for e in asked if OF_DOMAIN not in e.prompt]
        assert len(asked) == 1 + 3 + 1
        # As it is, in capitals and capitalised; small letters are the name itself.
        assert len(backward) == len({e.reply for e in backward}) == 3
        assert prior.prompt == '<user> "..." is related to what?\n<assistant> ' + LEAD
        name = f.item.fields["concepts"][0]
        assert not any(name in e.prompt.lower() for e in backward)
        assert (
            backward[0].prompt
            == f'<user> "The ... has the code of {name[::-1]}" is related to what?\n<assistant> ' + LEAD
        )
    # One word of seven.
    assert found["masked_share", "rare"].value == pytest.approx(1 / 7)
    assert found["dodge_rate", "rare"].value == 0


def test_several_concepts_are_aggregated_in_order_of_rarity() -> None:
    table, _, _ = run(subject, [item("rare", "basic9", "rare1"), item("invented", "basic9", "false1")])
    real = np.array(of(table, "minimum", "real")) == 1
    basic, rare, false = 0.39, 0.6, 0.05
    np.testing.assert_allclose(of(table, "minimum", "score"), np.where(real, basic, false), atol=1e-12)
    np.testing.assert_allclose(of(table, "first", "score"), np.where(real, rare, false), atol=1e-12)
    weighted = [(s + basic / 2) / 1.5 for s in (rare, false)]
    np.testing.assert_allclose(of(table, "weighted", "score"), np.where(real, *weighted), atol=1e-12)
    assert set(table.columns["size"]) == {"several"}


def test_an_explanation_that_is_only_the_name_has_no_score() -> None:
    def echo(text: str) -> Mapping[str, float]:
        if "rare0" in text and text.endswith("<assistant> "):
            return {"Rare0, rare0s!": 1.0}
        return subject(text)

    table, _, found = run(echo, MIXED)
    auroc = found["auroc", "minimum"]
    assert (auroc.value, auroc.n, auroc.n_failed) == (1, 11, 1)
    assert found["auroc", "asked"].n_failed == 0
    assert found["masked_share", "rare"].value == pytest.approx((5 / 7 + 1) / 6)
    assert np.isnan(of(table, "minimum", "score")).sum() == 1


def test_an_arm_that_cannot_be_asked_fails_alone_and_is_not_scored_zero() -> None:
    def broken(text: str) -> Mapping[str, float]:
        if (text.endswith(LEAD) and "0erar" in text) or (text.endswith("Answer:") and "false1" in text):
            raise ItemError("the prompt does not fit")
        return subject(text)

    table, _, found = run(broken, MIXED)
    failed = table.where(table.columns["error"] == "the prompt does not fit")
    assert Counter(failed.columns["arm"]) == Counter(
        ["minimum", "first", "weighted", "prior", "domain", "pieces", "asked"]
    )
    for arm in ("minimum", "prior", "asked"):
        assert (found["auroc", arm].n, found["auroc", arm].n_failed) == (11, 1)
    for arm in ("forward", "rarity"):
        assert (found["auroc", arm].n, found["auroc", arm].n_failed) == (12, 0)


def test_only_what_the_arms_need_is_asked() -> None:
    def asked(*arms: str) -> list[int]:
        _, finished, _ = run(subject, MIXED[:1], BASIC[:20], SelfFamiliarity(arms=arms, basic=20))
        prompts = [e.prompt for e in finished[0].transcript]
        return [sum(text.endswith(end) for text in prompts) for end in ("<assistant> ", LEAD, "Answer:")]

    assert asked("rarity") == [0, 0, 0]
    assert asked("asked") == [0, 0, 1]
    assert asked("forward") == [1, 0, 0]
    assert asked("minimum", "weighted", "prior") == [1, 4, 0]
    assert asked("minimum", "prior", "domain") == [1, 5, 0]
    table, _, _ = run(subject, MIXED)
    explained = table.columns["explained"] == 1
    assert np.isfinite(table.columns["masked"][explained]).all()
    assert np.isnan(table.columns["masked"][~explained]).all()


def test_an_item_without_concepts_is_named() -> None:
    empty = Item({**MIXED[0].fields, "concepts": [], "rarity": []}, ["yes"], short_answer)
    table, _, _ = run(subject, [*MIXED, empty])
    assert [e for e in table.columns["error"] if e] == [
        "the item's field 'concepts' is empty; give it at least one concept"
    ]


def test_a_subject_that_explains_nothing_has_undefined_numbers_and_no_crash() -> None:
    def silent(text: str) -> Mapping[str, float]:
        return subject(text) if text.endswith("Answer:") else {"": 1.0}

    _, _, found = run(silent, MIXED)
    assert found["auroc", "minimum"].value is None
    assert found["accuracy", "minimum"].n_failed == 12
    assert found["threshold", "minimum"].value is None
    assert found["masked_share", "rare"].value == 1
    assert found["auroc", "asked"].value == 1


def test_dodging_is_counted_and_ranked_by_its_own_text() -> None:
    def dodging(text: str) -> Mapping[str, float]:
        if "false" in text and text.endswith("<assistant> "):
            return {"I am not familiar with that.": 1.0}
        if text.endswith(LEAD) and "familiar" in text:
            return {" something": 1.0}
        return subject(text)

    _, _, found = run(dodging, MIXED)
    assert found["dodge_rate", "invented"].value == 1
    # No spelling is possible: exp of minus infinity is a score of 0.
    assert found["auroc", "minimum"].value == 1


def test_noise_between_explanation_and_name_is_ranked_as_it_is() -> None:
    # Four of six real concepts are found again, two are not: 4/6 of pairs are in order, the others are ties.
    def noisy(text: str) -> Mapping[str, float]:
        if text.endswith(LEAD) and re.search("[01]erar", text) and OF_DOMAIN not in text:
            name = re.findall(r"code of (\w+)", text)[-1][::-1]
            return {f" {name}": 0.05, " something": 0.95}
        return subject(text)

    _, _, found = run(noisy, MIXED)
    assert found["auroc", "minimum"].value == pytest.approx(4 / 6 + 2 / 6 / 2)
    assert found["accuracy", "minimum"].value == pytest.approx(10 / 12)


@pytest.mark.parametrize(
    ("text", "concept", "masked", "share"),
    [
        ("An okapi, the OKAPI; Okapis and okapi's.", "okapi", "An ..., the ...; ... and ....", 4 / 7),
        ("Start the art of the arts.", "art", "Start the ... of the ....", 2 / 6),
        ("A water bear is no bear in Water.", "water bear", "A ... is no ... in ....", 4 / 8),
        ("The Bay of Pigs is of note.", "Bay of Pigs", "The ... is of note.", 3 / 7),
        ("Nothing here.", "x+y (z)", "Nothing here.", 0),
        ("It is x+y (z)!", "x+y (z)", "It is ...!", 3 / 5),
        ("Okapi okapi", "okapi", "... ...", 1),
        ("", "okapi", "", 1),
    ],
)
def test_the_mask_hides_whole_words_in_every_spelling(text: str, concept: str, masked: str, share: float) -> None:
    found = mask(text, concept)
    assert found.text == masked
    assert found.share == pytest.approx(share)


def test_no_spelling_survives_the_mask() -> None:
    for concept in ("okapi", "Kiribati", "water bear", "McDuff"):
        text = " and ".join(spellings(concept))
        assert set(mask(text, concept).text.split()) == {"...", "and"}
    assert spellings("okapi") == ["okapi", "OKAPI", "Okapi"]
    assert spellings("McDuff") == ["McDuff", "mcduff", "MCDUFF", "Mcduff"]


def test_the_weighted_score_lies_between_minimum_and_maximum() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 5):
        scores = rng.random(n).tolist()
        weighted = aggregate("weighted", scores)
        assert weighted == pytest.approx(np.average(scores, weights=[0.5**i for i in range(n)]))
        assert aggregate("least", scores) == min(scores) <= (weighted or 0) <= max(scores)
        assert aggregate("first", scores) == scores[0]
    assert [aggregate(over, [0.3, None]) for over in ("least", "weighted", "first")] == [None, None, 0.3]


@pytest.mark.parametrize("n", [20, 40, 101])
def test_the_threshold_is_the_middle_of_the_bootstrap_interval(n: int) -> None:
    rng = np.random.default_rng(n)
    scores = rng.random(n)
    at = math.ceil(0.05 * n) - 1
    resampled = np.sort(rng.choice(scores, (20_000, n)), axis=1)[:, at]
    low, high = np.quantile(resampled, [0.025, 0.975], method="inverted_cdf")
    ranked = np.sort(scores)
    step = max(np.diff(ranked[: at + 12]))
    assert threshold(scores.tolist()) == pytest.approx((low + high) / 2, abs=step)
    assert threshold([0.4] * n) == 0.4


def test_too_few_basic_concepts_give_no_threshold() -> None:
    assert threshold([0.5] * 19) is None


@pytest.mark.parametrize("setting", ["basic=19", "max_tokens=0"])
def test_settings_out_of_range_are_refused(setting: str) -> None:
    with pytest.raises(HarnessError, match=rf"experiment\.{setting.partition('=')[0]}"):
        load_job(["experiment=selfFamiliarity", f"experiment.{setting}", "engine=fake", "tracker=none"])


def test_the_words_of_a_prompt_are_settings() -> None:
    experiment = SelfFamiliarity(arms=["asked"], wording={"know": 'Is "$concept" familiar?'})
    _, finished, _ = run(subject, MIXED[:1], BASIC, experiment)
    assert [e.prompt for e in finished[0].transcript] == ['<user> Is "rare0" familiar?\n<assistant> Answer:']


def test_scoring_is_asked_of_the_engine() -> None:
    assert SelfFamiliarity().capabilities() == {"generate", "choose", "score"}


def test_a_model_that_knows_which_names_belong_to_a_domain_is_no_better_than_the_domain_alone() -> None:
    # It explains every name by its domain, and finds real names likelier than invented ones wherever that is told.
    def domains(text: str) -> Mapping[str, float]:
        if text.endswith(LEAD):
            told = "kind of thing" in text
            p = {name: (0.02 if "false" in name or not told else 0.4) / len(NAMES) for name in NAMES}
            return {**{f" {name}": q for name, q in p.items()}, " something": 1 - sum(p.values())}
        concept = re.findall(r'"(\w+)"', text)[-1]
        return {f"The {concept} is a kind of thing": 1.0} if text.endswith("<assistant> ") else subject(text)

    _, _, found = run(domains, MIXED)
    assert found["auroc", "minimum"].value == found["auroc", "domain"].value == 1
    assert found["auroc", "prior"].value == 0.5
