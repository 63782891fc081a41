"""Reads the ten digits as the next token, of a model as it is and of one that is changed inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import Ablate, Choice, ItemError, Prompt, Subject

DIGITS = "0123456789"
TEXTS: Mapping[str, str] = {
    "question": "Answer the question with one digit in parentheses.\n\nQuestion: $question",
    "reasoned": "Think step by step, in a few words. Then answer the question with one digit.\n\nQuestion: $question",
    "brief": "Answer the question with one digit.\n\nQuestion: $question",
    "read": "So what is the answer? One digit in parentheses.",
    "lead": "Answer: (",
}


async def digits(subject: Subject, prompt: Prompt, *inside: Ablate) -> Choice:
    """The exact probability of each digit as the next token, without a thought before it.

    Raises:
        ItemError: a digit is several tokens, of which an intervention would change only the first.
    """
    choice = await subject.choose(prompt, {d: (d,) for d in DIGITS}, thought="", interventions=inside)
    if choice.calls > 1:
        raise ItemError("a digit is several tokens in this tokenizer; the stages are compared at one token")
    return choice


def keep_heads(layer: int, kept: Sequence[int], *, heads: int, positions: Sequence[int]) -> tuple[Ablate, ...]:
    """The intervention that sets all heads of a layer but some to zero; none where all are kept.

    Args:
        positions: of the prompt, all of them as a rule.
    """
    others = tuple(other for other in range(heads) if other not in kept)
    return (Ablate(layer, "attn_heads", tuple(positions), heads=others),) if others else ()


async def digits_behind(subject: Subject, prompt: Prompt, layer: int) -> Choice:
    """The exact probability of each digit if the model ended behind a layer: the logit lens, without a thought."""
    (choice,) = await subject.lens(prompt, {d: (d,) for d in DIGITS}, [layer], thought="")
    return choice
