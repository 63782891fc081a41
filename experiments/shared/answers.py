"""Asks a model for short answers in one form everywhere, so that experiments share the same draws."""

from __future__ import annotations

from harness import Graded, Item, Prompt, Subject, Text, graded

TEMPERATURE = 1.0
"""Of sampled answers: the model's own distribution (Kadavath et al. 2022, section 4)."""


def ask(item: Item, before: str = "") -> Prompt:
    """The question, with the model's turn begun by "Answer:".

    Args:
        before: text before it, with the line break that ends it.
    """
    return Prompt.user(f"{before}Question: {item.fields['question']}", "Answer:")


async def sample(
    item: Item, subject: Subject, n: int, *, temperature: float = TEMPERATURE, max_tokens: int | None = None
) -> list[Text]:
    """`n` independent answers; the first of them are the same draws for every `n`.

    Args:
        max_tokens: cap on an answer; None takes the room that the task gives (`Item.form`).
    """
    room = max_tokens or item.form.max_tokens
    return await subject.draws(ask(item), n, temperature=temperature, max_tokens=room, stop=item.form.stop)


async def own_answers(
    item: Item, subject: Subject, n: int, *, temperature: float = TEMPERATURE, max_tokens: int | None = None
) -> list[Graded]:
    """`sample`, graded."""
    texts = await sample(item, subject, n, temperature=temperature, max_tokens=max_tokens)
    return [graded(item, text) for text in texts]


async def greedy(item: Item, subject: Subject, *, max_tokens: int | None = None) -> Text:
    """The most probable answer, token by token; `max_tokens` is as in `sample`."""
    return await subject.generate(ask(item), max_tokens=max_tokens or item.form.max_tokens, stop=item.form.stop)
