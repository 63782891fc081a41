"""Prompts that ask for answer and confidence, after Zeng et al. (2025, appendix), shortened.

What is the same for all items stands first, the question last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.shared import stated_confidence
from experiments.shared.confidence import Scale
from experiments.shared.stated_confidence import Scaled
from experiments.shared.tags import ANSWER_HERE, LETTER_HERE
from experiments.shared.thoughts import ThoughtArm
from harness import Item, Prompt, fill

# The paper gives an example of an answer, too. A model of 135M parameters repeats it instead of answering.
TEXTS: Mapping[str, str] = {
    "both": "Answer the question. $how give your final answer and your confidence that it is correct, $range. "
    "Reply in this form:\n$form\n\nQuestion: $question",
    "answer": "Answer the question. $how give your final answer. Reply in this form:\n$form\n\nQuestion: $question",
    "outright": "Without explanation,",
    "reasoned": "Reason step by step, in at most $tokens tokens. Then",
    "answer_form": "<answer>$placeholder</answer>",
    "reasoned_form": "your reasoning\n$form",
    **stated_confidence.TEXTS,
}


@dataclass(frozen=True, kw_only=True)
class Manner(ThoughtArm):
    """A way to ask for confidence.

    Attributes:
        scale: scale of the confidence: percent (0% to 100%), probability (0.0 to 1.0), words (the setting `phrases`).
        steps: 1 asks for answer and confidence in one reply. 2 asks for the answer first; a second request holds the
            question and the whole first reply and asks for the confidence ("self-reflection").
        reasoned: whether the model reasons before it answers.
    """

    scale: Scale
    steps: int
    reasoned: bool = False


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The requests about one item in one arm.

    Attributes:
        scaled: how its confidence is asked for.
        tokens: tokens of reasoning that the model is told.
    """

    item: Item
    arm: Manner
    scaled: Scaled
    tokens: int

    def both(self) -> Prompt:
        """One request for answer and confidence."""
        return self._ask("both", f"{self._answer_form()}\n{self.scaled.form}", range=self.scaled.range)

    def answer(self) -> Prompt:
        """The first of two requests, in an arm with reasoning."""
        return self._ask("answer", self._answer_form())

    def confidence(self, solution: str) -> Prompt:
        """The second of two requests: the whole first reply, letter for letter."""
        return self.scaled.ask(self.item, solution)

    def _answer_form(self) -> str:
        placeholder = LETTER_HERE if "choices" in self.item.fields else ANSWER_HERE
        return fill(self.scaled.wording["answer_form"], {"placeholder": placeholder})

    def _ask(self, name: str, form: str, **values: str) -> Prompt:
        how = fill(self.scaled.wording["reasoned" if self.arm.reasoned else "outright"], {"tokens": self.tokens})
        if self.arm.reasoned:
            form = fill(self.scaled.wording["reasoned_form"], {"form": form})
        values |= {"how": how, "form": form, "question": str(self.item.fields["question"])}
        return Prompt.user(fill(self.scaled.wording[name], values))
