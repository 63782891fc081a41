"""FANToM: who of a conversation knows what was said while somebody was away (Kim et al. 2023, arXiv 2310.15421)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.items import SHORT, Grader, Item
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row
from harness.tasks.tom.fantom_graders import letter_fantom, names, names_fantom, yes_no_fantom
from harness.tasks.tom.questions import about_story, shuffled

INACCESSIBLE = "inaccessible"
_ORDERS = {"first": 1, "second": 2}
_ASKED = {
    "answerability": ("answerabilityQA_list", "answerabilityQAs_binary"),
    "accessibility": ("infoAccessibilityQA_list", "infoAccessibilityQAs_binary"),
}
"""The columns of the two kinds of questions about knowledge: the list, and one question a character."""


@dataclass(frozen=True, kw_only=True)
class Fantom(HubTask):
    """Questions on conversations that people join and leave, in sets about one fact that was told meanwhile.

    `path` names fantom_v1.json, or the folder that the release's `task/dataset_loader.py` unpacks. Licence: MIT for the
    code; the data come by download.

    A row is a set. It gives the questions on the fact (order 0), the beliefs about it (orders 1 and 2), whether each
    person can answer the question about it (answerability) and has the information (accessibility). Beliefs and the
    fact have two options, the right one and the one that the release names as wrong; for a belief this is the view of
    somebody who heard everything. Which of them comes first depends on the texts.

    "ability" is fact, belief, answerability, accessibility, answerability list or accessibility list; "condition" is
    "inaccessible" (somebody missed the information) or "accessible" (a control). Unit: the set and the condition, for
    all questions but the fact. So the joint score of the inaccessible ones is the paper's ALL; its ALL* also wants free
    answers about beliefs, which the release judges by an embedding and which are left out. Group: the part of the
    conversation that is shown, or the conversation.

    With the short context, the yes-or-no questions that only the full one answers ("no:long") are passed over, as in
    the release. With the full one, all questions about knowledge of a set are inaccessible as soon as one person lacks
    it. A set with a broken question is left out whole, because its joint score would be about fewer questions.

    Attributes:
        context: "short" (the part around the fact) or "full" (the conversation).
        lists: "each" asks for every person whether the name belongs on the list; the joint score is the same. "whole"
            asks for the list, an answer without options that is graded by whole names.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/skywalker023/fantom"
    licence: ClassVar[str] = "MIT (code), data by download"
    files: ClassVar[Sequence[str]] = ("fantom_v1.json", "*/fantom_v1.json")
    name: str = "fantom"
    hub: str = ""
    context: Literal["short", "full"] = "short"
    lists: Literal["each", "whole"] = "each"

    def item(self, row: Row) -> list[Item]:
        conversation = Conversation(row, row.text(f"{self.context}_context"), self._group(row), row.text("set_id"))
        fact = _object(row, row.unfolded("factQA"), "factQA")
        return [
            *_fact(conversation, fact),
            *_beliefs(conversation),
            *(item for ability in _ASKED for item in self._knowledge(conversation, ability, fact)),
        ]

    def _group(self, row: Row) -> str:
        # A set is called "12-0-1": conversation, part, set.
        return "-".join(row.text("set_id").split("-")[: 2 if self.context == "short" else 1])

    def _knowledge(self, told: Conversation, ability: str, fact: Mapping[str, Any]) -> Iterator[Item]:
        row, (list_column, column) = told.row, _ASKED[ability]
        about = told.text(fact, "question", "factQA")
        if ability == "answerability":
            about = f"Target: {about}"
        else:
            about = f"Information: {about} {told.text(fact, 'correct_answer', 'factQA')}"
        asked = _object(row, row.unfolded(list_column), list_column)
        knowing, others = (_names(row, asked.get(key), list_column) for key in ("correct_answer", "wrong_answer"))
        if not knowing or {*knowing} & {*others}:
            raise row.broken(f"{list_column!r} names {knowing} as right and {others} as wrong")
        condition = self._condition(asked, bool(others))
        question = f"{about}\n{told.text(asked, 'question', list_column)}"
        if self.lists == "whole":
            yield told.list_item(question, knowing, others, f"{ability} list", condition)
        else:
            for name in (*knowing, *others):
                each = f"{question}\nDoes {name} belong on this list?"
                yield told.yes_no(each, name in knowing, f"{ability} list", condition, None)
        questions = _objects(row, row.unfolded(column), column)
        answers = [told.text(one, "correct_answer", column).lower() for one in questions]
        for one, answer in zip(questions, answers, strict=True):
            if answer not in ("yes", "no", "no:long"):
                raise row.broken(f"{column!r} has the answer {answer!r}; want yes, no or no:long")
            if answer == "no:long" and self.context == "short":
                row.pass_over("a yes-or-no question that only the full conversation answers (task.context=full)")
                continue
            condition = self._condition(one, any(other != "yes" for other in answers))
            question = f"{about}\n{told.text(one, 'question', column)}"
            yield told.yes_no(question, answer == "yes", ability, condition, yes_no_fantom)

    def _condition(self, question: Mapping[str, Any], somebody_lacks_it: bool) -> str:
        if self.context == "full" and somebody_lacks_it:
            return INACCESSIBLE
        return str(question.get("missed_info_accessibility") or "")


@dataclass(frozen=True)
class Conversation:
    """A conversation as it is shown, and the set of questions on it."""

    row: Row
    story: str
    group: str
    name: str

    def text(self, question: Mapping[str, Any], key: str, column: str) -> str:
        """A text of a question.

        Raises:
            BrokenRow: it is missing, or no text.
        """
        return self.row.as_text(question.get(key), f"{column}.{key}")

    def unit(self, condition: str) -> str:
        """The questions of the set that make a joint score."""
        return f"{self.name} {condition}".strip()

    def two_options(self, question: Mapping[str, Any], column: str, **about: Any) -> Item:
        """A question with its right and its wrong answer as options."""
        asked = self.text(question, "question", column)
        options = [self.text(question, key, column) for key in ("correct_answer", "wrong_answer")]
        choices, right = shuffled(options, 0, asked)
        released = letter_fantom if about["order"] else None
        return about_story(
            f"{self.row.where}, {column}",
            story=self.story,
            asked=asked,
            choices=choices,
            right=right,
            group=self.group,
            released=released,
            **about,
        )

    def yes_no(self, asked: str, answer: bool, ability: str, condition: str, released: Grader | None) -> Item:
        """A question about what one person knows."""
        return about_story(
            f"{self.row.where}, {ability}",
            story=self.story,
            asked=asked,
            choices=["Yes", "No"],
            right=0 if answer else 1,
            group=self.group,
            ability=ability,
            condition=condition,
            order=1,
            unit=self.unit(condition),
            released=released,
        )

    def list_item(
        self, asked: str, knowing: Sequence[str], others: Sequence[str], ability: str, condition: str
    ) -> Item:
        """A question for a list of names: without options, with the other fields of `about_story`."""
        fields = {
            "question": f"{self.story}\n\n{asked}",
            "story": self.story,
            "asked": asked,
            "ability": ability,
            "condition": condition,
            "order": 1,
            "unit": self.unit(condition),
            "places": [],
        }
        gold = [", ".join(knowing), list(knowing), list(others)]
        return Item(fields, gold, names, group=self.group, form=SHORT, released=names_fantom)


def _fact(told: Conversation, fact: Mapping[str, Any]) -> Iterator[Item]:
    if not isinstance(fact.get("wrong_answer"), str) or not fact["wrong_answer"].strip():
        told.row.pass_over("a question on the fact without a wrong answer to choose from")
        return
    yield told.two_options(fact, "factQA", ability="fact", order=0)


def _beliefs(told: Conversation) -> Iterator[Item]:
    for question in _objects(told.row, told.row.unfolded("beliefQAs"), "beliefQAs"):
        condition = str(question.get("missed_info_accessibility") or "")
        order = _ORDERS.get(str(question.get("tom_type") or "").partition("-")[0])
        if order is None:
            raise told.row.broken(f"'beliefQAs' has the tom_type {question.get('tom_type')!r}; want first-order, ...")
        yield told.two_options(
            question, "beliefQAs", ability="belief", condition=condition, order=order, unit=told.unit(condition)
        )


def _objects(row: Row, value: Any, column: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise row.broken(f"{column!r} is no list of questions")
    return value


def _object(row: Row, value: Any, column: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise row.broken(f"{column!r} is no question with its answers")
    return value


def _names(row: Row, value: Any, column: str) -> list[str]:
    if not isinstance(value, list):
        raise row.broken(f"{column!r} has no list of names")
    return list(dict.fromkeys(row.as_text(name, column) for name in value))
