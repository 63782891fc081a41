"""CriticBench: answers of language models with labels, to be judged and corrected (Lin et al. 2024, 2402.14809)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.items import SOLUTION, Grader, Item
from harness.tasks.cells import missing
from harness.tasks.criticbench_graders import final_formula, final_words, final_yes_no, whole_text
from harness.tasks.graders import letter_choice, number
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row

CODE = ("HumanEval", "MBPP")
"""Sources whose corrections are right when they pass tests, which would have to be run."""

_OPTION = re.compile(r"(?:^|(?<=[\s:,;]))\(?([A-Za-z])\)\s*")
_KEY = re.compile(r"\(?([A-Za-z])\)?")


@dataclass(frozen=True, kw_only=True)
class CriticBench(HubTask):
    """Answers to questions of 15 sets, each labelled right or wrong, of which 13 need no execution of code.

    On the hub: llm-agents/CriticBench, one configuration, split "test". Licence: MIT. `path` names a file of it. Rows
    of HumanEval and MBPP are passed over, and counted: a correction of them is right when it passes tests. So scores
    over all rows are not the paper's.

    Two other sets have this name. Luo et al. 2023 (arXiv 2310.04815) did not release theirs. Lan et al. 2024, now
    CriticEval (opencompass/CriticBench on the hub), withhold the test labels.

    Fields: "question"; "responses", a list with the one answer, {"text", "right", "first_error"}; "source" (GSM8K,
    MATH, AQuA, ...), "kind" (the area, "question_type" of the set). Group: the question. Gold: the reference answers.
    A correction is graded by the kind of reference: a number; the letter of an option; yes or no; a formula of MATH;
    the whole text (Repeat Copy); else the words behind the last "the answer is". These rules are ours.

    Attributes:
        sources: only rows of these sources, as ["GSM8K"]; all by default.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "huggingface.co/datasets/llm-agents/CriticBench"
    licence: ClassVar[str] = "MIT"
    files: ClassVar[Sequence[str]] = ("*.parquet", "*.jsonl", "data/*.parquet", "data/*.jsonl")
    name: str = "criticbench"
    hub: str = "llm-agents/CriticBench"
    sources: Sequence[str] = ()

    def item(self, row: Row) -> Item | None:
        source = row.text("question_source")
        if self.sources and source not in self.sources:
            row.pass_over(f"rows of other sources than {', '.join(self.sources)}")
            return None
        if source in CODE:
            row.pass_over(f"rows of {source}, whose corrections would have to be executed")
            return None
        question = row.text("question")
        gold, grader, choices = _gold(row, source, question)
        response = {"text": row.text("response"), "right": _label(row), "first_error": None}
        fields = {
            "question": question,
            "responses": [response],
            "source": source,
            "kind": row.text("question_type"),
            **({"choices": choices} if choices else {}),
        }
        return Item(fields=fields, gold=gold, grader=grader, group=question, form=SOLUTION)


def _label(row: Row) -> bool:
    """Whether the answer of a row is right.

    Raises:
        BrokenRow: the label is neither true nor false.
    """
    value = row.value("response_label")
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise row.broken(f"'response_label' is {value!r}; want true or false")
    return text in ("true", "1")


def _gold(row: Row, source: str, question: str) -> tuple[Any, Grader, list[str]]:
    """The reference, its grader, and the options of a question that has any.

    Raises:
        BrokenRow: there is no reference, or one that is no text.
    """
    value = row.unfolded("answer")
    values = value if isinstance(value, list) else [value]
    texts = [row.as_text(str(one) if isinstance(one, bool) else one, "answer") for one in values if not missing(one)]
    if not texts:
        raise row.broken("'answer' is empty; give it a text or remove the row")
    first = texts[0]
    choices = _choices(question)
    key = _KEY.fullmatch(first)
    if key and choices and (at := ord(key[1].upper()) - ord("A")) < len(choices):
        return f"({key[1].upper()}) {choices[at]}", letter_choice, choices
    if first.lower() in ("yes", "no", "true", "false"):
        return "yes" if first.lower() in ("yes", "true") else "no", final_yes_no, []
    amount = exact(first) if len(texts) == 1 else None
    if amount is not None:
        return write_number(amount), number, []
    if source == "MATH":
        return texts, final_formula, []
    return texts, whole_text if source == "Repeat Copy" else final_words, []


def _choices(question: str) -> list[str]:
    """The options that a question lists, "(A) x (B) y" or "A)x B)y"; none where they are not lettered from A on."""
    marks = list(_OPTION.finditer(question))
    starts = [at for at, mark in enumerate(marks) if mark[1].upper() == "A"]
    if not starts:
        return []
    marks = marks[starts[-1] :]
    ends = [*(mark.start() for mark in marks[1:]), len(question)]
    texts = [question[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    in_order = all(mark[1].upper() == chr(ord("A") + at) for at, mark in enumerate(marks))
    return texts if in_order and len(texts) > 1 and all(texts) and len(set(texts)) == len(texts) else []
