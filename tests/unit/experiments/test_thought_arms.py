"""Arms after no thought and after the model's own: a subject that is right, and surer, where it has thought."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from experiments.calibration.mc_calibration.mc_calibration import McCalibration
from experiments.calibration.p_ik.p_ik import PIK
from experiments.calibration.p_true.p_true import PTrue
from experiments.calibration.verbalized_confidence.verbalized_confidence import VerbalizedConfidence
from experiments.correction.self_correction.self_correction import SelfCorrection
from experiments.judging.internal_consistency.internal_consistency import InternalConsistency
from experiments.judging.judge.judge import Judge
from experiments.shared.pairs import pair_verdict
from harness import Experiment, Grade, Item, Message
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.tasks.base import Split
from harness.tasks.choices import multiple_choice
from harness.tasks.graders import number
from harness.tasks.responses import responses_item
from harness.testing import simulate
from tests.support.thinking_models import FAMILIES, Family, Thinker, thinking_subject

HM = "Hm, let me see."
Answer = Callable[[str, bool], str | Mapping[str, float]]
"""What is said, by the whole prompt and whether a thought stands before the answer."""


class Solver(Thinker):
    """Thinks the same of everything, and answers by whether it has thought."""

    def __init__(self, family: Family, answer: Answer) -> None:
        super().__init__(family, HM, {})
        self.answer = answer

    def __call__(self, prompt: str) -> dict[str, float]:
        tail = self.family.begun(prompt)
        if not tail:
            return {self.family.open + HM + self.family.close + "x": 1.0}
        said = self.answer(prompt, HM in tail)
        return {said: 1.0} if isinstance(said, str) else dict(said)


def ask(
    experiment: Experiment,
    answer: Answer,
    items: list[Item],
    *,
    family: str = "qwen3",
    train: tuple[Item, ...] = (),
    **settings: Any,
) -> tuple[Table, list[Finished]]:
    async def every() -> list[Finished]:
        subject = thinking_subject(Solver(FAMILIES[family], answer), **settings)
        return await ask_all(experiment, Split(tuple(items), train, ""), subject, window=8)

    done = asyncio.run(every())
    return experiment.table([f.result for f in done]), done


def of(table: Table, arm: str, column: str) -> list[Any]:
    return list(table.columns[column][table.columns["arm"] == arm])


def choices(n: int) -> list[Item]:
    return [multiple_choice(f"What is {i}?", ["wrong", "right", "bad", "ill"], 1, "here") for i in range(n)]


def lettered(prompt: str, thought: bool) -> Mapping[str, float]:
    shown = re.findall(r"\n \(([A-D])\) (\w+)", prompt.rpartition("Choices:")[2])
    if not prompt.endswith("Answer: ("):
        return {"x": 1.0}
    right = 0.85 if thought else 0.4
    return {letter: right if text == "right" else (1 - right) / 3 for letter, text in shown}


@pytest.mark.parametrize("family", ["qwen3", "r1", "magistral", "gpt_oss"])
@pytest.mark.parametrize(("mode", "by_itself"), [("own", 0.85), ("off", 0.4)])
def test_letters_are_read_after_each_thought(family: str, mode: str, by_itself: float) -> None:
    arms = ["zero-shot", "zero-shot no thought", "zero-shot own thought"]
    experiment = McCalibration(arms=arms, tuning=0)
    table, _ = ask(experiment, lettered, choices(3), family=family, mode=mode)
    right = table.where(table.columns["right"] == 1)
    for arm, p in zip(arms, (by_itself, 0.4, 0.85), strict=True):
        np.testing.assert_allclose(of(right, arm, "p"), [p] * 3, atol=1e-9)
    assert Counter(table.columns["thought"]) == {"as set": 12, "none": 12, "own": 12}


def tagged(prompt: str, thought: bool) -> str:
    """Right with 90 % where it has thought, wrong with 40 % where it has not; in the tags, or before them."""
    answer, confidence = ("right", "90%") if thought else ("wrong", "40%")
    if prompt.endswith("<confidence>"):
        return f"{confidence}</confidence>"
    if prompt.endswith("<answer>"):
        return f"{answer}</answer>"
    if prompt.endswith("Answer:"):
        return f" {answer}\nmore"
    form = f"<confidence>{confidence}</confidence> done"
    return form if "your solution" in prompt else f"<answer>{answer}</answer> {form}"


def short(n: int) -> list[Item]:
    return [
        Item({"question": f"What is {i}?"}, "right", lambda text, it: Grade(text, text == it.gold)) for i in range(n)
    ]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("steps", ["one", "two"])
@pytest.mark.parametrize("mode", ["own", "off"])
def test_confidence_is_stated_after_each_thought(mode: str, steps: str, begun: bool) -> None:
    name = f"percent {steps}"
    arms = [name, f"{name} no thought", f"{name} own thought"]
    experiment = VerbalizedConfidence(arms=arms, begun=begun, forced=False)
    table, done = ask(experiment, tagged, short(2), mode=mode)
    told = {True: (1.0, 0.9), False: (0.0, 0.4)}
    for arm, thought in zip(arms, (mode == "own", False, True), strict=True):
        assert set(zip(of(table, arm, "correct"), of(table, arm, "confidence"), strict=True)) == {told[thought]}
        assert set(of(table, arm, "in_form")) == {1.0}
    # The reply that gave the answer is as long as its thought and its words.
    written = {name: of(table, name, "tokens") for name in arms}
    assert min(written[arms[2]]) > max(written[arms[1]])
    # All requests of an arm about one turn follow one thought.
    thoughts = {(e.prompt, e.keys) for e in done[0].transcript if e.thought is not None}
    assert len(thoughts) == len({prompt for prompt, _ in thoughts})


def sums(n: int) -> list[Item]:
    return [Item({"question": f"What is {i} + {7 - i}?"}, "7", number) for i in range(n)]


def summed(prompt: str, thought: bool) -> str:
    return f"The final answer is {7 if thought else 8}."


@pytest.mark.parametrize(("mode", "by_itself"), [("own", 1.0), ("off", 0.0)])
def test_answers_are_revised_after_each_thought(mode: str, by_itself: float) -> None:
    ends = {"": by_itself, " no thought": 0.0, " own thought": 1.0}
    names = ("score greedy", "huang sampled", "vote beside huang", "resample")
    experiment = SelfCorrection(arms=[f"{name}{end}" for name in names for end in ends])
    table, done = ask(experiment, summed, sums(2), mode=mode)
    for name in names:
        for end, right in ends.items():
            assert of(table, f"{name}{end}", "before") == of(table, f"{name}{end}", "after") == [right] * 2
    # Later turns quote answers without their thoughts.
    later = [e.prompt for f in done for e in f.transcript if "problems" in e.prompt.rpartition("<|im_start|>user")[2]]
    assert later
    assert not any(HM in prompt.rpartition("<|im_start|>assistant")[0] for prompt in later)


@pytest.mark.parametrize("end", ["", " own thought"])
@pytest.mark.parametrize("family", ["qwen3", "r1"])
def test_a_thought_and_its_answer_are_one_call_and_the_tokens_of_both_count(family: str, end: str) -> None:
    (row,), (one,) = cost_of(f"huang greedy{end}", family)
    thoughts = [e for e in one.transcript if e.thought is not None]
    assert (len(one.transcript), row["calls"]) == (6, 3)
    assert row["new_tokens"] == sum(e.new_tokens for e in one.transcript)
    assert row["prompt_tokens"] == sum(e.prompt_tokens for e in thoughts)
    assert row["tokens_before"] == one.transcript[1].new_tokens


def test_a_vote_has_as_many_calls_thoughts_and_tokens_as_the_chain_beside_it() -> None:
    chain, chained = cost_of("huang sampled own thought")
    vote, voted = cost_of("vote beside huang own thought")
    assert (chain[0]["calls"], chain[0]["new_tokens"]) == (vote[0]["calls"], vote[0]["new_tokens"])
    thoughts = [sum(e.thought is not None for e in f.transcript) for f in (*chained, *voted)]
    assert thoughts == [3, 3]
    without, _ = cost_of("vote beside huang no thought")
    assert without[0]["calls"] == 3
    assert without[0]["new_tokens"] < vote[0]["new_tokens"]


def cost_of(arm: str, family: str = "qwen3") -> tuple[list[dict[str, Any]], list[Finished]]:
    table, done = ask(SelfCorrection(arms=[arm]), summed, sums(1), family=family)
    return [{name: values[i] for name, values in table.columns.items()} for i in range(len(table))], done


def test_a_thought_that_was_cut_gives_no_answer_and_is_never_graded() -> None:
    experiment = SelfCorrection(arms=["score greedy", "score greedy own thought", "score greedy no thought"])
    table, _ = ask(experiment, summed, sums(1), tokens=2, overrun="fail")
    for end in ("", " own thought"):
        assert (
            of(table, f"score greedy{end}", "fate_before") == of(table, f"score greedy{end}", "fate_after") == ["cut"]
        )
    assert of(table, "score greedy no thought", "fate_after") == ["answered"]
    stated, _ = ask(VerbalizedConfidence(arms=["percent one own thought"]), tagged, short(1), tokens=2, overrun="fail")
    assert list(stated.columns["fate"]) == ["cut"]
    assert np.isnan(stated.columns["confidence"]).all()


@pytest.mark.parametrize(
    ("experiment", "items"),
    [
        (McCalibration(arms=["zero-shot", "zero-shot own thought"], tuning=0), choices(1)),
        (VerbalizedConfidence(arms=["percent one", "percent one own thought"]), short(1)),
        (SelfCorrection(arms=["score greedy", "score greedy own thought", "resample"]), sums(1)),
    ],
    ids=["mcCalibration", "verbalizedConfidence", "selfCorrection"],
)
def test_the_own_thought_of_a_model_without_one_is_an_arm_that_fails_alone(experiment: Any, items: list[Item]) -> None:
    table, done = simulate(experiment, items, lambda _: {"A": 1.0})
    (error,) = done[0].result.errors
    assert "own thought: the model writes no thought before its answer" in error
    assert set(table.columns["arm"][table.columns["error"] != None]) == {  # noqa: E711
        name for name in experiment.arms if name.endswith("own thought")
    }


def rated(prompt: str, thought: bool) -> Mapping[str, float]:
    """Right with a thought: 5 for a good response and 1 for a bad one; 3 for both without."""
    if not prompt.endswith("("):
        return {"x": 1.0}
    if "better response" in prompt:
        return {"A" if "(A):\ngood" in prompt else "B": 1.0} if thought else {"A": 1.0}
    return {("5" if ":\ngood" in prompt else "1") if thought else "3": 1.0}


@pytest.mark.parametrize(("mode", "by_itself"), [("own", 1.0), ("off", 0.5)])
def test_scores_and_comparisons_are_read_after_each_thought(mode: str, by_itself: float) -> None:
    ends = {"": by_itself, " no thought": 0.5, " own thought": 1.0}
    names = ("score only", "expectation", "pair letters")
    told: dict[str, Any] = {"section": "Chat", "subset": "easy", "weight": 1.0, "row": "1"}
    item = responses_item("row", instruction="Say it.", right=["good"], wrong=["bad"], **told)
    experiment = Judge(arms=[f"{name}{end}" for name in names for end in ends])
    table, _ = ask(experiment, rated, [item], mode=mode)
    for name in names:
        for end, wins in ends.items():
            assert of(table, f"{name}{end}", "wins")[0] == wins
    assert Counter(table.columns["thought"]) == {"as set": 5, "none": 5, "own": 5}


@pytest.mark.parametrize(("thought", "win"), [("own", 1.0), ("none", 0.5), ("as set", 1.0)])
def test_a_verdict_on_a_pair_has_its_thought_in_each_order(thought: Any, win: float) -> None:
    def preferred(prompt: str, thought: bool) -> Mapping[str, float]:
        return {"A" if "(A) good" in prompt or not thought else "B": 1.0} if prompt.endswith("(") else {"x": 1.0}

    def asked(first: str, second: str) -> list[Message]:
        return [Message("user", f"Which?\n(A) {first}\n(B) {second}")]

    subject = thinking_subject(Solver(FAMILIES["qwen3"], preferred))
    verdict = asyncio.run(pair_verdict(subject, asked, "good", "bad", lead="Better:", thought=thought))
    assert (verdict.win, verdict.orders_agree) == (win, win == 1.0)
    assert sum(e.thought is not None for e in subject.transcript) == (0 if thought == "none" else 2)


def test_a_training_item_without_a_thought_is_left_out_of_the_temperature() -> None:
    arms = ["zero-shot", "zero-shot own thought"]
    table, done = simulate(
        McCalibration(arms=arms, tuning=2), choices(1), lambda _: {"A": 0.7, "B": 0.3}, train=choices(3)[1:]
    )
    assert [error.partition(":")[0] for error in done[0].result.errors] == ["arm zero-shot own thought"]
    alone, _ = simulate(
        McCalibration(arms=arms[:1], tuning=2), choices(1), lambda _: {"A": 0.7, "B": 0.3}, train=choices(3)[1:]
    )
    assert of(table, "zero-shot", "temperature") == of(alone, "zero-shot", "temperature") != [1.0] * 4


@pytest.mark.parametrize("experiment", [PTrue, McCalibration, VerbalizedConfidence, SelfCorrection])
def test_arms_about_thoughts_run_when_asked_for_only(experiment: Any) -> None:
    thought = {name for name, arm in experiment.all_arms.items() if arm.thought != "as set"}
    assert {name.rpartition(" ")[0].rpartition(" ")[2] for name in thought} == {"no", "own"}
    assert not thought & set(experiment().arms)


@pytest.mark.parametrize("family", ["qwen3", "r1"])
def test_a_forecast_of_knowing_has_no_thought_which_would_answer_the_question(family: str) -> None:
    def forecast(prompt: str, thought: bool) -> Mapping[str, float]:
        high, low = ("A", "B") if prompt.endswith("(") else (" ninety", " ten")
        return {high: 0.9, low: 0.1} if thought else {high: 0.3, low: 0.7}

    def answered(prompt: str, thought: bool) -> Mapping[str, float] | str:
        return " right\nmore" if prompt.endswith("Answer:") else forecast(prompt, thought)

    experiment = PIK(arms=["yes-no", "percent"], draws=1)
    table, done = ask(experiment, answered, short(2), family=family)
    assert of(table, "yes-no", "p") == pytest.approx([0.3] * 2)
    assert of(table, "percent", "p") == pytest.approx([0.3 * 0.9 + 0.7 * 0.1] * 2)
    forecasts = [e for e in done[0].transcript if e.prompt.endswith(("(", "confidence is"))]
    assert len(forecasts) == 2
    assert of(table, "yes-no", "correct") == [1.0] * 2  # the answer itself is thought about


def test_a_short_reply_has_no_thought_and_the_reasoned_one_has() -> None:
    def replies(prompt: str, thought: bool) -> Mapping[str, float] | str:
        return {"1": 1.0} if prompt.endswith("(") else "It is 1."

    item = Item({"question": "What is 0 + 1?"}, "1", lambda text, it: Grade(text, text == it.gold))
    arms = ["decoding", "response", "response without reasoning"]
    _, done = ask(InternalConsistency(arms=arms, draws=2), replies, [item])
    thinking = [e for e in done[0].transcript if e.thought is not None and e.thought.tokens]
    assert len(thinking) == 2  # one a draw
    assert all("step by step" in e.prompt for e in thinking)
