"""Self-knowledge on subjects whose refusals and judgements have a known distribution."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pytest

from experiments.calibration.self_knowledge.prompts import PARAPHRASES, TEXTS
from experiments.calibration.self_knowledge.self_knowledge import SelfKnowledge
from experiments.shared.bag_of_words import BagOfWords
from harness import Grade, HarnessError, Item, ItemError
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.outcomes import Table
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.statistics.gates import held_back
from harness.testing import simulate
from tests.support.subjects import Judged, SimulatedSubject, Traits

N = 40
ALL = "judgement@8"
YES = {TEXTS[name]: yes for name, yes in PARAPHRASES.items()}
"""Whether "Yes" means that a question has an answer, by paraphrase."""


def grade(text: str, item: Item) -> Grade:
    return Grade(text.strip(), text.strip() == "right" if text.strip() else None)


def items(n: int = N) -> list[Item]:
    """Every second question has no answer."""
    return [
        Item(
            {"question": f"What is {i}?", "kind": "unknowable" if i % 2 else "answerable"},
            [] if i % 2 else ["right"],
            grade,
        )
        for i in range(n)
    ]


def number(text: str) -> int:
    return int(re.findall(r"What is (\d+)\?", text)[-1])


def paraphrase(text: str) -> str:
    return next(asked for asked in YES if f"> {asked} Say" in text)


def judged(text: str, p_answerable: float, mass: float = 0.8) -> dict[str, float]:
    """Yes or no by what the paraphrase means, in small letters at times; the rest of the mass is on neither."""
    p = p_answerable if YES[paraphrase(text)] else 1 - p_answerable
    return {" Yes": mass * p * 0.75, " yes": mass * p * 0.25, " No": mass * (1 - p), " Maybe": 1 - mass}


def subject(text: str) -> Mapping[str, float]:
    """Knows what it judges; refuses where i % 4 is 1 or 2 when told that it may; is silent at first after examples."""
    i = number(text)
    if text.endswith("Answer:"):
        return judged(text, 0.1 if i % 2 else 0.8)
    if not text.endswith("A:"):
        raise LookupError(text)
    if "Hamlet" in text:
        return {"" if i < 8 else " right": 1.0}
    return {" The answer is unknown.\nQ: next" if "Take the question" in text and i % 4 in (1, 2) else " right": 1.0}


def run(
    replies: Replies, n: int = N, experiment: SelfKnowledge | None = None
) -> tuple[Table, dict[tuple[str, ...], Estimate]]:
    experiment = experiment or SelfKnowledge()
    table, _ = simulate(experiment, items(n), replies)
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=20)]
    return table, {(e.metric, *e.level.values()): e for e in found}


def of(table: Table, arm: str, column: str) -> list[float]:
    return [float(v) for v in table.columns[column][table.columns["arm"] == arm]]


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, ...], Estimate]:
    return run(subject)[1]


def values(found: Mapping[tuple[str, ...], Estimate], arm: str, *metrics: str) -> list[float | None]:
    return [found[metric, arm].value for metric in metrics]


KAPPAS = ("conger_kappa", "fleiss_kappa_direct", "fleiss_kappa_turned")
COUNTS = ("precision", "recall", "f1", "specificity", "agreement")


def test_refusals_are_counted_with_unanswerable_questions_as_positives(
    found: dict[tuple[str, ...], Estimate],
) -> None:
    # Told that it may: refuses 10 of the 20 without an answer and 10 of the 20 with one.
    assert values(found, "instruction", *COUNTS) == [0.5] * 5
    assert values(found, "instruction", "answerable_accuracy", "f1_wide") == [0.5, 0.5]
    assert values(found, "direct", *COUNTS) == [None, 0, 0, 1, 0.5]
    assert found["answerable_accuracy", "direct"].value == 1
    assert found["refusal_rate_by_kind", "instruction", "unknowable"].value == 0.5


def test_baselines_have_their_closed_forms(found: dict[tuple[str, ...], Estimate]) -> None:
    assert values(found, "always refuses", *COUNTS) == [0.5, 1, pytest.approx(2 / 3), 0, 0.5]
    assert values(found, "never refuses", *COUNTS) == [None, 0, 0, 1, 0.5]
    assert found["precision", "never refuses"].note == "no row was said to be positive"


def test_empty_replies_have_neither_refused_nor_answered(found: dict[tuple[str, ...], Estimate]) -> None:
    assert values(found, "icl", "empty_rate", "cut_rate") == [8 / 40, 0]
    assert {found[m, "icl"].n for m in ("f1", "agreement", "f1_wide")} == {40}
    # Of the 20 questions with an answer 4 got an empty reply, and nothing was refused.
    assert values(found, "icl", "answerable_accuracy", "answerable_accuracy_answered") == [16 / 20, 1]
    assert values(found, "icl", "answerable_answered", "agreement", "recall") == [16 / 20, 16 / 40, 0]


LONG = "It is said by many that the one who knows this best " * 4


@pytest.mark.parametrize(
    ("text", "fate", "refused", "agrees"),
    [
        (LONG, "cut", False, False),  # neither refused nor answered
        (f"Well, the answer is unknown. {LONG}", "cut", True, False),  # refused before it was cut
        ("After much thought and a long search in all books of the house I say that the answer is unknown.", "refused",
         True, False),
        ("right", "answered", False, True),
        ("", "empty", False, False),
    ],
)  # fmt: skip
def test_a_reply_that_was_cut_says_so(text: str, fate: str, refused: bool, agrees: bool) -> None:
    table, _ = simulate(SelfKnowledge(arms=["direct"]), items(1), lambda prompt: {text: 1.0})
    assert table.columns["fate"].tolist() == [fate]
    assert [table.columns[name][0] for name in ("refused", "agrees", "cut")] == [refused, agrees, fate == "cut"]


def test_no_verdict_rests_on_judgements_that_the_model_does_not_give() -> None:
    def elsewhere(text: str) -> Mapping[str, float]:
        return judged(text, 0.1 if number(text) % 2 else 0.8, mass=0.4) if text.endswith("Answer:") else subject(text)

    _, found = run(elsewhere)
    experiment = SelfKnowledge()
    by_name = {metric.name: metric for metric in experiment.metrics}
    for name in ("auroc", "agreement", "f1", "conger_kappa", "consensus"):
        assert "option_mass [arm=judgement@8] 0.4 is below 0.5" in held_back(
            experiment.gates, by_name[name], {"arm": ALL}, list(found.values())
        )
    assert not held_back(experiment.gates, by_name["f1"], {"arm": "instruction"}, list(found.values()))


def test_judgements_are_exact_and_of_one_mind(found: dict[tuple[str, ...], Estimate]) -> None:
    for arm in ("judgement@1", ALL):
        assert values(found, arm, "f1", "agreement", "auroc") == [1, 1, 1]
        # p(unanswerable) is 0.9 and 0.2.
        assert values(found, arm, "brier", "option_mass") == pytest.approx([(0.01 + 0.04) / 2, 0.8])
    assert values(found, ALL, "consensus", "yes_rate", *KAPPAS) == pytest.approx([1, 0.5, 1, 1, 1])


def test_a_subject_that_says_yes_to_everything_is_not_consistent() -> None:
    def yes(text: str) -> Mapping[str, float]:
        return {" Yes": 0.9, " No": 0.1} if text.endswith("Answer:") else subject(text)

    _, found = run(yes)
    assert values(found, ALL, "consensus", "yes_rate", *KAPPAS) == [0.5, 1, pytest.approx(0), None, None]
    assert values(found, ALL, "auroc", "agreement") == [0.5, 0.5]


def test_a_constant_judge_is_consistent_and_knows_nothing() -> None:
    def feasible(text: str) -> Mapping[str, float]:
        return judged(text, 0.9) if text.endswith("Answer:") else subject(text)

    _, found = run(feasible)
    assert values(found, ALL, "consensus", "agreement", "f1", "conger_kappa") == [1, 0.5, 0, None]
    assert found["conger_kappa", ALL].note == "all judgements of all rows are the same"


def test_a_subject_that_refuses_everything_is_the_baseline() -> None:
    def refusing(text: str) -> Mapping[str, float]:
        return {" I do not know.": 1.0} if text.endswith("A:") else subject(text)

    _, found = run(refusing)
    for form in ("direct", "instruction", "icl"):
        assert values(found, form, *COUNTS) == values(found, "always refuses", *COUNTS)
        assert found["answerable_accuracy", form].value == 0


def test_eight_judgements_see_further_than_one() -> None:
    # The evidence of each judgement is normal, one standard deviation apart, and independent of the others.
    simulated = SimulatedSubject(
        Traits(difficulty=0.0, insight=1.0),
        lambda text: Judged(
            f"{number(text)}",
            paraphrase(text),
            number(text) % 2 == 0,
            *((" Yes", " No") if YES[paraphrase(text)] else (" No", " Yes")),
        ),
    )

    def replies(text: str) -> Mapping[str, float]:
        return simulated(text) if text.endswith("Answer:") else subject(text)

    _, found = run(replies, 400, SelfKnowledge(arms=["judgement@1", ALL]))
    # Standard errors of an AUROC of 400 are 0.024 and 0.007; means of p rank almost as sums of log-odds.
    assert found["auroc", "judgement@1"].value == pytest.approx(NormalDist().cdf(1 / math.sqrt(2)), abs=0.06)
    assert found["auroc", ALL].value == pytest.approx(NormalDist().cdf(math.sqrt(8 / 2)), abs=0.02)
    # A vote is right with probability Phi(1/2): kappa of independent votes is (2 Phi - 1)^2.
    for kappa in values(found, ALL, *KAPPAS):
        assert kappa == pytest.approx((2 * NormalDist().cdf(0.5) - 1) ** 2, abs=0.05)


def test_the_bag_of_words_is_naive_bayes_over_the_words_that_occur() -> None:
    texts = [
        ("Why love?", True),
        ("Why hate love?", True),
        ("Who won?", False),
        ("Where, why?", False),
        ("Who?", False),
    ]
    bag = BagOfWords.fit(texts)
    assert bag.prior == pytest.approx(math.log(2 / 3))
    # Two of two positives and one of three negatives hold "why", add-one smoothed.
    assert bag.evidence["why"] == pytest.approx(math.log(3 / 4) - math.log(2 / 5))
    assert bag.evidence["who"] == pytest.approx(math.log(1 / 4) - math.log(3 / 5))
    assert bag.positive("Why, why love?")
    assert not bag.positive("Who knows?")
    with pytest.raises(HarnessError, match=r"all of one class; raise experiment\.words"):
        BagOfWords.fit(texts[:2])


def test_the_bag_of_words_is_an_arm_where_it_is_asked_for() -> None:
    train = [Item({"question": f"Tell {w}?", "kind": w}, [w] * n, grade) for w, n in (("what", 0), ("no", 1))]
    experiment = SelfKnowledge(arms=["bag of words", "never refuses"], words=2)
    table, finished = simulate(experiment, items(4), subject, train=train)
    # "what" was met in the question without an answer only.
    assert of(table, "bag of words", "refused") == [1, 1, 1, 1]
    assert of(table, "never refuses", "refused") == [0, 0, 0, 0]
    assert not any(f.transcript for f in finished)
    assert (experiment.train_items(), SelfKnowledge().train_items()) == (2, 0)


def test_no_label_enters_a_prompt() -> None:
    _, finished = simulate(SelfKnowledge(), items(2), subject)
    assert not any("unknowable" in e.prompt or "right" in e.prompt for f in finished for e in f.transcript)
    asked = [e.prompt for e in finished[0].transcript if e.prompt.endswith("A:")]
    assert sorted(text.count("<user> Q: ") for text in asked) == [0, 1, 7]


def test_arms_have_their_factors_as_columns() -> None:
    table, finished = simulate(SelfKnowledge(), items(4), subject)
    assert len(table) == 4 * 7
    assert set(of(table, "judgement@1", "votes")) == {1}
    assert set(of(table, ALL, "votes")) == {8}
    for name, where in (("told", "instruction"), ("shown", "icl")):
        assert set(table.columns["arm"][table.columns[name] == 1]) == {where}
    asked = dict(zip(table.columns["arm"], table.columns["asked"], strict=True))
    assert Counter(asked.values()) == {"text": 3, "judgement": 2, "nothing": 2}
    assert np.isnan(table.columns["p_unanswerable"][table.columns["asked"] != "judgement"]).all()
    # The first paraphrase is asked in two arms and answered once.
    calls = [key for e in finished[0].transcript for key in e.keys]
    assert (len(calls), len(set(calls))) == (3 + 1 + 8, 3 + 8)


def test_an_arm_whose_prompt_does_not_fit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Renderer.check_length

    def short(self: Renderer, prompt: Rendered, new_tokens: int) -> None:
        if "Hamlet" in prompt.text:
            raise ItemError("the prompt does not fit")
        check(self, prompt, new_tokens)

    monkeypatch.setattr(Renderer, "check_length", short)
    table, found = run(subject)
    assert Counter(table.columns["arm"][table.columns["error"] == "the prompt does not fit"]) == {"icl": N}
    assert found["f1", "icl"].n == 0
    assert values(found, "instruction", *COUNTS) == [0.5] * 5


def test_the_words_of_a_judgement_are_settings() -> None:
    experiment = SelfKnowledge(arms=["judgement@1"], wording={"can_be_answered": "Is there an answer?"})
    _, finished = simulate(experiment, items(1), lambda text: {" Yes": 1.0})
    assert [e.prompt for e in finished[0].transcript] == [
        "<user> Is there an answer? Say Yes or No.\nQuestion: What is 0?\n<assistant> Answer:"
    ]


@pytest.mark.parametrize("setting", ["words=1", "max_tokens=0", "temperature=-1"])
def test_settings_out_of_range_are_refused(setting: str) -> None:
    with pytest.raises(HarnessError, match=rf"experiment\.{setting.partition('=')[0]}"):
        load_job(["experiment=selfKnowledge", f"experiment.{setting}", "engine=fake", "tracker=none"])


def test_unknown_arms_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"no arm 'judgement@7', did you mean 'judgement@[18]'"):
        SelfKnowledge(arms=["direct", "judgement@7"])
