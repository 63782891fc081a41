"""The thought of a model that an experiment reads along, or after."""

from __future__ import annotations

from harness import ItemError, Prompt, Subject, Thought

NONE = (
    "the model writes no thought before its answer, so that none can be read; take a model that thinks. If its chat "
    "template does not show the marks of its thoughts, name them: model.thinking.open and model.thinking.close"
)


async def own_thought(subject: Subject, prompt: Prompt) -> Thought:
    """What the model thinks before it answers a prompt (greedy), whatever it does by its settings.

    Raises:
        ItemError: it does not think, or its thought about this prompt is empty; the prompt does not fit.
    """
    thought = await subject.think(prompt)
    if not thought.tokens:
        raise ItemError(NONE)
    return thought
