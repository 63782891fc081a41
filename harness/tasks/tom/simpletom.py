"""SimpleToM: what somebody knows, what they will do, and how to judge it (Gu et al. 2024, arXiv 2410.13648)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.answer_keys import read_question
from harness.tasks.cells import missing
from harness.tasks.hub import HubTask
from harness.tasks.hub_sets import read_hub
from harness.tasks.rows import ReadItems, Row
from harness.tasks.tom.questions import about_story
from harness.tasks.tom.simpletom_released import letter_simpletom

Kind = Literal["mental-state", "behavior", "judgment"]
KINDS: tuple[Kind, ...] = ("mental-state", "behavior", "judgment")
_KIND_BY_ENDING: dict[str, Kind] = {"aware": "mental-state", "action": "behavior", "judge": "judgment"}
_ID = re.compile(r"(?P<story>(?P<family>.+?)(?:_sev(?P<severity>[^_]+))?)_(?P<ending>[^_]+)")


@dataclass(frozen=True, kw_only=True)
class SimpleToM(HubTask):
    """Stories of two sentences in which somebody cannot know a fact, with three questions each.

    On the hub: allenai/SimpleToM, 1,147 stories, 3,441 questions, a configuration for each kind of question. Licence of
    the data: ODC-BY. `path` names a file of it, a folder with its folders (mental-state-qa/test.jsonl, ...), or the
    authors' seed stories in the same form with the column "question_type" (Apache-2.0, as their code; scores on these
    are no scores on SimpleToM).

    The right answer is always "No" (mental-state), the act of somebody who does not know (behavior), and "Reasonable"
    (judgment). So a constant answer is right on the whole set; compare with stories in which the fact is told.

    Fields: "ability" is the kind of question. "unit" names the story, whose three questions make a joint score.
    "severity" (a text, "1" to "3") is how bad the fact is; stories that differ in it alone have one group. "scenario"
    is the kind of situation.

    Attributes:
        kinds: the kinds of questions: mental-state, behavior, judgment.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "huggingface.co/datasets/allenai/SimpleToM"
    licence: ClassVar[str] = "ODC-BY"
    files: ClassVar[Sequence[str]] = ("*-qa/*.jsonl", "*qa*.jsonl")
    name: str = "simpletom"
    hub: str = "allenai/SimpleToM"
    kinds: Sequence[Kind] = KINDS

    def load(self) -> ReadItems:
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise HarnessError(f"task.kinds={list(self.kinds)}: give some of {', '.join(KINDS)}")
        if self.path or not self.hub or self.config:
            return super().load()
        configs = [f"{kind}-qa" for kind in KINDS if kind in self.kinds]
        return ReadItems.joined(
            [self.items(read_hub(self.hub, config, self.split, self.revision)) for config in configs]
        )

    def item(self, row: Row) -> Item | None:
        name = row.text("id")
        parts = _ID.fullmatch(name)
        if parts is None:
            raise row.broken(f"'id' is {name!r}; want the story's name, _sev and a number, and the kind of question")
        kind = self._kind(row, parts["ending"])
        if kind not in self.kinds:
            return None
        question = read_question(row, "choices", "answerKey", None)
        right = question.place("label")
        if right is None:
            raise row.broken(f"'answerKey' is {question.answer!r}, which is none of {', '.join(question.labels)}")
        return about_story(
            row.where,
            story=row.text("story"),
            asked=row.text("question"),
            choices=question.texts,
            right=right,
            group=row.text("family") if "family" in row.rows.names else parts["family"],
            ability=kind,
            unit=parts["story"],
            more={
                "severity": parts["severity"] or "",
                "scenario": row.text("scenario_name") if "scenario_name" in row.rows.names else "",
            },
            released=letter_simpletom,
        )

    def _kind(self, row: Row, ending: str) -> str:
        """The kind that the row names, else the one that its id ends in."""
        named = row.value("question_type") if "question_type" in row.rows.names else None
        kind = _KIND_BY_ENDING.get(ending, "") if missing(named) else str(named).strip()
        if kind not in KINDS:
            found = f"'question_type' is {named!r}" if kind else f"'id' ends in {ending!r}"
            raise row.broken(f"{found}, which is none of {', '.join(KINDS)} (ids: {', '.join(_KIND_BY_ENDING)})")
        return kind
