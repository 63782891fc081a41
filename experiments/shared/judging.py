"""A model that grades short answers: right, wrong, or not attempted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

from harness import Item, Prompt, Subject, fill
from harness.calls.calls import identity_digest
from harness.tasks.graders import gold_text
from harness.tasks.letters import read_letter

Verdict = Literal["right", "wrong", "not attempted"]

TEXTS: Mapping[str, str] = {
    "grade": "Grade an answer to a question. Compare it with the reference answer.\n"
    "A: CORRECT. It holds what the reference says and nothing that contradicts it; wording, capitals and spelling do "
    "not matter, and more detail does not harm.\n"
    "B: INCORRECT. It contradicts the reference, even when it hedges.\n"
    'C: NOT ATTEMPTED. It leaves out what the reference says and does not contradict it, as in "I don\'t know".\n'
    "Reply with the letter only.\n\nQuestion: $question\nReference answer: $reference\nAnswer: $answer"
}
"""The grades follow SimpleQA (Wei et al. 2024), in our words and shorter."""

_VERDICTS: Mapping[str, Verdict] = {"A": "right", "B": "wrong", "C": "not attempted"}
_CHOICES = ("CORRECT", "INCORRECT", "NOT ATTEMPTED")


def judge_name(judge: Subject, wording: Mapping[str, str]) -> str:
    """The judge's name: the model's, and 8 hex digits each of the loaded model and of the wording."""
    weights = identity_digest(judge.engine.identity)[:8]
    words = hashlib.sha256(wording["grade"].encode()).hexdigest()[:8]
    return f"{judge.model or 'model'} {weights}{'' if judge.name else ' (the subject itself)'}, prompt {words}"


async def verdict(item: Item, judge: Subject, answer: str, wording: Mapping[str, str]) -> Verdict | None:
    """The verdict of a model that sees the reference answer; None when it names no letter.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
    """
    shown = {"question": item.fields["question"], "reference": gold_text(item), "answer": answer}
    reply = await judge.generate(Prompt.user(fill(wording["grade"], shown)), max_tokens=8, stop=["\n"])
    return _VERDICTS.get(read_letter(reply.text, _CHOICES))
