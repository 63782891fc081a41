"""Solutions of GSM8K by four early language models, with labels (Cobbe et al. 2021, arXiv 2110.14168)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from harness.items import SOLUTION, Item
from harness.tasks.graders import number
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row

Author = Literal["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]
_COMPUTED = re.compile(r"<<[^<>\n]{0,200}>>")
_FINAL = re.compile(r"^A: ?(.+)\Z", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Gsm8kSolutions(HubTask):
    """Questions of GSM8K's test set with the solutions that its authors published, one each of four models.

    Not known to be on the hub. `path` names example_model_solutions.jsonl of github.com/openai/grade-school-math, or a
    folder with it. Licence: MIT.

    Fields: "question"; "responses", a list of {"text", "right", "first_error"}, with the authors' labels; equal
    solutions stand there once. The marks of their calculator (<<3*3=9>>) are cut out, and the last line "A: 9" is told
    as "The answer is 9." "source" is GSM8K, "difficulty" the steps of the reference solution. Gold: the number in it.

    Attributes:
        authors: the smaller or the larger model, fine-tuned alone or with a verifier that picks among samples. The
            labels are not balanced: 21 to 57 % are right.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/openai/grade-school-math (example_model_solutions.jsonl)"
    licence: ClassVar[str] = "MIT"
    files: ClassVar[Sequence[str]] = ("example_model_solutions.jsonl",)
    name: str = "gsm8k_solutions"
    hub: str = ""
    authors: Sequence[Author] = get_args(Author)

    def item(self, row: Row) -> Item:
        reference = row.text("ground_truth")
        final = _FINAL.search(reference)
        gold = exact(final[1]) if final else None
        if gold is None:
            raise row.broken(f"'ground_truth' has no number after \"A:\": ...{reference[-60:]!r}")
        solutions = dict(_solution(row, author) for author in self.authors)
        fields = {
            "question": row.text("question"),
            "responses": [{"text": text, "right": right, "first_error": None} for text, right in solutions.items()],
            "source": "GSM8K",
            "difficulty": float(len(reference.splitlines()) - 1),
        }
        return Item(fields=fields, gold=write_number(gold), grader=number, form=SOLUTION)


def _solution(row: Row, author: Author) -> tuple[str, bool]:
    """The solution of an author, and whether it is right.

    Raises:
        HarnessError: no such column.
        BrokenRow: it has no text or no label.
    """
    value = row.unfolded(author)
    solution = value.get("solution") if isinstance(value, dict) else None
    right = value.get("is_correct") if isinstance(value, dict) else None
    if not isinstance(right, bool):
        raise row.broken(f"{author!r} has no 'is_correct' that is true or false")
    text = _COMPUTED.sub("", row.as_text(solution, author))
    return _FINAL.sub(r"The answer is \1.", text), right
