"""A model that grades short answers: right, wrong, or not attempted."""

from __future__ import annotations

import hashlib
import string
from typing import Literal

from harness import Item, Prompt, Subject
from harness.calls.calls import identity_digest
from harness.tasks.graders import gold_text
from harness.tasks.letters import read_letter

Verdict = Literal["right", "wrong", "not attempted"]

_WORDING = string.Template(
    "Grade an answer to a question. Compare it with the reference answer.\n"
    "A: CORRECT. It holds what the reference says and nothing that contradicts it; wording, capitals and spelling do "
    "not matter, and more detail does not harm.\n"
    "B: INCORRECT. It contradicts the reference, even when it hedges.\n"
    'C: NOT ATTEMPTED. It leaves out what the reference says and does not contradict it, as in "I don\'t know".\n'
    "Reply with the letter only.\n\nQuestion: $question\nReference answer: $reference\nAnswer: $answer"
)
_VERDICTS: dict[str, Verdict] = {"A": "right", "B": "wrong", "C": "not attempted"}
_CHOICES = ("CORRECT", "INCORRECT", "NOT ATTEMPTED")


def judge_name(subject: Subject) -> str:
    """Who judges by which words: the model's name, and 8 hex digits each of what was loaded and of the wording."""
    judge = subject.role("judge")
    weights = identity_digest(judge.engine.identity)[:8]
    wording = hashlib.sha256(_WORDING.template.encode()).hexdigest()[:8]
    return f"{judge.model or 'model'} {weights}{'' if judge.name else ' (the subject itself)'}, prompt {wording}"


async def judge(item: Item, subject: Subject, answer: str) -> Verdict | None:
    """The verdict of the model that plays the judge, who sees the reference answer; None when it names no letter.

    The three grades are those of SimpleQA (Wei et al. 2024), in our words and shorter.
    """
    prompt = _WORDING.substitute(question=item.fields["question"], reference=gold_text(item), answer=answer)
    reply = await subject.role("judge").generate(Prompt.user(prompt), max_tokens=8, stop=["\n"])
    return _VERDICTS.get(read_letter(reply.text, _CHOICES))
