"""Requests for an answer with a confidence or an uncertainty, for its critique (Zong et al. 2025), shortened, and for
another answer without a critique.

What is the same for all items stands first, question and reply last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from experiments.shared.confidence import Instrument, read_stated
from harness import Item, Message, Probability, Prompt, Text, fill
from harness.tasks.texts import after_thought, own_text, words

Stage = Literal["vanilla", "critique", "again"]

TEXTS: Mapping[str, str] = {
    "system": "You are a helpful assistant.",
    "vanilla": "Answer the following $what and give your $instrument. $rules\n\nQuestion: $question",
    "critique": "You previously answered the following $what. Your response ended with '$form'. Now refine your answer "
    "by reassessing the question and your initial reasoning. Consider ambiguities and steps that could improve the "
    "accuracy of your answer and the calibration of your $instrument. $rules\n\nQuestion: $question\n"
    "Initial response: $first",
    "again": "You previously answered the following $what. Your response ended with '$form'. Now answer it again and "
    "give your $instrument. $rules\n\nQuestion: $question\nInitial response: $first",
    "rules": "Your response should $end '$form', where ANSWER is $answer and NUMBER is from 0 to 100, indicating how "
    "$sure. If you are not sure, give a $direction percentage.",
    "form": "$opening ANSWER, and the $instrument is NUMBER%",
    "vanilla_opening": "The answer is",
    "critique_opening": "The refined answer is",
    "again_opening": "The answer is",
    "open_question": "question",
    "open_answer": "the direct answer",
    "choice_question": "multiple choice question",
    "choice_answer": "the letter of one choice",
    "confidence_meaning": "sure you are about your answer",
    "uncertainty_meaning": "uncertain you are about the question",
}

_SLOT = re.compile(r"ANSWER|NUMBER|[A-Za-z]+(?:_[A-Za-z]+)+")
"""Placeholders that small models write in place of an answer: a word of the form, or a name like country_name."""
_AROUND = " \t[]*,"
_ANSWER = re.compile(
    r"\banswer(?: is\b|(?=:))[ :*]{0,4}(?P<answer>(?:(?!\banswer(?: is\b|:)).){1,1000}?)"
    r"(?=(?P<score>[,.;]?[ (*-]{0,4}(?:and )?(?:(?:the|my|with an?|with) )?"
    r"(?:(?:[a-z]{1,10} ){0,2}\*{0,2}|[0-9]{1,3}(?:\.[0-9]{1,4})? ?% )(?:confidence|uncertainty)\b"
    r"|[,.;]? {0,2}(?:and )?I(?:'m| am) (?:\w{1,12} )?[0-9]{1,3}(?:\.[0-9]{1,4})? ?%)|\n|(?P<end>$))",
    re.IGNORECASE,
)


def kind_of(item: Item) -> str:
    """Whether a question is "open" or one of "choice"."""
    return "choice" if "choices" in item.fields else "open"


def prompt_for(
    wording: Mapping[str, str], item: Item, instrument: Instrument, stage: Stage, first: str | None, *, reason: bool
) -> Prompt:
    """The request for answer and score, at first, after a critique, or again.

    Args:
        wording: the experiment's texts, see `TEXTS`; an empty "system" leaves the system message out.
        first: the whole first reply, which later requests hold letter for letter; None of that reply's own request.
        reason: whether the model may reason; if not, its reply is begun for it.
    """
    kind = kind_of(item)

    def form(stage: Stage) -> str:
        opening = fill(wording[f"{stage}_opening"], {})
        return fill(wording["form"], {"opening": opening, "instrument": instrument})

    rules = {
        "end": "end with" if reason else "be",
        "form": form(stage),
        "answer": fill(wording[f"{kind}_answer"], {}),
        "sure": fill(wording[f"{instrument}_meaning"], {}),
        "direction": "lower" if instrument == "confidence" else "higher",
    }
    request = {
        "what": fill(wording[f"{kind}_question"], {}),
        "instrument": instrument,
        "rules": fill(wording["rules"], rules),
        "question": item.fields["question"],
        "form": form("vanilla"),
        "first": first,
    }
    messages = [Message("user", fill(wording[stage], request))]
    if system := fill(wording["system"], {}):
        messages.insert(0, Message("system", system))
    return Prompt(tuple(messages), "" if reason else fill(wording[f"{stage}_opening"], {}))


def read(prompt: Prompt, reply: Text, instrument: Instrument) -> tuple[str, str, Probability | None, bool]:
    """The whole reply without thinking, its answer ("" without one), the confidence, and whether that was in the form.

    Of a reply that was cut off, a number or an answer that reaches its very end is not read: "8" may become "85". A
    percentage that is the answer is not the score. Of several answers the last with a score counts, else the last; none
    of an exercise that the model goes on to.
    """
    text, ended = prompt.prefill + after_thought(reply.text), reply.finish == "stop"
    said = own_text(text)
    statements = list(_ANSWER.finditer(said))
    found = [m for m in statements if m["score"]][-1:] or statements[-1:]
    answer, rest = "", said
    if found:
        begin, end = found[0].span("answer")
        answer = said[begin:end] if ended or found[0]["end"] is None else ""
        answer = answer.strip(_AROUND).removesuffix(".").strip(_AROUND)
        rest = f"{said[:begin]} it {said[end:]}"
    score, in_form = read_stated(rest if ended else re.sub(r"[0-9][0-9.,]*$", "", rest), instrument)
    return text, answer if words(answer) and not _SLOT.fullmatch(answer) else "", score, in_form
