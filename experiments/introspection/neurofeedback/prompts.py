"""The conversations: a sentence alone, sentences with scores, and the request to imitate a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness import Message, Prompt, Subject, fill
from harness.metrics import Floats

Wording = Mapping[str, str]
"""The experiment's texts, of which `TEXTS` is a part."""

Example = tuple[str, bool]
"""A sentence and its label."""

TEXTS: Wording = {
    "system": "You are a helpful assistant.",
    "say": "Say something.",
    "tasks": "There are two tasks.\n\nScoring task: when you are asked to say something, say one sentence and then "
    "give its score in the form [Score: {0}] or [Score: {1}]. The score is the activation of your brain while you say "
    "the sentence: 1 is high and 0 is low. Learn from the earlier sentences and their scores what the score "
    "measures.\n\nImitation task: you are given a score, and say one sentence while your brain is at that score.",
    "imitate": "Now do the imitation task. Say something while your brain is at [Score: {$score}]. Do not repeat a "
    "sentence from above, and do not give the score.",
}
BRACE = " [Score: {"
"""What stands between a sentence and its score, which is the very next token."""

STOP = "[Score:"
"""Ends a sentence that the model writes: some add a score, as the examples have one."""


def alone(wording: Wording, sentence: str) -> Prompt:
    """A sentence as the model's whole answer, as which its activation is labelled."""
    turns = (*_system(wording["system"]), Message("user", wording["say"]))
    return Prompt(turns, sentence, thought="")


def reporting(wording: Wording, examples: Sequence[Example], sentence: str) -> Prompt:
    """Examples with their scores, and a sentence up to where its own score stands."""
    return Prompt((*_scored(wording, examples), Message("user", wording["say"])), sentence + BRACE, thought="")


def controlling(wording: Wording, examples: Sequence[Example], score: bool, sentence: str = "") -> Prompt:
    """Examples with their scores, and the request for a sentence of a given score; a given sentence is its answer."""
    asked = Message("user", fill(wording["imitate"], {"score": int(score)}))
    return Prompt((*_scored(wording, examples), asked), sentence, thought="")


def _scored(wording: Wording, examples: Sequence[Example]) -> tuple[Message, ...]:
    turns = [*_system(wording["tasks"])]
    for sentence, label in examples:
        said = f"{sentence}{BRACE}{int(label)}}}]"
        turns += [Message("user", wording["say"]), Message("assistant", said)]
    return tuple(turns)


def _system(text: str) -> tuple[Message, ...]:
    return (Message("system", text),) if text else ()


def places(subject: Subject, prompt: Prompt, last: int) -> list[int]:
    """Positions of the tokens behind which the last scores of a prompt stand: the ends of their braces.

    Args:
        last: how many.
    """
    return [subject.positions(prompt, BRACE, nth)[-1] for nth in range(-last, 0)]


async def state_alone(wording: Wording, subject: Subject, sentence: str, layers: Sequence[int]) -> Floats:
    """Mean activations over the tokens of a sentence that is the model's whole answer, [layers, width]."""
    prompt = alone(wording, sentence)
    where = subject.positions(prompt, sentence, -1)
    read = await subject.read(prompt, layers=layers, positions=where, pool="mean")
    return np.asarray(read.numpy()[:, 0], dtype=np.float64)
