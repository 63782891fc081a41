"""Prompts that ask for reasoning and an answer between marks (Lu et al. 2025, in other words), and the reading of the
reply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.shared.tags import tagged
from experiments.theory_of_mind.sentences import listing
from harness import Item, Message, Probability, Prompt, fill
from harness.tasks.texts import word_set

_ANSWER = (
    "Write the answer alone, without a sentence around it, between <answer> and </answer>, as in <answer>sack</answer>."
)
TEXTS: Mapping[str, str] = {
    "system": "You are a helpful assistant. The user tells a story and asks what somebody in it knows or believes. "
    f"First reason step by step between <think> and </think>. Then answer. {_ANSWER}",
    "system_thinker": "You are a helpful assistant. The user tells a story and asks what somebody in it knows or "
    f"believes. Think it through first. Then answer. {_ANSWER}",
    "story": "Read the following story and answer the question.\nStory: $story\nQuestion: $question",
    "no_story": "Answer the following question.\nQuestion: $question",
    "options": "\nThe answer is one of these: $options.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in two prompts: as a model that thinks by itself is asked, and as any other is."""

    thinker: Prompt
    other: Prompt


def asked(wording: Mapping[str, str], item: Item, story: str | None, *, listed: bool) -> Asked:
    """The question of an item.

    Args:
        story: the story that is told before it; None tells none.
        listed: whether the options are listed.
    """
    fields = item.fields
    text = fill(wording["no_story" if story is None else "story"], {"story": story, "question": fields["asked"]})
    if listed:
        text += fill(wording["options"], {"options": listing(fields["choices"], "or")})
    thinker, other = (
        Prompt((Message("system", wording[name]), Message("user", text))) for name in ("system_thinker", "system")
    )
    return Asked(thinker, other)


def normalised(text: str) -> str:
    """A text as answers are compared: in small letters, without .,;:!? and with single spaces, also for "_"."""
    return " ".join(re.sub(r"[.,;:!?]", "", text.lower()).replace("_", " ").split())


def strictly(answer: str, gold: str) -> bool:
    """Whether an answer is the right one and nothing else."""
    return normalised(answer) == normalised(gold)


def loosely(answer: str, gold: str) -> bool:
    """Whether an answer ends with the right one, as the paper's release has it. So does "not in the red box"."""
    return normalised(answer).endswith(normalised(gold))


def last_answer(text: str, *, ended: bool) -> str:
    """The text in the last <answer>; "" without one.

    Args:
        ended: whether the reply ended by itself, see `experiments.shared.tags.tagged`.
    """
    return tagged(text, "answer", ended=ended) or ""


def in_form(text: str) -> bool:
    """Whether the text behind the reasoning has <answer> and </answer> once each, in this order, and no other mark."""
    marks = re.findall(r"</?(?:think|answer)>", text)
    return marks == ["<answer>", "</answer>"]


_OPENERS = word_set(
    "then later afterwards that this it he she they we you his her their when while after before at on in nobody "
    "everybody everyone somebody however meanwhile there now finally next first one"
)


def people(story: str) -> Sequence[str]:
    """The names in a story, in alphabetical order: capitalised words that it never writes small.

    A word that only opens sentences is a name where it does so twice or stands in a list of names ("Ann, Bob and Cleo
    met."), and is no usual opener ("Then"). Names of places and days count as well.
    """
    words = re.findall(r"[A-Za-z]+", story)
    small = {word for word in words if word.islower()}
    inside = set(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]+|[A-Z][a-z]+(?=(?:,| and|, and) [A-Z])", story))
    names = {word for word in words if re.fullmatch(r"[A-Z][a-z]+", word) and word.lower() not in small | _OPENERS}
    return sorted(name for name in names if name in inside or words.count(name) > 1)


def named(trace: str, story: str) -> Probability | None:
    """The share of the people of a story that a trace names; None where the story names nobody."""
    names, said = people(story), set(re.findall(r"[A-Za-z]+", trace))
    return Probability(sum(name in said for name in names) / len(names)) if names else None
