"""How a model is asked for its own short answers: the same everywhere, so that experiments share the same draws."""

from __future__ import annotations

from harness import Item, Prompt, Subject, Text

TEMPERATURE = 1.0
"""Of sampled answers: the model's own distribution (Kadavath et al. 2022, section 4)."""

MAX_TOKENS = 24
"""Cap on a short answer, which ends at a line break anyway."""


def ask(item: Item, before: str = "") -> Prompt:
    """The question, with the model's turn begun by "Answer:".

    Args:
        before: what stands before it, with the line break that ends it.
    """
    return Prompt.user(f"{before}Question: {item.fields['question']}", "Answer:")


async def sample(
    item: Item, subject: Subject, n: int, *, temperature: float = TEMPERATURE, max_tokens: int = MAX_TOKENS
) -> list[Text]:
    """`n` independent answers; the first of them are the same draws whatever `n` is."""
    return await subject.draws(ask(item), n, temperature=temperature, max_tokens=max_tokens, stop=["\n"])


async def own_answers(
    item: Item, subject: Subject, n: int, *, temperature: float = TEMPERATURE, max_tokens: int = MAX_TOKENS
) -> list[str]:
    """The words of `sample`, without the space around them."""
    return [
        text.text.strip() for text in await sample(item, subject, n, temperature=temperature, max_tokens=max_tokens)
    ]


async def greedy(item: Item, subject: Subject, *, max_tokens: int = MAX_TOKENS) -> Text:
    """The most probable answer, token by token."""
    return await subject.generate(ask(item), max_tokens=max_tokens, stop=["\n"])
