"""SelfAware: questions with an answer, and questions that nobody can answer (Yin et al. 2023, Findings of ACL)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness import Item, Task
from harness.tasks.cells import missing
from harness.tasks.graders import short_answer
from harness.tasks.refusals import admits_unknown
from harness.tasks.rows import ReadItems, Row, make_items, read_file


@dataclass(frozen=True, kw_only=True)
class SelfAware(Task):
    """Rows of the set's own file, data/SelfAware.json of github.com/yinzhangyue/SelfAware.

    The file is not part of this package. Its licence is CC BY-SA 4.0, and its description asks for the authors'
    permission before commercial use. Rows: "question", "answer" (a list; null where there is none), "answerable",
    "source". Of 3,369 questions 1,032 have no answer. Fields: "question", "kind" ("answerable" or "unanswerable"),
    "source" (where the question is from). Gold: the accepted answers; an empty list where there is none, and then a
    text that says so is right.

    Attributes:
        path: that file.
        max_broken: share of broken rows that are left out; with more of them the file is refused.
    """

    version: ClassVar[str] = "1"
    name: str = "selfaware"
    path: str
    max_broken: float = 0.05

    def load(self) -> ReadItems:
        return make_items(read_file(self.path), self._item, self.max_broken)

    def _item(self, row: Row) -> Item:
        answer, answerable = row.value("answer"), row.value("answerable")
        accepted = [answer] if isinstance(answer, str) else answer or []
        if not isinstance(answerable, bool) or not isinstance(accepted, list):
            raise row.broken(
                f"'answerable' is {answerable!r} and 'answer' is {answer!r}; want true or false, and a list of texts "
                "or null"
            )
        gold = list(dict.fromkeys(row.as_text(a, "answer") for a in accepted if not missing(a)))
        if answerable != bool(gold):
            raise row.broken(f"'answerable' is {answerable}, but the answers are {gold}")
        source = row.text("source") if "source" in row.rows.names else "SelfAware"
        fields = {"question": row.text("question"), "kind": "answerable" if gold else "unanswerable", "source": source}
        return Item(fields=fields, gold=gold, grader=short_answer if gold else admits_unknown)
