"""Traces: the reasoning before an answer, as a thought of the model or between <think> marks that the prompt opens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.theory_of_mind.tom_reasoning.prompts import Asked
from harness import Choice, ItemError, Prompt, Subject, Text, Thought

OPEN, CLOSE, ANSWER = "<think>", "</think>", "<answer>"


@dataclass(frozen=True, slots=True)
class Trace:
    """The reasoning about one item.

    Attributes:
        order: how many minds deep its question goes; None where the set does not say.
        text: the reasoning, without the marks around it.
        tokens: its length.
        thought: the model's own thought; None of a model that does not think by itself, which writes its reasoning
            between marks because the prompt opens them.
    """

    order: int | None
    text: str
    tokens: int
    thought: Thought | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A trace and the model's text behind it.

    Attributes:
        reply: the text behind the trace; all of it where the reasoning was never closed.
        closed: whether the model closed its reasoning itself.
    """

    trace: Trace
    reply: Text
    closed: bool


async def reasoned(subject: Subject, asked: Asked, order: int | None, max_tokens: int) -> Whole:
    """The model's reasoning before it answers, and its answer.

    Args:
        max_tokens: cap on both together; on each of them for a model that thinks by itself.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit the context.
    """
    thought = await subject.think(asked.thinker, max_tokens=max_tokens)
    if subject.renderer.thoughts.can(asked.thinker):
        reply = await subject.generate(asked.thinker, max_tokens=max_tokens, thought=thought)
        return Whole(Trace(order, thought.text, len(thought.tokens), thought), reply, thought.ended == "closed")
    reply = await subject.generate(replace(asked.other, prefill=f"{OPEN}\n"), max_tokens=max_tokens)
    text, closed, behind = _written(reply).partition(CLOSE)
    if not closed:
        text, behind = text.partition(ANSWER)[0], text
    return Whole(_of_words(order, text, subject), replace(reply, text=behind), bool(closed))


def after(asked: Asked, trace: Trace) -> Prompt:
    """The prompt in which a trace is closed and the answer begun."""
    if trace.thought is not None:
        thought = trace.thought if trace.thought.tokens else ""
        return replace(asked.thinker, prefill=ANSWER, thought=thought)
    inner = f"{trace.text}\n" if trace.text else ""
    return replace(asked.other, prefill=f"{OPEN}\n{inner}{CLOSE}\n{ANSWER}")


async def chosen(subject: Subject, prompt: Prompt, options: Sequence[str]) -> Choice:
    """Exact probabilities of the options after <answer>, with and without a space before them.

    Where one option begins another, the closing mark is read with each. A tokenizer that joins the mark with a word is
    asked for the words with a space alone; the run notes that.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit the context.
    """
    begins = any(one != other and other.startswith(one) for one in options for other in options)
    ends = {option: option + ("</answer>" if begins else "") for option in options}
    spaced = {option: (f" {text}",) for option, text in ends.items()}
    try:
        return await subject.choose(prompt, {option: (text, *spaced[option]) for option, text in ends.items()})
    except ItemError:  # a prompt that cannot be asked at all fails again
        choice = await subject.choose(prompt, spaced)
    subject.renderer.note('the tokenizer joins "<answer>" with a word behind it: options are read behind a space')
    return choice


def emptied(trace: Trace) -> Trace:
    """No reasoning, in the same marks."""
    return Trace(trace.order, "", 0, None if trace.thought is None else Thought())


def halved(trace: Trace, subject: Subject) -> Trace:
    """The first half of a trace: of the tokens of a thought, of the words of other reasoning."""
    if trace.thought is not None:
        half = subject.first_part(trace.thought, 0.5)
        return Trace(trace.order, half.text, len(half.tokens), half)
    words = re.findall(r"\S+\s*", trace.text)
    return _of_words(trace.order, "".join(words[: len(words) // 2]), subject)


def _of_words(order: int | None, text: str, subject: Subject) -> Trace:
    text = text.strip()
    return Trace(order, text, len(subject.renderer.tokenizer.encode(text)) if text else 0)


def _written(reply: Text) -> str:
    """A reply as the model wrote it. The harness has taken a thought out of it where it knew one by its marks."""
    if reply.thought is None:
        return reply.text
    return reply.thought.text + (CLOSE + reply.text if reply.thought.ended == "closed" else "")
