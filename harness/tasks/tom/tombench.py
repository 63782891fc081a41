"""ToMBench: multiple choice on six kinds of theory-of-mind abilities (Chen et al. 2024, arXiv 2402.15052)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from harness.items import Item
from harness.tasks.cells import missing
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row
from harness.tasks.tom.questions import about_story, distinct, story_name
from harness.tasks.tom.released import letter_tombench

ABILITY, ANSWER = "能力\nABILITY", "答案\nANSWER"
"""Columns of the release, whose names hold a line break."""

_LETTERS = "ABCD"
_COLUMNS = {"en": ("STORY", "QUESTION", "OPTION-"), "zh": ("故事", "问题", "选项")}
# The option's own letter: "A. x", "A.x", "A: x", "A.. x", with Latin or Chinese marks. "A person" is no letter.
_OWN = "^{letter} ?[.:\uff1a\uff0e\u3001]+\\s*[:\uff1a]?\\s*"


@dataclass(frozen=True, kw_only=True)
class ToMBench(HubTask):
    """2,860 questions with two or four options, in English and in Chinese.

    Not known to be on the hub. `path` names the folder of the release with its 20 files (data/*.jsonl of
    github.com/zhchen18/ToMBench), or one of them. Licence: MIT; the authors ask to use it for evaluation only.

    The options stand in the order of the set, whose right answers are skewed (B in 967 rows): read scores over all
    rotations. 483 rows have two options, so that chance is .292. Letters that options carry themselves ("A. ") are cut
    off, since options are lettered here. Two English rows have an option twice; they are kept without the second copy,
    and the run says so.

    Fields: "ability" ("Belief: Location false beliefs"), "kind" (the part before the colon: Belief, Desire, Emotion,
    Intention, Knowledge, Non-Literal Communication), "test" (the name of the file), "order" (2 where the set says so,
    else None). Group and unit: the story, of which the paper's coherence test wants all questions right.

    Attributes:
        language: English (en) or Chinese (zh).
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/zhchen18/ToMBench (folder data)"
    licence: ClassVar[str] = "MIT, for evaluation only"
    files: ClassVar[Sequence[str]] = ("*.jsonl", "data/*.jsonl")
    name: str = "tombench"
    hub: str = ""
    language: Literal["en", "zh"] = "en"

    def item(self, row: Row) -> Item:
        story_column, question_column, option_columns = _COLUMNS[self.language]
        story, letter = row.text(story_column), row.text(ANSWER)[0]
        options = self._options(row, option_columns)
        if letter not in _LETTERS[: len(options)]:
            raise row.broken(f"the answer is {row.text(ANSWER)!r}; it has the options {_LETTERS[: len(options)]}")
        choices, right = distinct(options, _LETTERS.index(letter))
        if len(choices) < len(options):
            row.mended(f"an option stands twice in {options}; it is shown once")
        kind, ability = _ability(row.text(ABILITY))
        return about_story(
            row.where,
            story=story,
            asked=row.text(question_column),
            choices=choices,
            right=right,
            group=story_name(story),
            ability=ability,
            order=2 if "second-order" in ability.lower() else None,
            unit=story_name(story),
            more={"kind": kind, "test": _test(row)},
            released=letter_tombench,
        )

    def _options(self, row: Row, columns: str) -> list[str]:
        """The options without letters of their own; C and D may be missing."""
        given = [letter for letter in _LETTERS if letter in "AB" or not missing(row.value(f"{columns}{letter}"))]
        if "D" in given and "C" not in given:
            raise row.broken(f"the option C is missing ({columns}C)")
        texts = {letter: row.text(f"{columns}{letter}") for letter in given}
        bare = {letter: re.sub(_OWN.format(letter=letter), "", text) for letter, text in texts.items()}
        if any(bare[letter] == texts[letter] for letter in given):
            return list(texts.values())
        return [row.as_text(bare[letter], f"{columns}{letter}") for letter in given]


def _ability(text: str) -> tuple[str, str]:
    """The kind of an ability and its full name, spelled alike everywhere.

    The set writes some kinds in two ways, and names two abilities of a row one after the other
    ("Belief: Location false beliefs Belief: Second-order beliefs").
    """
    kind, colon, rest = text.partition(":")
    named = kind.strip().title() if colon else ""
    return named, f"{named}: {rest.strip().replace(f' {kind}: ', ', ')}" if colon else text


def _test(row: Row) -> str:
    """The test that a file holds: "False_Belief_Task.jsonl" is "False Belief Task"; "" for rows of no such file."""
    file = Path(row.rows.origin)
    return file.stem.replace("_", " ") if file.suffix == ".jsonl" else ""
