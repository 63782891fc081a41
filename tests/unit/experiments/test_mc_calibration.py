"""Multiple choice on subjects whose probabilities of the letters are known."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from experiments.calibration.mc_calibration.mc_calibration import McCalibration
from experiments.calibration.mc_calibration.multiple_choice import Question, mixed
from harness import Item
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.errors import HarnessError, ItemError
from harness.execution.checks import prepare_items
from harness.outcomes import Table
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.choices import LETTERS, multiple_choice
from harness.testing import simulate
from tests.support.subjects import Picked, SimulatedSubject, Traits

EVERY = [name for name, arm in McCalibration.all_arms.items() if getattr(arm, "thought", "") != "own"]
MASS = 0.9


def items(start: int, stop: int) -> list[Item]:
    """The right option is that of the smallest number, in the second place of every item."""
    return [
        multiple_choice(f"What is {i}?", [f"t2 of {i}", f"t1 of {i}", f"t3 of {i}", f"t4 of {i}"], 1, "here")
        for i in range(start, stop)
    ]


def shown(prompt: str) -> list[str]:
    """The options of the last question of a prompt, in the order shown."""
    return re.findall(r"^ \([A-Z]\) (.*)$", prompt.rpartition("Question: ")[2], re.MULTILINE)


def saying(p_of: Callable[[str, int], float], judged: float = 0.5) -> Replies:
    """Letters with the weight that their option's text and place have; (A) to a proposal with `judged`."""

    def replies(prompt: str) -> Mapping[str, float]:
        options = shown(prompt)
        weights = [judged, 1 - judged] if options == ["True", "False"] else [p_of(o, i) for i, o in enumerate(options)]
        letters = {LETTERS[i]: MASS * weight / sum(weights) for i, weight in enumerate(weights) if weight}
        return {**letters, "x": 1 - MASS}

    return replies


def by_text(option: str, place: int) -> float:
    return {"t1": 0.6, "t2": 0.2, "t3": 0.15}.get(option[:2], 0.05)


def by_place(option: str, place: int) -> float:
    return [0.7, 0.1, 0.1, 0.1][place]


def run(experiment: McCalibration, replies: Replies, n: int = 40) -> tuple[Table, dict[tuple[str, ...], Estimate]]:
    table, finished = simulate(experiment, items(0, n), replies, train=items(n, n + experiment.train_items()))
    assert not any(f.result.errors for f in finished)
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=20)]
    return table, {(e.metric, *e.level.values()): e for e in found}


def rows(table: Table, **where: str | int) -> Table:
    return table.where(np.all([table.columns[name] == value for name, value in where.items()], axis=0))


def values(found: Mapping[tuple[str, ...], Estimate], arm: str, names: Sequence[str]) -> dict[str, float | None]:
    return {name: found[name, arm].value for name in names}


def test_every_arm_has_a_row_an_option_whose_probabilities_sum_to_one() -> None:
    table, _ = run(McCalibration(arms=EVERY, shots=2, tuning=2), saying(by_text), n=6)
    assert Counter(table.columns["arm"]) == dict.fromkeys(EVERY, 24)
    for arm in EVERY:
        one = rows(table, arm=arm)
        for column in ("p", "p_scaled"):
            sums = Counter[tuple[str, str]]()
            for item, proposed, p in zip(
                one.columns["item"], one.columns["proposed"], one.columns[column], strict=True
            ):
                sums[item, proposed] += p
            np.testing.assert_allclose(list(sums.values()), 1, atol=1e-12)
    np.testing.assert_allclose(table.columns["mass"], MASS, atol=1e-12)


def test_metrics_follow_from_the_known_distribution() -> None:
    _, found = run(McCalibration(arms=["zero-shot"], tuning=0), saying(by_text))
    # Always right with 0.6, and 0.2, 0.15 and 0.05 on wrong options.
    wanted = {
        "accuracy": 1.0,
        "ece_equal_width": 0.4,
        "ece_adaptive": 0.4,
        "ece_equal_count": 0.4,
        "overconfidence": -0.4,
        "brier": 0.16,
        "nll": -math.log(0.6),
        # Ten bins of 16 rows; 40 rows each of 0.05, 0.15, 0.2, 0.6: 2.5 bins each.
        "rms_all_options": math.sqrt((2 * 0.05**2 + 0.1**2 + 2 * 0.15**2 + 2 * 0.2**2 + 0.1**2 + 2 * 0.4**2) / 10),
        "ece_all_options": (0.05 + 0.15 + 0.2 + 0.4) / 4,
        "brier_all_options": (0.05**2 + 0.15**2 + 0.2**2 + 0.4**2) / 4,
        "temperature": 1.0,
        "ece_after_temperature": 0.4,
        "nll_gain": 0.0,
        "option_mass": MASS,
    }
    assert values(found, "zero-shot", list(wanted)) == pytest.approx(wanted, abs=1e-9)
    assert found["auroc", "zero-shot"].value is None
    assert {e.n for (name, *_), e in found.items() if name in {"accuracy", "brier", "auroc", "nll", "option_mass"}} == {
        40
    }
    assert {e.n_failed for e in found.values()} == {0}


def test_perfect_predictions_have_no_calibration_error() -> None:
    _, found = run(McCalibration(arms=["zero-shot"], tuning=4), saying(lambda option, place: option.startswith("t1")))
    names = ["ece_equal_width", "ece_equal_count", "rms_all_options", "brier", "nll", "ece_after_temperature"]
    assert values(found, "zero-shot", names) == pytest.approx(dict.fromkeys(names, 0.0), abs=1e-9)


def test_a_subject_that_looks_at_the_text_alone_picks_the_same_option_in_any_order() -> None:
    subject = saying(lambda option, place: 0.5 if option.startswith("t3") else 0.1)
    for seed in range(3):
        table, _ = simulate(McCalibration(arms=["zero-shot"], tuning=0), items(0, 12), subject, seed=seed)
        assert {option[:2] for option in rows(table, picked=1).columns["option"]} == {"t3"}
        assert len(set(rows(table, picked=1).columns["letter"])) > 1


def test_a_subject_that_repeats_a_letter_is_found_out_and_rotations_take_the_letter_off() -> None:
    table, found = run(McCalibration(arms=["zero-shot", "zero-shot cyclic"], tuning=0), saying(by_place), n=60)
    assert [found["letter_picked", "zero-shot", letter].value for letter in "ABCD"] == [1, 0, 0, 0]
    excess = [found["letter_excess", "zero-shot", letter].value for letter in "ABCD"]
    assert excess == pytest.approx([0.45, -0.15, -0.15, -0.15])
    share = found["letter_right", "zero-shot", "A"].value
    assert share is not None
    assert abs(share - 0.25) < 4 * math.sqrt(3 / 16 / 60)
    assert found["accuracy", "zero-shot"].value == share
    cyclic = rows(table, arm="zero-shot cyclic")
    np.testing.assert_allclose(cyclic.columns["p"], 0.25, atol=1e-12)
    assert [found["letter_excess", "zero-shot cyclic", letter].value for letter in "ABCD"] == pytest.approx([0] * 4)
    assert found["auroc", "zero-shot"].value == pytest.approx(0.5)


def test_none_of_the_above_is_right_where_the_overwritten_option_was() -> None:
    table, _ = run(McCalibration(arms=["zero-shot", "zero-shot nota"], tuning=0), saying(by_text), n=40)
    plain, nota = (rows(table, arm=arm, right=1) for arm in ("zero-shot", "zero-shot nota"))
    np.testing.assert_array_equal(plain.columns["letter"], nota.columns["letter"])
    last = nota.columns["letter"] == "D"
    assert 0 < last.sum() < 40
    assert set(nota.columns["option"][last]) == {"none of the above"}
    assert {option[:2] for option in nota.columns["option"][~last]} == {"t1"}
    # The text of the right option is gone where it was overwritten: "none" has the weight of the rest, 0.05.
    assert (nota.columns["picked"] == ~last).all()


def test_true_and_false_are_balanced_and_a_constant_half_scores_a_quarter() -> None:
    table, found = run(McCalibration(arms=["zero-shot true-false"], tuning=0), saying(by_text, judged=0.5), n=20)
    true = rows(table, letter="A")
    assert Counter(zip(true.columns["right"], [p[:2] == "t1" for p in true.columns["proposed"]], strict=True)) == {
        (1.0, True): 20,
        (0.0, False): 20,
    }
    assert found["p_true_brier", "zero-shot true-false"].value == pytest.approx(0.25)
    assert found["p_true_auroc", "zero-shot true-false"].value == pytest.approx(0.5)
    assert found["p_true_ece_equal_count", "zero-shot true-false"].value == pytest.approx(0, abs=1e-12)
    assert found["accuracy", "zero-shot true-false"].value == 0.5


def test_one_temperature_fitted_on_training_items_mends_a_subject_that_is_too_sure() -> None:
    def pairs(start: int) -> list[Item]:
        return [
            multiple_choice(f"What is {i}?", ["likely", "unlikely"], int(i % 10 > 5), "here")
            for i in range(start, start + 20)
        ]

    # It says "likely" with 0.9, which is right in 6 of 10: log-odds ln 9 over ln 1.5, and 0.6 is what it should say.
    subject = saying(lambda option, place: 0.9 if option == "likely" else 0.1)
    experiment = McCalibration(arms=["zero-shot"], tuning=20)
    table, _ = simulate(experiment, pairs(0), subject, train=pairs(20))
    found = {e.metric: e.value for m in experiment.metrics if "arm" in m.by for e in estimate(m, table, replicates=2)}
    assert found["temperature"] == pytest.approx(math.log(9) / math.log(1.5))
    wanted = {"ece_equal_width": 0.3, "overconfidence": 0.3, "ece_after_temperature": 0.0}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)
    entropy = -0.6 * math.log(0.6) - 0.4 * math.log(0.4)
    assert found["nll_after_temperature"] == pytest.approx(entropy)
    assert found["nll"] == pytest.approx(entropy + (found["nll_gain"] or 0))
    np.testing.assert_array_equal(table.columns["p"] > 0.5, table.columns["p_scaled"] > 0.5)


def test_a_simulated_subjects_ability_and_letter_bias_are_read_off() -> None:
    def reader(prompt: str) -> Picked:
        options = shown(prompt)
        right = next(i for i, option in enumerate(options) if option.startswith("t1"))
        return Picked(prompt.rpartition("Question: ")[2].partition("\n")[0], LETTERS[: len(options)], right)

    fair, biased = (SimulatedSubject(Traits(letter_bias=bias), reader) for bias in ((), (1.0,)))
    table, _ = run(McCalibration(arms=["zero-shot"], tuning=0), fair)
    right = rows(table, right=1)
    truth = {item.id: fair.p_right(item.fields["stem"]) for item in items(0, 40)}
    np.testing.assert_allclose(right.columns["p"], [truth[i] for i in right.columns["item"]], atol=1e-9)
    _, found = run(McCalibration(arms=["zero-shot", "zero-shot cyclic"], tuning=0), biased)
    once, cyclic = (found["letter_excess", arm, "A"].value for arm in ("zero-shot", "zero-shot cyclic"))
    fair_excess = rows(table, letter="A").columns["excess"].mean()
    assert once is not None
    assert cyclic is not None
    assert once - fair_excess > 0.08
    assert abs(cyclic - fair_excess) < 0.03


def test_the_zero_shot_prompt_is_the_papers() -> None:
    _, finished = simulate(McCalibration(arms=["zero-shot"], tuning=0, shuffle=False), items(0, 1), saying(by_text))
    (asked,) = finished[0].transcript
    assert asked.prompt == (
        "<user> Question: What is 0?\nChoices:\n (A) t2 of 0\n (B) t1 of 0\n (C) t3 of 0\n (D) t4 of 0\n"
        "<assistant> Answer: ("
    )


def test_examples_are_training_items_with_their_right_letters_and_no_answer_of_the_item_itself_is_told() -> None:
    experiment = McCalibration(arms=["few-shot", "few-shot nota", "few-shot true-false"], shots=4, tuning=3)
    _, finished = simulate(experiment, items(0, 3), saying(by_text), train=items(3, 10))
    for one in finished:
        told = []
        for asked in one.transcript:
            *blocks, last = asked.prompt.split("<user> Question: ")[1:]
            assert [b.partition("?")[0] for b in blocks] == [f"What is {i}" for i in range(3, 7)]
            assert last.startswith(one.item.fields["stem"])
            assert last.endswith(": (")
            for block in blocks:
                letter = re.findall(r"<assistant> .*\((.)\)\n$", block)[0]
                if "Proposed" in block:
                    told.append(letter)
                    assert (letter == "A") == ("Proposed Answer: t1" in block)
                else:
                    right = dict(re.findall(r"^ \((.)\) (.*)$", block, re.MULTILINE))[letter]
                    assert right.startswith("t1") or right == "none of the above"
        assert Counter(told) == {"A": 4, "B": 4}


def letters_of(prompt: str) -> dict[str, str]:
    """The letter told for each example, by the text of its question."""
    blocks = prompt.split("<user> Question: ")[1:-1]
    return {block.partition("?")[0]: re.findall(r"<assistant> .*\((.)\)\n$", block)[0] for block in blocks}


def test_shuffled_letters_are_those_of_the_examples_in_another_order() -> None:
    """They tell the form and how often each letter is right, and of no question which is."""
    experiment = McCalibration(arms=["few-shot", "few-shot shuffled"], shots=40, tuning=0)
    _, finished = simulate(experiment, items(0, 1), saying(by_text), train=items(1, 41))
    prompts = [e.prompt for e in finished[0].transcript]
    own, shuffled = map(letters_of, prompts)
    assert list(own) == list(shuffled)
    assert Counter(own.values()) == Counter(shuffled.values())
    same = sum(own[question] == shuffled[question] for question in own)
    assert 0 < same < 20  # a quarter by chance
    # The questions, their options and the item's own are the same.
    blank = [re.sub(r"Answer: \(.\)", "", prompt) for prompt in prompts]
    assert blank[0] == blank[1]


def test_a_subject_that_learns_from_right_letters_is_told_from_one_that_likes_any_examples() -> None:
    def right(prompt: str) -> float:
        told = re.findall(r"\((.)\) t1 .*\n(?: \(.\).*\n)*<assistant> Answer: \((.)\)", prompt)
        return sum(a == b for a, b in told) / len(told) if told else 0.0

    def learning(prompt: str) -> Mapping[str, float]:
        sure = 0.25 + 0.75 * right(prompt)
        return {LETTERS[i]: sure if o.startswith("t1") else (1 - sure) / 3 for i, o in enumerate(shown(prompt))}

    def any_will_do(prompt: str) -> Mapping[str, float]:
        sure = 0.9 if prompt.count("Choices:") > 1 else 0.25
        return {LETTERS[i]: sure if o.startswith("t1") else (1 - sure) / 3 for i, o in enumerate(shown(prompt))}

    experiment = McCalibration(arms=["zero-shot", "few-shot", "few-shot shuffled"], shots=20, tuning=0)
    brier: dict[str, list[float]] = {}
    for name, replies in {"learning": learning, "any": any_will_do}.items():
        _, found = run(experiment, replies, n=5)
        brier[name] = [found["brier_all_options", arm].value or 0.0 for arm in experiment.arms]
    assert brier["learning"][1] == pytest.approx(0)
    assert brier["learning"][1] < brier["learning"][2] < brier["learning"][0]
    assert brier["any"][1] == brier["any"][2] < brier["any"][0]


def test_letters_are_shuffled_among_questions_with_as_many_options() -> None:
    told = [Question(str(i), "Answer:", ("x",) * k, i % k) for i, k in enumerate([2, 4, 2, 4, 4, 3])]
    again = mixed(told, random.Random(1))
    assert all(one.right < len(one.options) for one in again)
    for k in (2, 3, 4):
        assert Counter(o.right for o in again if len(o.options) == k) == Counter(
            o.right for o in told if len(o.options) == k
        )


def test_the_shuffled_control_has_no_part_in_the_temperature() -> None:
    def misled(prompt: str) -> Mapping[str, float]:
        return by_share(0.95 if prompt.count("Choices:") > 1 else 0.6)

    def by_share(first: float) -> Mapping[str, float]:
        return {letter: first if letter == "A" else (1 - first) / 3 for letter in "ABCD"}

    found = set()
    for arms in (["zero-shot"], ["zero-shot", "few-shot shuffled"]):
        train = items(10, 13)[: 3 * (len(arms) - 1)] + items(2, 10)
        table, _ = simulate(McCalibration(arms=arms, shots=3, tuning=8), items(0, 2), misled, train=train)
        found |= set(rows(table, arm="zero-shot").columns["temperature"])
    assert len(found) == 1
    assert found != {1.0}


def test_an_arm_whose_prompt_does_not_fit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Renderer.check_length

    def short(self: Renderer, prompt: Rendered, new_tokens: int) -> None:
        if prompt.text.count("Choices:") > 2:
            raise ItemError("the prompt does not fit")
        check(self, prompt, new_tokens)

    monkeypatch.setattr(Renderer, "check_length", short)
    experiment = McCalibration(arms=["zero-shot", "few-shot", "few-shot true-false"], shots=2, tuning=0)
    table, finished = simulate(experiment, items(0, 3), saying(by_text), train=items(3, 5))
    assert [f.result.errors for f in finished] == [("arm few-shot: the prompt does not fit",)] * 3
    failed = table.where(table.columns["error"] == "the prompt does not fit")
    assert set(zip(*(failed.columns[name] for name in ("arm", "form", "examples")), strict=True)) == {
        ("few-shot", "lettered", "own")
    }
    assert len(rows(table, arm="zero-shot")) == len(rows(table, arm="few-shot true-false")) == 12


def test_the_words_are_settings() -> None:
    words = {"nota": "something else", "question": "Q: $question"}
    experiment = McCalibration(arms=["zero-shot nota"], tuning=0, wording=words)
    table, finished = simulate(experiment, items(0, 1), saying(by_text))
    assert finished[0].transcript[0].prompt.startswith("<user> Q: What is 0?\nChoices:\n")
    assert table.columns["option"].tolist()[-1] == "something else"


def test_a_task_without_options_is_refused_in_one_line() -> None:
    job = load_job(["experiment=mcCalibration", "task=facts", "engine=fake", "tracker=none"])
    with pytest.raises(HarnessError, match=r"'mcCalibration' reads the item field 'stem', which task 'facts' does not"):
        prepare_items(job)


@pytest.mark.parametrize("setting", ["arms=[]", "shots=0", "tuning=-1"])
def test_settings_out_of_range_are_refused(setting: str) -> None:
    with pytest.raises(HarnessError, match=rf"experiment\.{setting.partition('=')[0]}"):
        load_job(["experiment=mcCalibration", f"experiment.{setting}", "engine=fake", "tracker=none"])
