"""An engine whose model thinks, as `engine._target_` builds it, and an experiment that asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Experiment, GradedAnswer, Item, Prompt, Subject
from harness.calls.calls import Capability
from harness.engines.fake.engine import CAN, FakeEngine
from harness.experiment import Part
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer
from harness.tasks.fates import graded
from tests.support.tiny_tokenizers import qwen3

HOSTILE = "<script>alert(1)</script></pre></details><img src=x onerror=alert(2)> \x1b[2J \u202e"
"""A thought that would take over a page or a terminal."""


@dataclass(frozen=True, kw_only=True)
class Thinks:
    """Settings of an engine whose model writes "<think>", a thought, "</think>" and an answer, in Qwen3's form.

    Attributes:
        thought: the same whatever is asked. "" is one without words, and "-" is none: it answers at once.
    """

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    thought: str = HOSTILE

    def tokenizer(self, model: Model) -> Tokenizer:
        return qwen3()

    def load(self, model: Model) -> FakeEngine:
        def replies(prompt: str) -> dict[str, float]:
            if prompt.endswith("</think>\n\n") or self.thought == "-":
                return {"4": 0.5, "<b>5": 0.5}
            return {f"<think>\n{self.thought}\n</think>\n\n4": 1.0}

        return FakeEngine(replies, f"fake:{model.name}", tokenizer=qwen3())


@dataclass(frozen=True, kw_only=True)
class Reflects(Thinks):
    """A model that answers letters, tags and sums, and is surer of its answers where it has thought."""

    thought: str = "Hm."

    def load(self, model: Model) -> FakeEngine:
        def replies(prompt: str) -> dict[str, float]:
            said = prompt.rpartition("<|im_start|>assistant\n")[2]
            sure = 0.9 if self.thought in said else 0.6
            if not said:
                return {f"<think>\n{self.thought}\n</think>\n\n4": 1.0}
            if said.endswith("("):
                return {"A": sure, "B": 1 - sure - 0.02, "C": 0.01, "D": 0.01}
            if said.endswith("<confidence>"):
                return {f"{round(100 * sure)}%</confidence>": 1.0}
            if said.endswith("<answer>"):
                return {"Paris</answer>": 0.5, "Lima</answer>": 0.5}
            return {" Paris\n": 0.3, " Lima\n": 0.3, "The final answer is 4.": 0.4}

        return FakeEngine(replies, f"fake:{model.name}", tokenizer=qwen3())


@dataclass(frozen=True, kw_only=True)
class Asks(Experiment):
    """Asks each question of the task, at temperature 1, and reads a probability after a greedy thought, twice."""

    outcome: ClassVar = GradedAnswer
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> GradedAnswer:
        prompt = Prompt.user(f"Question: {item.fields['question']}")
        reply = await subject.generate(prompt, max_tokens=8, temperature=1.0)
        for _ in range(2):
            await subject.choose(prompt, {"four": ("4",), "five": ("5",)})
        said = graded(item, reply)
        return GradedAnswer(arm="asked", answer=said.answer, correct=said.correct, fate=said.fate)


@dataclass(frozen=True, kw_only=True)
class Judged(Asks):
    """The same, and a judge says something about each question."""

    parts: ClassVar = {"judge": Part(capabilities=frozenset({"generate"}))}

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> GradedAnswer:
        await subject.role("judge").generate(Prompt.user(f"Is this hard? {item.fields['question']}"), max_tokens=8)
        return await super().protocol(item, subject, fitted)
