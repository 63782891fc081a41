"""Models that think: what is planted stands in the answer, behind the own thought, and so does the forced close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from experiments.correction.self_correction_bench.self_correction_bench import SelfCorrectionBench
from experiments.correction.self_correction_bench.task import PlantedErrors
from experiments.correction.step_correction.step_correction import StepCorrection
from experiments.correction.step_correction.task import PlantedSteps
from harness import Experiment, Item
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.tasks.base import Split
from tests.support.thinking_models import FAMILIES, Family, Thinker, thinking_subject

THOUGHT = "Let me see."


class Fixed(Thinker):
    """Thinks the same of everything, then answers by what stands in its turn behind the thought."""

    def __init__(self, family: Family, answer: Callable[[str, str], str], prompts: list[str]) -> None:
        super().__init__(family, THOUGHT, {})
        self.answer, self.prompts = answer, prompts

    def __call__(self, prompt: str) -> dict[str, float]:
        tail = self.family.begun(prompt)
        if not tail:
            return {self.family.open + THOUGHT + self.family.close + "x": 1.0}
        self.prompts.append(tail)
        return {self.answer(prompt, tail): 1.0}


def run(experiment: Experiment, items: list[Item], answer: Callable[[str, str], str]) -> tuple[Table, list[str]]:
    """The table, and the model's turn as it stood at every answer."""
    prompts: list[str] = []

    async def every() -> Table:
        subject = thinking_subject(Fixed(FAMILIES["qwen3"], answer, prompts))
        done = await ask_all(experiment, Split(tuple(items), (), ""), subject, window=4)
        return experiment.table([one.result for one in done])

    return asyncio.run(every()), prompts


def test_a_planted_answer_stands_behind_the_thought() -> None:
    items = PlantedErrors(size=4, kinds=("next day",)).load()
    by_question = {item.fields["question"]: item for item in items}

    def right(prompt: str, tail: str) -> str:
        return f" {next(one for text, one in by_question.items() if text in prompt).gold}"

    table, turns = run(SelfCorrectionBench(arms=["error in model", "error in user"]), items, right)
    assert not [error for error in table.columns["error"] if error]
    assert table.columns["correct"].tolist() == [1.0] * 8
    assert all(turn.startswith(f"<think>\n{THOUGHT}\n</think>\n\n") for turn in turns)
    assert {turn.endswith(f"answer is {item.fields['wrong']}.") for turn in turns for item in items} == {True, False}


@pytest.mark.parametrize("arm", ["question alone", "injected"])
def test_a_reply_is_closed_behind_its_own_thought(arm: str) -> None:
    items = PlantedSteps(size=2).load()

    def changes(prompt: str, tail: str) -> str:
        item = next(one for one in items if one.fields["question"] in prompt)
        if tail.endswith("The answer is"):
            return f" {item.fields['carried']}"
        return f"999. Wait, no. The answer is {item.gold}."

    table, turns = run(StepCorrection(arms=[arm]), items, changes)
    assert not [error for error in table.columns["error"] if error]
    assert table.columns["before"].tolist() == [0.0, 0.0]
    assert table.columns["correct"].tolist() == table.columns["changed"].tolist() == [1.0, 1.0]
    closed = [turn for turn in turns if turn.endswith("999.\nThe answer is")]
    assert len(closed) == {"question alone": 2, "injected": 6}[arm]
    assert all(turn.count("<think>") == 1 and THOUGHT in turn for turn in closed)
