"""Defines an item of a task: its content, its gold answer, and how an answer is graded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from harness.errors import HarnessError
from harness.files import json_of

FIRST_ITEM, FIRST_ROW = "run_item", "run_row"
"""Fields of an item that was made of an earlier run (`tasks.run`): the id of the item that the first run asked about,
and which of its rows it is."""


Fate = Literal["answered", "refused", "cut", "unreadable", "empty", "error"]
"""The fate of an answer. answered: read and graded. refused: the model says that it does not know. cut: it hit the
token limit. unreadable: no answer was found in it. empty: it has no words. error: it could not be asked for."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The result of reading a text with a grader.

    Attributes:
        answer: the answer as parsed and normalised ("" when nothing could be parsed).
        correct: True or False; None when the text holds no answer that can be read.
    """

    answer: str
    correct: bool | None


Grader = Callable[[str, "Item"], Grade]

_GRADERS: set[Grader] = set()


def grader(function: Grader) -> Grader:
    """Marks a function as a grader, so that a config can name it: a text of the model goes to no other function."""
    _GRADERS.add(function)
    return function


def is_grader(thing: object) -> bool:
    """Whether something is a function marked with `grader`."""
    return callable(thing) and thing in _GRADERS


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How much room an answer gets.

    A budget that is too small cuts answers, and a cut answer counts as wrong. So a task of worked solutions asks for
    more room than a task of names.

    Attributes:
        max_tokens: cap on the generated tokens.
        stop: texts that end the answer.
    """

    max_tokens: int
    stop: tuple[str, ...]


SHORT = AnswerForm(48, ("\n",))
"""A name, a date, a number: one line."""

SOLUTION = AnswerForm(512, ("\nQuestion:",))
"""A worked solution of several lines, up to the next question that a base model asks itself."""


Group = str | tuple[str, ...]
"""The name of an item's group, or the names of several."""


def group_text(names: Sequence[str]) -> str:
    """The names of an item's groups as one text, as rows have them: a single name as it is, several as a JSON list."""
    return names[0] if len(names) == 1 else json.dumps(list(names), ensure_ascii=False)


def groups_in(text: str) -> tuple[str, ...]:
    """The names of the groups in a text of `group_text`."""
    if not text.startswith('["'):
        return (text,)
    try:
        names = json_of(text)
    except ValueError:
        return (text,)
    several = isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) and name for name in names)
    return tuple(names) if several else (text,)


@dataclass(frozen=True)
class Item:
    """One test item.

    Attributes:
        fields: contents to show to a model ("question", "choices", ...) or to stratify by ("difficulty").
            JSON-like values only. The gold answer is never among them.
        gold: the right answer, in the form that the grader expects (JSON-like).
        grader: the function that judges a model's text against this item.
        group: the cluster for the statistics (story, template, document); "" means the item stands alone. Several names
            mean that it shares each of them with other items: the two years of a pair, or "person 3" and "stimulus 3",
            which need different names, as one name is one group wherever it stands.
        form: how much room an answer gets. It is no part of the item's id.
        released: the grader of the set's own release, where its rules differ from ours. It is no part of the item's id.
    """

    fields: Mapping[str, Any]
    gold: Any
    grader: Grader = field(repr=False, compare=False)
    group: Group = ""
    form: AnswerForm = field(default=SHORT, repr=False, compare=False)
    released: Grader | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = (self.group,) if isinstance(self.group, str) else self.group
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names) or "" in names[1:]:
            raise HarnessError(
                f"an item has group={self.group!r}; give a name, a tuple of names that are not empty, or nothing"
            )

    @cached_property
    def id(self) -> str:
        """16 hex digits derived from fields, gold and group: the same content has the same id everywhere."""
        names = list(self.groups)
        group = names if len(names) > 1 else "".join(names)
        text = json.dumps([self.fields, self.gold, group], sort_keys=True, ensure_ascii=False)
        try:
            return hashlib.sha256(text.encode()).hexdigest()[:16]
        except UnicodeEncodeError as error:
            cut = text[max(0, error.start - 60) : error.start]
            raise HarnessError(
                f"an item holds half a surrogate pair (a text cut inside an emoji) after {cut!r}; repair that text"
            ) from error

    @property
    def groups(self) -> tuple[str, ...]:
        """The different names of its group; () for an item that stands alone."""
        names = groups_in(self.group) if isinstance(self.group, str) else self.group
        return tuple(dict.fromkeys(filter(None, names)))

    @property
    def clusters(self) -> tuple[str, ...]:
        """The groups, or the item's own id when it has none."""
        return self.groups or (self.id,)

    @property
    def cluster(self) -> str:
        """The groups, or the item's own id, as one text: the name of a single one, a JSON list of several."""
        return group_text(self.clusters)

    def grade(self, text: str) -> Grade:
        """Judges a model's text with the task's grader."""
        return self.grader(text, self)
