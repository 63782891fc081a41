"""Factor of arms: the thought before an answer is the model's own, none, or as the settings have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness import Arm, ItemError, Prompt, Subject, Thought

NONE = (
    "the model writes no thought before its answer, so that none can be read; take a model that thinks. If its chat "
    "template does not show the marks of its thoughts, name them: model.thinking.open and model.thinking.close"
)

Before = Literal["as set", "none", "own"]

THOUGHTS: Mapping[str, Before] = {"": "as set", " no thought": "none", " own thought": "own"}
"""How the names of arms end, by the thought that stands before the answer."""


@dataclass(frozen=True, kw_only=True)
class ThoughtArm(Arm):
    """An arm with or without a thought before the answer.

    Attributes:
        thought: as the model's settings have it, none, or its own thought with any settings. Only a model
            that thinks can be asked for the last.
    """

    thought: Before = "as set"

    async def after(self, subject: Subject, prompt: Prompt, **sampling: Any) -> Prompt:
        """The prompt after this thought.

        Args:
            sampling: temperature, top_p and draw of the own thought; the answer's, for it to be the answer's own.

        Raises:
            ItemError: as `own_thought`.
        """
        thought = await thought_before(subject, prompt, self.thought, **sampling)
        return prompt if thought is None else prompt.thinking(thought)


async def thought_before(subject: Subject, prompt: Prompt, before: Before, **sampling: Any) -> Thought | str | None:
    """What to pass as `thought` for an answer after the thought that `before` names; None leaves it to the settings.

    Raises:
        ItemError: as `own_thought`.
    """
    if before == "own":
        return await own_thought(subject, prompt, **sampling)
    return "" if before == "none" else None


async def own_thought(subject: Subject, prompt: Prompt, **sampling: Any) -> Thought:
    """The model's thought before it answers a prompt, with any of its settings; greedy by default.

    Raises:
        ItemError: it does not think, or its thought about this prompt is empty; the prompt does not fit.
    """
    thought = await subject.think(prompt, **sampling)
    if not thought.tokens:
        raise ItemError(NONE)
    return thought
