"""P(True) on subjects whose samples and judgements have a known distribution."""

import math
import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from experiments.calibration.p_true.p_true import PTrue
from experiments.shared.demonstrations import TEXTS, judgement
from harness import Grade, Item
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.errors import HarnessError, ItemError
from harness.outcomes import Table
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.testing import simulate

BOTH = ("zero-shot", "zero-shot brainstorm")


def grade(text: str, item: Item) -> Grade:
    return Grade(text, text == item.gold if text else None)


def items(start: int, stop: int) -> list[Item]:
    return [Item({"question": f"What is {i}?"}, "right", grade) for i in range(start, stop)]


def knowing(p_right: float, p_wrong: float, sampled: float = 0.6) -> Replies:
    """Samples " right" with probability `sampled`; says (A) with the given probabilities, 0.1 of mass elsewhere."""

    def replies(text: str) -> Mapping[str, float]:
        if not text.endswith("answer is: ("):
            return {" right": sampled, " wrong": 1 - sampled} if 0 < sampled < 1 else {" right" if sampled else "": 1.0}
        judged = text.rpartition(" Answer: ")[2].partition("\n")[0]
        p = p_right if judged == "right" else p_wrong
        return {"A": 0.9 * p, "B": 0.9 * (1 - p), "C": 0.1}

    return replies


def run(experiment: PTrue, replies: Replies, n: int = 40) -> tuple[Table, dict[tuple[str, str], Estimate]]:
    table, _ = simulate(experiment, items(0, n), replies, train=items(n, n + experiment.train_items()))
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=50)]
    return table, {(e.metric, e.level["arm"]): e for e in found}


def test_rows_columns_and_probabilities_are_exact() -> None:
    table, _ = run(PTrue(shots=4, judged=None), knowing(0.75, 0.25))
    factors = ("arm", "demonstrations", "ideas", "swapped")
    assert Counter(zip(*(table.columns[name] for name in factors), strict=True)) == dict.fromkeys(
        [
            ("zero-shot", "none", 0.0, 0.0),
            ("zero-shot swapped", "none", 0.0, 1.0),
            ("fixed", "fixed", 0.0, 0.0),
            ("few-shot", "own", 0.0, 0.0),
            ("few-shot shuffled", "shuffled", 0.0, 0.0),
            ("few-shot brainstorm", "own", 1.0, 0.0),
        ],
        200,
    )
    # The fake likes the letter A: with swapped letters it says False of what it says True of otherwise.
    table = table.where(table.columns["swapped"] == 0)
    right = table.columns["answer"] == "right"
    np.testing.assert_array_equal(table.columns["correct"], right.astype(float))
    np.testing.assert_allclose(table.columns["p"], np.where(right, 0.75, 0.25), atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"], 0.9, atol=1e-12)


def test_metrics_follow_from_the_known_distribution() -> None:
    table, found = run(PTrue(arms=["zero-shot"], judged=None), knowing(0.75, 0.25))
    share = float((table.columns["answer"] == "right").mean())
    value = {metric: e.value for (metric, _), e in found.items()}
    assert 0.5 < share < 0.7
    # One bin of equal count holds a share f of wrong answers beside right ones, whose gaps of +-0.25 cancel.
    f = (200 - round(200 * share)) / 20 % 1
    # Right answers are said with 0.75 and are always right; wrong ones with 0.25 and never are.
    assert value == pytest.approx(
        {
            "accuracy": share,
            "accuracy_answered": share,
            "accuracy_upper": share,
            "answered": 1.0,
            "auroc": 1.0,
            "auroc_answered": 1.0,
            "auroc_same_kind": 1.0,
            "lengths_auroc": value["lengths_auroc"],  # "right" and "wrong" have five letters, "What is 7?" one less
            "ece_equal_width_answered": 0.25,
            "overconfidence_answered": 0.75 * share + 0.25 * (1 - share) - share,
            "brier_answered": 0.0625,
            "brier_skill_answered": 1 - 0.0625 / (share * (1 - share)),
            "ece_equal_count": 0.25 * (0.9 + 0.1 * abs(1 - 2 * f)),
            "ece_equal_width": 0.25,
            "overconfidence": 0.75 * share + 0.25 * (1 - share) - share,
            "nll": -math.log(0.75),
            "temperature": None,
            # The best temperature is 0 and the least one 0.05: odds of 3 become odds of 3^20.
            "ece_after_temperature": 3.0**-20,
            "nll_after_temperature": 3.0**-20,
            "brier": 0.0625,
            "brier_skill": 1 - 0.0625 / (share * (1 - share)),
            "calibration_slope": None,
            "brier_reliability": 0.0625,
            "brier_resolution": share * (1 - share),
            "brier_uncertainty": share * (1 - share),
            "aurc": value["aurc"],
            "selective_accuracy": 1.0,
            "coverage": share,
            "option_mass": 0.9,
        },
        abs=1e-12,
    )
    assert {e.n for e in found.values()} == {200}
    assert {e.n_groups for e in found.values()} == {40}


def test_a_subject_that_knows_nothing_ranks_at_chance() -> None:
    _, found = run(PTrue(arms=["zero-shot"], judged=None), knowing(0.5, 0.5))
    assert found["auroc", "zero-shot"].value == 0.5
    assert found["brier", "zero-shot"].value == pytest.approx(0.25)
    assert found["coverage", "zero-shot"].value == 0.0
    assert found["selective_accuracy", "zero-shot"].value is None  # nothing was said to be true: no zero


def test_answers_that_cannot_be_graded_are_wrong_and_judged_as_the_others() -> None:
    table, found = run(PTrue(arms=["zero-shot"], judged=None), knowing(0.5, 0.5, sampled=0))
    np.testing.assert_array_equal(table.columns["correct"], 0.0)
    assert set(table.columns["fate"]) == {"empty"}
    np.testing.assert_array_equal(table.columns["p"], 0.5)
    assert (found["accuracy", "zero-shot"].value, found["accuracy_upper", "zero-shot"].value) == (0.0, 1.0)
    assert ("accuracy_answered", "zero-shot") not in found
    assert found["accuracy", "zero-shot"].n == 200


def test_the_zero_shot_prompt_is_the_papers() -> None:
    _, finished = simulate(PTrue(arms=["zero-shot"], draws=1), items(0, 1), knowing(1, 0))
    sampled, judged = finished[0].transcript
    assert sampled.prompt == "<user> Question: What is 0?\n<assistant> Answer:"
    answer = sampled.reply.strip()
    assert judged.prompt == (
        f"<user> Question: What is 0?\nProposed Answer: {answer}\n"
        "Is the proposed answer:\n (A) True\n (B) False\n<assistant> The proposed answer is: ("
    )


def test_brainstormed_ideas_are_listed_with_the_judged_one_among_them() -> None:
    asked = judgement(TEXTS, "What is 0?", "b", ["a", "b", "c"])
    assert asked.text == (
        "Question: What is 0?\nHere are some brainstormed ideas: a\nb\nc\nPossible Answer: b\n"
        "Is the possible answer:\n (A) True\n (B) False"
    )
    assert asked.lead == "The possible answer is:"


def test_few_shot_blocks_come_from_training_items_with_their_true_labels() -> None:
    _, finished = simulate(PTrue(arms=["few-shot"], shots=6, draws=3), items(0, 2), knowing(1, 0), train=items(2, 8))
    prompt = next(e.prompt for e in finished[0].transcript if e.prompt.count("Proposed Answer") == 7)
    blocks = prompt.split("<user> Question: ")[1:-1]
    assert sorted(b.partition("?")[0] for b in blocks) == [f"What is {i}" for i in range(2, 8)]
    for block in blocks:
        answer = block.partition("Proposed Answer: ")[2].partition("\n")[0]
        assert block.rstrip().endswith("is: (A)" if answer == "right" else "is: (B)")


def test_the_seed_draws_the_examples_from_three_times_as_many() -> None:
    experiment = PTrue(arms=["few-shot"], shots=6, draws=1)
    shown = []
    for seed in (0, 0, 1, 2):
        _, finished = simulate(experiment, items(0, 2), knowing(1, 0), train=items(2, 20), seed=seed)
        prompts = [e.prompt for e in finished[1].transcript if e.prompt.count("Proposed Answer") == 7]
        shown.append([int(i) for i in re.findall(r"What is (\d+)\?", prompts[0])[:-1]])
    assert experiment.train_items() == 18
    assert shown[0] == shown[1]
    assert len({tuple(sorted(some)) for some in shown}) == 3
    assert all(len(set(some)) == 6 and set(some) <= set(range(2, 20)) for some in shown)


def test_shuffled_labels_are_the_same_ones_in_another_order() -> None:
    """They tell how often the model is right, and of no answer whether it is."""
    labels = []
    for arm in ("few-shot", "few-shot shuffled"):
        experiment = PTrue(arms=[arm], shots=40, draws=1)
        _, finished = simulate(experiment, items(0, 1), knowing(1, 0), train=items(1, 41))
        (asked,) = (e.prompt for e in finished[0].transcript if "Proposed Answer" in e.prompt)
        labels.append(re.findall(r"Proposed Answer: (\w+)[^>]*> The proposed answer is: \((.)\)", asked))
    assert len(labels[0]) == 40
    assert [answer for answer, _ in labels[0]] == [answer for answer, _ in labels[1]]
    assert {(answer, letter) for answer, letter in labels[0]} == {("right", "A"), ("wrong", "B")}
    assert len(set(labels[1])) == 4
    assert Counter(letter for _, letter in labels[0]) == Counter(letter for _, letter in labels[1])


def test_swapped_letters_take_the_side_of_what_a_letter_means() -> None:
    def swapping(text: str) -> Mapping[str, float]:
        """Knows which answers are right, whatever letter says so."""
        if not text.endswith("answer is: ("):
            return {" right": 0.5, " wrong": 0.5}
        true, false = ("A", "B") if "(A) True" in text else ("B", "A")
        p = 0.8 if "Answer: right" in text else 0.1
        return {true: p, false: 1 - p}

    for replies, equal in ((swapping, True), (knowing(0.9, 0.9, 0.5), False)):
        table, _ = run(PTrue(arms=["zero-shot", "zero-shot swapped"], judged=None), replies, n=5)
        plain, swapped = (table.where(table.columns["swapped"] == k) for k in (0, 1))
        expected = plain.columns["p"] if equal else 1 - plain.columns["p"]
        np.testing.assert_allclose(swapped.columns["p"], expected, atol=1e-12)


def test_the_place_of_the_judged_answer_among_the_ideas_goes_round() -> None:
    def numbered(text: str) -> Mapping[str, float]:
        return {"A": 1.0} if text.endswith("answer is: (") else {f" idea {i}": 0.125 for i in range(8)}

    _, finished = simulate(PTrue(arms=["zero-shot brainstorm"], draws=3), items(0, 40), numbered)
    places = []
    for one in finished:
        asked = one.transcript[-1].prompt
        ideas = asked.partition("ideas: ")[2].partition("\nPossible")[0].split("\n")
        places.append(ideas.index(asked.partition("Possible Answer: ")[2].partition("\n")[0]))
    assert set(places) == {0, 1, 2}


def test_fixed_demonstrations_stand_before_the_question_with_ideas_where_it_has_ideas() -> None:
    _, finished = simulate(PTrue(arms=["fixed", "fixed brainstorm"], judged=1), items(0, 1), knowing(1, 0))
    plain, ideas = (e.prompt for e in finished[0].transcript[5:])
    assert plain.count("Proposed Answer: ") == ideas.count("Possible Answer: ") == 7
    assert plain.count("brainstormed") == 0
    assert ideas.count("brainstormed") == 7
    for prompt in (plain, ideas):
        said = [line[-3:] for line in prompt.split("\n") if line.startswith("<assistant>")]
        assert said == ["(A)", "(B)", "(B)", "(A)", "(B)", "(A)", ": ("]


def test_the_first_draws_are_judged_as_many_as_are_asked_for_and_all_are_shown_as_ideas() -> None:
    both, one = (run(PTrue(arms=BOTH, judged=judged), knowing(0.75, 0.25), n=5)[0] for judged in (2, 1))
    assert len(both) == 2 * len(one) == 20
    assert set(one.columns["draw"]) == {0}
    np.testing.assert_array_equal(both.columns["answer"][both.columns["draw"] == 0], one.columns["answer"])


def test_a_temperature_mends_p_true_and_changes_no_decision_and_no_ranking() -> None:
    # Right answers are said to be true with 0.9 and wrong ones with 0.8, of 0.6 that are right.
    table, found = run(PTrue(arms=["zero-shot"], judged=None), knowing(0.9, 0.8), n=100)
    p, correct = (table.columns[name] for name in ("p", "correct"))
    t = found["temperature", "zero-shot"].value
    before, after = (found[name, "zero-shot"].value for name in ("nll", "nll_after_temperature"))
    assert t is not None
    assert before is not None
    assert after is not None
    scaled = 1 / (1 + (1 / p - 1) ** (1 / t))
    # Where the derivative of the loss by 1/T vanishes: sum of (scaled - correct) log-odds.
    assert np.sum((scaled - correct) * np.log(p / (1 - p))) == pytest.approx(0, abs=1e-6 * len(p))
    assert t > 1
    assert after < before
    np.testing.assert_array_equal(np.argsort(p, kind="stable"), np.argsort(scaled, kind="stable"))
    np.testing.assert_array_equal(p > 0.5, scaled > 0.5)


@pytest.mark.parametrize("setting", ["judged=0", "draws=0", "shots=0", "shots=-1"])
def test_settings_out_of_range_are_refused(setting: str) -> None:
    with pytest.raises(HarnessError, match=rf"experiment\.{setting.partition('=')[0]}"):
        load_job(["experiment=pTrue", f"experiment.{setting}", "engine=fake", "tracker=none"])


def test_no_reference_answer_enters_a_prompt() -> None:
    hidden = [Item({"question": f"What is {i}?"}, f"gold{i}", grade) for i in range(8)]
    _, finished = simulate(PTrue(shots=4, arms=list(PTrue.all_arms)), hidden[:4], knowing(1, 0), train=hidden[4:])
    assert not any("gold" in e.prompt for f in finished for e in f.transcript)


def test_an_arm_whose_prompt_does_not_fit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Renderer.check_length

    def short(self: Renderer, prompt: Rendered, new_tokens: int) -> None:
        if prompt.text.count("Proposed Answer") > 4:
            raise ItemError("the prompt does not fit")
        check(self, prompt, new_tokens)

    monkeypatch.setattr(Renderer, "check_length", short)
    table, found = run(PTrue(shots=2), knowing(0.75, 0.25), n=5)
    failed = table.columns["error"] == "the prompt does not fit"
    assert Counter(table.columns["arm"][failed]) == {"fixed": 5}
    assert np.isnan(table.columns["p"][failed]).all()
    assert found["accuracy", "fixed"].n == 0
    assert found["accuracy", "few-shot"].n == found["accuracy", "zero-shot"].n == 5


def test_the_words_of_the_question_are_settings() -> None:
    experiment = PTrue(arms=["zero-shot"], draws=1, wording={"judgement": "$answer to $question: (A) or (B)?"})
    _, finished = simulate(experiment, items(0, 1), knowing(1, 0))
    assert re.match(r"<user> \w+ to What is 0\?: \(A\) or \(B\)\?\n", finished[0].transcript[1].prompt)


def test_training_answers_that_cannot_be_graded_are_demonstrations_of_wrong_ones() -> None:
    _, found = run(PTrue(shots=3, arms=["few-shot"]), knowing(0.5, 0.5, sampled=0))
    assert found["option_mass", "few-shot"].value == pytest.approx(0.9)
