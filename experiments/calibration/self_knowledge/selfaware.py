"""SelfAware: questions with an answer, and questions that nobody can answer (Yin et al. 2023, Findings of ACL)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.refusals import admits_unknown
from harness.tasks.rows import missing, read_file


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
    """

    version: ClassVar[str] = "1"
    name: str = "selfaware"
    duplicates: Literal["error", "drop"] = "drop"
    path: str

    def load(self) -> list[Item]:
        rows = read_file(self.path)
        items = []
        columns = zip(rows.texts("question"), rows.column("answer"), rows.column("answerable"), strict=True)
        sources = rows.texts("source") if "source" in rows.names else ["SelfAware"] * len(rows)
        for at, (question, answer, answerable) in enumerate(columns):
            accepted = [answer] if isinstance(answer, str) else answer or []
            if not isinstance(answerable, bool) or not isinstance(accepted, list):
                raise HarnessError(
                    f"{rows.where(at)}: 'answerable' is {answerable!r} and 'answer' is {answer!r}; want true or false, "
                    "and a list of texts or null"
                )
            gold = list(dict.fromkeys(str(a).strip() for a in accepted if not missing(a)))
            if answerable != bool(gold):
                raise HarnessError(f"{rows.where(at)}: 'answerable' is {answerable}, but the answers are {gold}")
            fields = {"question": question, "kind": "answerable" if gold else "unanswerable", "source": sources[at]}
            items.append(Item(fields=fields, gold=gold, grader=short_answer if gold else admits_unknown))
        return items
