"""Requests for an answer with a confidence or an uncertainty, and for its critique (Zong et al. 2025), shortened.

What is the same for all items stands first, question and reply last.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal

from experiments.shared.confidence import Instrument, after_thought, read_stated
from harness import Item, Message, Probability, Prompt, Text
from harness.tasks.texts import words

Stage = Literal["vanilla", "critique"]

_SLOT = re.compile(r"ANSWER|NUMBER|[A-Za-z]+(?:_[A-Za-z]+)+")
"""What small models write where the answer should go: a word of the form, or a name like country_name."""
_AROUND = " \t[]*,"
_ANSWER = re.compile(
    r"\banswer is\b[ :]{0,3}(?P<answer>(?:(?!\banswer is\b).){1,1000}?)"
    r"(?=[,.;]? {0,2}(?:and )?(?:the|my|with an?|with) (?:confidence|uncertainty)\b|\n|(?P<end>$))",
    re.IGNORECASE,
)


def opening(stage: Stage) -> str:
    """How a reply without reasoning is begun for the model."""
    return "The answer is" if stage == "vanilla" else "The refined answer is"


def ask(item: Item, instrument: Instrument, first: str | None, *, reason: bool, system: str) -> Prompt:
    """The request for answer and score, or for their critique.

    Args:
        first: the whole first reply, which the critique holds letter for letter; None asks for that reply.
        reason: whether the model may reason; if not, its reply is begun.
    """
    stage: Stage = "vanilla" if first is None else "critique"
    choice = "choices" in item.fields
    what = "multiple choice question" if choice else "question"
    form = "{} ANSWER, and the " + instrument + " is NUMBER%"
    if first is None:
        task = f"Answer the following {what} and give your {instrument}."
    else:
        task = (
            f"You previously answered the following {what}. Your response ended with "
            f"'{form.format(opening('vanilla'))}'. Now refine your answer by reassessing the question and your "
            "initial reasoning. Consider ambiguities and steps that could improve the accuracy of your answer and the "
            f"calibration of your {instrument}."
        )
    sure = "sure you are about your answer" if instrument == "confidence" else "uncertain you are about the question"
    what_answer = "the letter of one choice" if choice else "the direct answer"
    asked = (
        f"{task} Your response should {'end with' if reason else 'be'} '{form.format(opening(stage))}', where ANSWER "
        f"is {what_answer} and NUMBER is from 0 to 100, indicating how {sure}. If you are not sure, give a "
        f"{'lower' if instrument == 'confidence' else 'higher'} percentage.\n\nQuestion: {item.fields['question']}"
    )
    if first is not None:
        asked += f"\nInitial response: {first}"
    messages = (Message("user", asked),)
    return Prompt((Message("system", system), *messages) if system else messages, "" if reason else opening(stage))


def read(prompt: Prompt, reply: Text, instrument: Instrument) -> tuple[str, str, Probability | None, bool]:
    """The whole reply without thinking, its answer ("" without one), the confidence, and whether that was in the form.

    Of a reply that was cut off, a number or an answer that reaches its very end is not read: "8" may become "85". A
    percentage that is the answer is not the score.
    """
    text, ended = prompt.prefill + after_thought(reply.text), reply.finish == "stop"
    found = deque(_ANSWER.finditer(text), maxlen=1)
    answer, rest = "", text
    if found:
        begin, end = found[0].span("answer")
        answer = text[begin:end] if ended or found[0]["end"] is None else ""
        answer = answer.strip(_AROUND).removesuffix(".").strip(_AROUND)
        rest = f"{text[:begin]} {text[end:]}"
    score, in_form = read_stated(rest if ended else re.sub(r"[0-9][0-9.,]*$", "", rest), instrument)
    return text, answer if words(answer) and not _SLOT.fullmatch(answer) else "", score, in_form
