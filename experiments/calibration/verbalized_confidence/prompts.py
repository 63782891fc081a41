"""How a confidence is asked for: the forms of verbalized confidence (Zeng et al. 2025, appendix), shortened.

What is the same for all items stands first, the question last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from experiments.shared.confidence import PLACEHOLDERS, Scale
from harness import HarnessError, Item, Prompt

_ARM = re.compile(r"(percent|probability|words)/(one|two)(?:/([1-9][0-9]{0,5}))?")


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to ask for confidence.

    Attributes:
        name: "percent/one", "words/two", or with reasoning "percent/one/256".
        scale: of the confidence.
        two: whether the answer is asked for first and the confidence in a second request that holds the whole first
            reply ("self-reflection"), not both in one reply.
        budget: tokens of reasoning before the answer; 0 is none.
    """

    name: str
    scale: Scale
    two: bool
    budget: int

    @classmethod
    def named(cls, name: str) -> Arm:
        """The arm of that name.

        Raises:
            HarnessError: there is none.
        """
        found = _ARM.fullmatch(name)
        if not found:
            raise HarnessError(
                f"experiment.arms: there is no {name!r}; give a scale (percent, probability, words), /one or /two "
                "steps, and for reasoning a number of tokens: percent/one, words/two, percent/one/256"
            )
        return cls(name, cast(Scale, found[1]), found[2] == "two", int(found[3] or 0))


def ask_both(item: Item, arm: Arm, mapping: Mapping[str, float]) -> Prompt:
    """One request for answer and confidence."""
    asked = f"give your final answer and your confidence that it is correct, {_range(arm.scale, mapping)}."
    return _ask(item, arm, asked, f"{_answer(item)}\n{_confidence(arm.scale, mapping)}")


def ask_answer(item: Item, arm: Arm) -> Prompt:
    """The first of two requests, with reasoning; without any it is that of `sampling`."""
    return _ask(item, arm, "give your final answer.", _answer(item))


def ask_confidence(item: Item, arm: Arm, solution: str, mapping: Mapping[str, float]) -> Prompt:
    """The second of two requests: the whole first reply, letter for letter."""
    return Prompt.user(
        "Below are a question and your solution. Reflect on the solution and give your confidence that its answer is "
        f"correct, {_range(arm.scale, mapping)}. Reply in this form:\n{_confidence(arm.scale, mapping)}\n\n"
        f"Question: {item.fields['question']}\nSolution: {solution}"
    )


def _ask(item: Item, arm: Arm, asked: str, form: str) -> Prompt:
    if arm.budget:
        how, form = f"Reason step by step, in at most {arm.budget} tokens. Then ", f"your reasoning\n{form}"
    else:
        how = "Without explanation, "
    question = item.fields["question"]
    return Prompt.user(f"Answer the question. {how}{asked} Reply in this form:\n{form}\n\nQuestion: {question}")


def _range(scale: Scale, mapping: Mapping[str, float]) -> str:
    if scale == "words":
        return f"as one of these: {', '.join(mapping)}"
    return "from 0% to 100%" if scale == "percent" else "as a probability from 0.0 to 1.0"


# The paper gives an example of an answer, too. A model of 135M parameters repeats it instead of answering.
def _answer(item: Item) -> str:
    return f"<answer>{PLACEHOLDERS['choices' in item.fields]}</answer>"


def _confidence(scale: Scale, mapping: Mapping[str, float]) -> str:
    """The form and the paper's example; in words the phrase nearest to it."""
    example = "80%" if scale == "percent" else "0.8"
    if scale == "words":
        example = min(mapping, key=lambda phrase: abs(mapping[phrase] - 0.8))
    return f"<confidence>{PLACEHOLDERS[2]}</confidence>\nFor example, <confidence>{example}</confidence>."
