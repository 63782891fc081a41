"""Verdicts read in two ways, and the critique experiment on judges and correctors that are known."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.correction.critique.certainty import certainty_correlation
from experiments.correction.critique.critique import Critique
from experiments.correction.critique.rows import Critiqued
from experiments.correction.critique.verdicts import marked_wrong, released_label, released_wrong
from experiments.shared.twin_solutions import TwinSolutions
from harness import HarnessError, Item
from harness.config import load_job
from harness.metrics import Labels, Ordered
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.graders import number
from harness.testing import Simulated, fake_subject, simulate
from tests.unit.tasks.test_tom_real import REAL

PROMPTS = REAL / "criticbench_prompts"
INSTRUCTION = (
    "Finally, conclude with either '[[correct]]' if the above answer is correct or '[[wrong]]' if it is incorrect."
)
ANSWER = re.compile(r"Answer: (.*?)\n(?:Review|Verdict|Improve)", re.DOTALL)
WRONG, RIGHT = "[[wrong]]", "[[correct]]"


@pytest.mark.parametrize(
    ("text", "ours", "released"),
    [
        ("The sum is off. [[wrong]]", True, True),
        ("All steps hold. [[correct]]", False, False),
        ("[[CORRECT]]", False, False),
        ("First I thought [[correct]].\nBut no: [[wrong]]", True, True),
        ("First I thought [[wrong]].\nBut all steps hold: [[correct]]", False, True),
        (f"{INSTRUCTION}\nSo it is [[correct]]", False, True),
        (INSTRUCTION, None, True),
        ("[[correct/wrong]]", None, True),
        ("[[not correct]]", True, True),
        ("[[incorrect]]", True, True),
        ("Verdict: wrong", True, True),
        ("Verdict: correct or wrong", None, True),
        ("Verdict: [wrong]\n\nThe correct answer is: [correct]", True, True),
        ("Verdict: correct steps, but a wrong sum", None, True),
        ("Verdict: correct?", None, False),
        ("Verdict: [[correct]] or [[wrong]]", None, True),
        ("Verdict: [[correct]]/[[wrong]]", None, True),
        ("Verdict: \\[\\[wrong\\]\\]", True, True),
        ("Verdict: [[partially correct]]", None, False),
        ("Verdict: The answer is correct.", False, False),
        ("Verdict:\nThe answer above is incorrect.", True, True),
        ("Verdict: Your previous answer is wrong", True, True),
        ("Verdict: The answer 57 is not correct.", True, True),
        ("Verdict: The answer isn't correct.", True, False),
        ("Verdict: The steps are correct but the sum is wrong.", None, True),
        ("Verdict: The answer is correct in part", None, False),
        ("Verdict: [wro", None, None),
        ("correct", False, False),
        ("Wrong.", True, True),
        ("Nothing is wrong with it.", None, True),
        ("It seems correct to me.", None, False),
        ("I cannot tell.", None, None),
        ("", None, None),
    ],
)
def test_a_verdict_is_read_by_our_rule_and_by_the_released_one(
    text: str, ours: bool | None, released: bool | None
) -> None:
    assert marked_wrong(text) is ours
    assert released_wrong(text) is released


def test_the_words_that_begin_the_reply_are_read_with_it() -> None:
    for reply, expected in (("[Wrong]\nThe correct answer is 3.", True), ("correct", False), ("Wrong steps.", None)):
        rows = run(Model(judge=lambda answer, reply=reply: reply, lead=""), problems(1), arms=("critique",)).rows  # type: ignore[misc]
        assert {row["says_wrong"] for row in rows} == {expected}


def test_the_release_counts_an_unreadable_verdict_as_the_mistaken_one() -> None:
    assert [released_label("Hm.", wrong=wrong) for wrong in (True, False)] == [False, True]
    assert [released_label("[[wrong]]", wrong=wrong) for wrong in (True, False)] == [True, True]


def problems(n: int = 6) -> list[Item]:
    return TwinSolutions(size=n).load()


def one_sided(right: Sequence[bool]) -> list[Item]:
    """Items with one answer each, as CriticBench has them."""
    fields = [
        {"question": f"What is {n} + 0?", "responses": [{"text": f"It is {n if label else n + 1}.", "right": label}]}
        for n, label in enumerate(right)
    ]
    return [Item(one, str(n), number) for n, one in enumerate(fields)]


class Model:
    """Known replies: `judge` writes the critique of an answer, `correct` the answer after a critique ("" without)."""

    def __init__(
        self,
        judge: Callable[[str], str] = lambda answer: WRONG,
        correct: Callable[[str, str], str] = lambda answer, critique: answer,
        answer: Callable[[str], str | Mapping[str, float]] = lambda prompt: "The answer is 5.",
        lead: str = "Checked: ",
    ) -> None:
        # Without a lead, the verdict after "[[" would be the beginning of the critique.
        self.judge, self.correct, self.answer, self.lead = judge, correct, answer, lead

    def __call__(self, prompt: str) -> str | Mapping[str, float]:
        shown = ANSWER.findall(prompt)
        if prompt.endswith("[["):
            return {"wrong": 0.6, "correct": 0.2, "x": 0.2} if WRONG in self.judge(shown[-1]) else {"correct": 1.0}
        if "Review" in prompt:
            return f"{self.lead}{self.judge(shown[-1])}"
        if "Please reiterate" in prompt:
            (critique,) = re.findall(r"\nVerdict: (.*)\nBased on", prompt, re.DOTALL) or [""]
            return self.correct(shown[-1], critique)
        return self.answer(prompt)


def run(model: Model, items: Sequence[Item] | None = None, **settings: Any) -> Simulated:
    return simulate(Critique(**settings), items or problems(), model, train=TwinSolutions(size=4, seed=9).load())


def estimates(table: Table, name: str) -> dict[str, Estimate]:
    (metric,) = (m for m in Critique.metrics if m.name == name)
    return {str(e.level["arm"]): e for e in estimate(metric, table, replicates=20)}


def by_arm(simulated: Simulated) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in simulated.rows:
        assert row["error"] is None
        rows[row["arm"]].append(row)
    return rows


def test_a_constant_judge_gets_the_f1_of_the_share_of_wrong_answers() -> None:
    items = one_sided([False] * 6 + [True] * 4)
    table = run(Model(), items, arms=("critique", "always wrong", "gold verdict")).table
    for name in ("f1", "f1_released"):
        values = {arm: one.value for arm, one in estimates(table, name).items()}
        assert values == {"critique": pytest.approx(0.75), "always wrong": pytest.approx(0.75), "gold verdict": 1}
    assert estimates(table, "balanced_accuracy")["critique"].value == 0.5
    assert estimates(table, "auroc_wrong")["critique"].value == 0.5
    assert estimates(table, "wrong_rate")["critique"].value == pytest.approx(0.6)


def test_unreadable_verdicts_are_misses_as_released_and_apart_in_ours() -> None:
    table = run(Model(judge=lambda answer: "I cannot tell."), arms=("critique",)).table
    assert estimates(table, "f1_released")["critique"].value == 0
    assert estimates(table, "balanced_accuracy")["critique"].value == 0
    assert "critique" not in estimates(table, "balanced_accuracy_readable")
    ours = estimates(table, "f1")["critique"]
    assert (ours.value, ours.n, ours.n_failed) == (None, 0, 12)
    assert estimates(table, "verdict_accuracy")["critique"].value == 0
    assert estimates(table, "parse_failed_rate")["critique"].value == 1


def test_labels_of_twins_are_balanced_whatever_the_limit() -> None:
    for n in (1, 5):
        table = run(Model(), problems(n), arms=("critique", "coin", "empty")).table
        assert estimates(table, "wrong_rate")["critique"].value == 0.5
        assert {e.value for e in estimates(table, "accuracy_before").values()} == {0.5}


def mending(items: Sequence[Item]) -> Callable[[str, str], str]:
    """Gives the right answer after a verdict of wrong, and keeps the answer else."""
    right = {one["text"]: item.fields["responses"][0]["text"] for item in items for one in item.fields["responses"]}
    return lambda answer, critique: right.get(answer, answer) if WRONG in critique else answer


def test_a_corrector_that_obeys_gains_by_what_its_critique_knows() -> None:
    items = problems()
    wrong = {item.fields["responses"][1]["text"] for item in items}
    knows = Model(judge=lambda answer: WRONG if answer in wrong else RIGHT, correct=mending(items))
    rows = by_arm(run(knows, items))
    for arm in ("critique", "neutral", "gold verdict", "always wrong"):
        assert [row["after"] for row in rows[arm]] == [True] * 12
    assert [row["after"] for row in rows["empty"]] == [row["before"] for row in rows["empty"]]
    assert all(row["after"] is row["before"] or row["says_wrong"] for row in rows["coin"])
    assert 0 < sum(row["says_wrong"] for row in rows["coin"]) < 12
    table = run(knows, items).table
    assert estimates(table, "fix_rate")["critique"].value == 1
    assert estimates(table, "break_rate")["critique"].value == 0
    assert estimates(table, "auroc_wrong")["critique"].value == 1
    assert estimates(table, "option_mass")["critique"].value == pytest.approx((0.8 + 1) / 2)


def test_the_shuffled_critique_is_another_items_with_the_same_verdict() -> None:
    items = problems()
    train = {
        one["text"]: one["right"] for item in TwinSolutions(size=4, seed=9).load() for one in item.fields["responses"]
    }
    wrong = {item.fields["responses"][1]["text"] for item in items}
    seen: list[tuple[str, str]] = []

    def judge(answer: str) -> str:
        bad = answer in wrong or not train.get(answer, True)
        return f"About {answer.splitlines()[-1]} {WRONG if bad else RIGHT}"

    def correct(answer: str, critique: str) -> str:
        seen.append((answer, critique))
        return answer

    rows = by_arm(run(Model(judge=judge, correct=correct), items, arms=("critique", "shuffled")))
    assert all(row["same_verdict"] for row in rows["shuffled"])
    assert [row["says_wrong"] for row in rows["shuffled"]] == [row["wrong"] for row in rows["shuffled"]]
    own = {f"Checked: {judge(one['text'])}" for item in items for one in item.fields["responses"]}
    others = {f"Checked: {judge(text)}" for text in train}
    told = {critique for _, critique in seen}
    assert own <= told
    assert (told - own) <= others
    assert len(told - own) > 1
    assert rows["critique"][0]["same_verdict"] is None


def test_no_critique_leaves_no_trace_in_the_request() -> None:
    prompts = [
        exchange.prompt
        for finished in run(Model(), problems(1), arms=("empty",)).finished
        for exchange in finished.transcript
    ]
    assert len(prompts) == 2
    assert not [prompt for prompt in prompts if "erdict" in prompt or "problems you found" in prompt]


def drawn(right: float) -> Callable[[str], Mapping[str, float]]:
    """Sampled answers, the right one with a probability."""

    def answer(prompt: str) -> Mapping[str, float]:
        question = prompt.split("Question: ")[1].split("\n", maxsplit=1)[0]
        gold = next(item.gold for item in problems(24) if item.fields["question"] == question)
        return {f"The answer is {gold}.": right, "The answer is 1.": 1 - right}

    return answer


def judging_ones(answer: str) -> str:
    return WRONG if answer == "The answer is 1." else RIGHT


def test_self_check_is_a_vote_over_the_candidates_that_are_not_judged_wrong() -> None:
    rows = by_arm(run(Model(judge=judging_ones, answer=drawn(0.5)), problems(24), samples=4))
    for check, oracle, majority in zip(rows["self-check"], rows["self-check oracle"], rows["majority"], strict=True):
        assert check["after"] is oracle["after"] is (check["kept"] > 0)
        assert check["kept"] == oracle["kept"]
        assert check["before"] is majority["before"] is majority["after"]
        assert [one["calls"] for one in (majority, check, oracle)] == [4, 8, 4]
    assert {row["kept"] for row in rows["self-check"]} >= {0.25, 0.5, 0.75}
    assert sum(row["after"] for row in rows["self-check"]) > sum(row["after"] for row in rows["majority"])


def test_a_self_check_that_drops_everything_or_nothing_is_the_majority() -> None:
    for said in (WRONG, RIGHT, "I cannot tell."):
        rows = by_arm(run(Model(judge=lambda answer, said=said: said, answer=drawn(0.5)), problems(12)))  # type: ignore[misc]
        assert [row["after"] for row in rows["self-check"]] == [row["after"] for row in rows["majority"]]


def test_votes_at_equal_calls_take_as_many_calls() -> None:
    rows = by_arm(run(Model(answer=drawn(0.5)), problems(3)))
    for check, vote in zip(rows["self-check"], rows["vote equal calls"], strict=True):
        assert check["calls"] == vote["calls"] == 6
    for own, vote in zip(rows["own"], rows["vote equal calls own"], strict=True):
        assert own["calls"] == vote["calls"] == 3
    assert [row["calls"] for row in rows["critique"]] == [2] * 6
    assert [row["calls"] for row in rows["gold verdict"]] == [1] * 6


def test_certainty_is_the_share_that_agrees_and_cannot_be_read_off_the_labels() -> None:
    rows = by_arm(run(Model(judge=judging_ones, answer=drawn(0.5)), problems(24), samples=4, arms=("own drawn",)))
    assert {row["certainty"] for row in rows["own drawn"]} <= {0.5, 0.75, 1.0}
    # A judge that always says correct is right where answers are right: among those that all agree, all are.
    certainty = Ordered(np.array([1.0] * 4 + [0.5] * 4))
    wrong = np.array([0, 0, 0, 1, 0, 0, 1, 1.0])
    w = np.ones((1, 8))
    plain = np.corrcoef(certainty.values, 1 - wrong)[0, 1]
    assert plain > 0.2
    assert certainty_correlation(certainty, Labels(1 - wrong), Labels(wrong), w=w)[0] == pytest.approx(0, abs=1e-12)
    # One whose verdicts are right where answers agree, on right and on wrong ones, is found out.
    verdicts = Labels(np.array([1, 1, 1, 1, 0, 0, 0, 0.0]))
    assert certainty_correlation(certainty, verdicts, Labels(wrong), w=w)[0] == pytest.approx(1)
    # Degrees with one label only say nothing.
    assert np.isnan(certainty_correlation(certainty, verdicts, Labels(np.repeat([0.0, 1.0], 4)), w=w)[0])


def test_an_answer_that_is_cut_or_empty_is_judged_and_never_stops_a_run() -> None:
    for reply in ("", "I think that " * 200):
        rows = by_arm(run(Model(answer=lambda prompt, reply=reply: reply), problems(2)))  # type: ignore[misc]
        assert {row["wrong"] for row in rows["own"]} == {True}
        assert {row["fate_before"] for row in rows["own"]} <= {"empty", "cut"}


@pytest.mark.skipif(not PROMPTS.is_dir(), reason="HARNESS_TEST_DATA names no folder with criticbench_prompts")
def test_the_released_examples_are_shown_letter_for_letter() -> None:
    response = {"text": "It is {solution}. The answer is 4.", "right": False}
    fields = {"question": "What is {question} + 3?", "responses": [response], "source": "GSM8K"}
    items = [Item(fields, "3", number)]

    def reply(prompt: str) -> str:
        verdict = "The sum is 3.\nSo the verdict is: [[wrong]]"
        return f"{verdict}\n\n---\n\nQuestion: Next?" if prompt.endswith("Verdict:") else "It is 3. [[3]]."

    experiment = Critique(arms=("few-shot",), prompts=PROMPTS)
    subject = fake_subject(reply)
    with pytest.raises(HarnessError, match=r"model\.style=plain"):
        asyncio.run(experiment.protocol(items[0], subject.for_item("a"), ()))
    plain = Renderer(subject.engine.tokenizer, "plain", subject.engine.context)
    there = replace(subject, renderer=plain).for_item("b")
    (row,) = asyncio.run(experiment.protocol(items[0], there, ()))
    assert isinstance(row, Critiqued)
    assert (row.says_wrong, row.wrong, row.after, row.p_wrong) == (True, True, True, None)
    asked, corrected = [exchange.prompt for exchange in there.transcript]
    assert asked.startswith("Review the above answer and determine")
    assert asked.endswith("Question: What is {question} + 3?\nAnswer: It is {solution}. The answer is 4.\nVerdict:")
    assert asked.count("So the verdict is: [[") == 4
    assert corrected.endswith("So the verdict is: [[wrong]]\nImproved Answer:")
    assert "#" not in asked + corrected


def test_the_few_shot_arm_needs_a_folder_of_prompts(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"experiment\.prompts=FOLDER"):
        Critique(arms=("few-shot",))
    folder = tmp_path / "critique" / "worked_sums"
    folder.mkdir(parents=True)
    for text in (None, "no parts"):
        if text is not None:
            (folder / "few_shot.txt").write_text(text)
        rows = simulate(Critique(arms=("few-shot", "critique"), prompts=tmp_path), problems(1), Model()).rows
        errors = {row["arm"]: row["error"] for row in rows}
        assert errors["critique"] is None
        assert "few_shot.txt" in errors["few-shot"]
        assert "CriticBench" in errors["few-shot"]


def test_every_number_of_the_whole_experiment_is_finite() -> None:
    items = problems(24)
    wrong = {item.fields["responses"][1]["text"] for item in items} | {"The answer is 1."}

    def judge(answer: str) -> str:
        odd = int(re.findall("[0-9]+", answer)[-1]) % 3 == 0
        return WRONG if (answer in wrong) is not odd else RIGHT

    def answer(prompt: str) -> Mapping[str, float]:
        return drawn(0.7 if len(prompt) % 2 else 0.3)(prompt)

    model = Model(judge=judge, correct=mending(items), answer=answer)
    table = run(model, items, samples=4).table
    undefined = {
        (metric.name, one.level["arm"])
        for metric in Critique.metrics
        for one in estimate(metric, table, replicates=20)
        if one.value is None
    }
    assert undefined == set()


def test_the_claims_are_about_numbers_that_there_are() -> None:
    job = load_job(["experiment=critique", "engine=fake", "tracker=none"])
    names = {metric.name for metric in Critique.metrics}
    assert {claim.metric for claim in job.claims} <= names
    assert job.task.name == "twin_solutions"
