"""Finds the items of a run of ours that ask what another harness asked, and have the same gold answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.interop.answers import Answer
from harness.item_lines import item_lines
from harness.items import Item
from harness.runs.records import load_record
from harness.tasks.graders import grader_named
from harness.tasks.texts import typed

_STORIES = ("story", "context", "passage")
"""Fields that tell items with one question apart; they must stand in the prompt."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Answers whose items are ours where that could be shown.

    Attributes:
        task: the name of our task.
        items, paired: different questions, and how many are ours.
        other_gold: those whose question we have with another gold answer.
        ambiguous: questions that fit several of our items.
    """

    answers: tuple[Answer, ...]
    task: str
    items: int
    paired: int
    other_gold: int
    ambiguous: int

    def told(self, run: Path) -> str:
        """The counts as a sentence."""
        rest = self.items - self.paired - self.other_gold - self.ambiguous
        parts = {"have another gold answer there": self.other_gold, "fit several items": self.ambiguous}
        parts["are not in it"] = rest
        others = "".join(f"; {n} {what}" for what, n in parts.items() if n)
        return f"{self.paired} of {self.items} questions are those of {run}{others}"


def pair(answers: Sequence[Answer], run: Path) -> Paired:
    """Gives answers the items of a run where question and gold answer agree, and the story where there is one.

    Questions agree if they differ in nothing but capitals, spaces and final punctuation; gold answers, if an accepted
    one of theirs is one of ours.

    Raises:
        HarnessError: the run cannot be read, or none of its questions is among theirs.
    """
    record = load_record(run)
    known: dict[str, list[Item]] = {}
    for item in (stored_item(line, run) for line in item_lines(run)):
        known.setdefault(_asked(item), []).append(item)
    found: dict[str, Item] = {}
    other, several = 0, 0
    theirs = {one.item.id: one for one in answers}
    for key, answer in theirs.items():
        candidates = [item for item in known.get(_asked(answer.item), ()) if _in_prompt(item, answer.prompt)]
        agreeing = [item for item in candidates if _golds(item) & _golds(answer.item)]
        if len(agreeing) == 1:
            found[key] = agreeing[0]
        other += bool(candidates) and not agreeing
        several += len(agreeing) > 1
    if not found:
        raise HarnessError(
            f"--like {run}: none of the {len(theirs)} questions is one of its items with the same gold answer "
            f"({other} have another gold answer, {several} fit several items); without --like they are items of their "
            "own"
        )
    renamed = tuple(replace(one, item=found.get(one.item.id, one.item)) for one in answers)
    return Paired(renamed, str(record.manifest["task"]["name"]), len(theirs), len(found), other, several)


def stored_item(line: Mapping[str, Any], run: Path) -> Item:
    """The item of a line of calls.jsonl.

    Raises:
        HarnessError: the line names no grader, or was changed: its content gives another id.
    """
    own = line["group"] != line["item"]
    group = line["group"] if own else ""
    item = Item(fields=line["fields"], gold=line["gold"], grader=grader_named(str(line["grader"])), group=group)
    if item.id != line["item"]:
        raise HarnessError(
            f"{run / 'calls.jsonl'}: the content of item {line['item']} was changed; run its command again"
        )
    return item


def _asked(item: Item) -> str:
    """What an item asks, without its options."""
    stem = item.fields.get("stem", item.fields.get("question", ""))
    return _wording(stem if isinstance(stem, str) else "")


def _golds(item: Item) -> set[str]:
    gold = item.gold if isinstance(item.gold, list) else [item.gold]
    return {_wording(re.sub(r"^\([A-Z]\) ", "", str(one)) if "choices" in item.fields else str(one)) for one in gold}


def _in_prompt(item: Item, prompt: str) -> bool:
    stories = [item.fields[name] for name in _STORIES if isinstance(item.fields.get(name), str)]
    return not stories or all(_wording(story) in _wording(prompt) for story in stories)


def _wording(text: str) -> str:
    words = unicodedata.normalize("NFKC", typed(text)).casefold().split()
    return " ".join(words).strip(" .?!:;,\"'")
