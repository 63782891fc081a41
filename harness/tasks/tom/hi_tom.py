"""Hi-ToM: where A thinks that B thinks that a thing is, up to four minds deep (He et al. 2023, arXiv 2310.16755)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.items import Item
from harness.tasks.choices import LETTERS
from harness.tasks.hub import HubTask
from harness.tasks.rows import ReadItems, Row, Rows
from harness.tasks.tom.questions import about_story, story_name

_NUMBER = re.compile(r"^\s*\d+\s+")
_OPTION = re.compile(r",\s*(?=[A-Z]\.\s)")
_ASKED = re.compile(r"\bthe (?P<thing>\S+) (?:really|is)\?")
_NAME = re.compile(r"\b(?!Where\b)[A-Z]\w*")
_ENTERED = re.compile(r"(?P<names>.+) entered the (?P<room>\S+)\.")
_EXITED = re.compile(r"(?P<name>\S+) exited the \S+\.")
_BEGAN = re.compile(r"The (?P<thing>\S+) (?:is|are) in the (?P<place>\S+)\.")
_MOVED = re.compile(r"(?P<name>\S+) moved the (?P<thing>\S+) to the (?P<place>\S+)\.")


@dataclass(frozen=True)
class Sighting:
    """These people are in the room and see the thing in a place: it is put there, or people enter while it is there."""

    place: str
    present: frozenset[str]
    put: bool


@dataclass(frozen=True, kw_only=True)
class HiToM(HubTask):
    """600 questions: 120 stories of five people, each asked at the orders 0 to 4, with 15 options.

    `path` names Hi-ToM_data.json of github.com/ying-hui-he/Hi-ToM_dataset, or its folder. Licence: Apache-2.0.

    The file holds each question twice, with the prompting types VP and CoTP, and 132 pairs have different right
    answers. CoTP's answers agree with who was in the room (93 to 100 % of the stories without claims), VP's do not (48
    to 72 % at the orders 2 to 4). So the rows of VP are passed over.

    Fields: "order", "places" (each place that the thing was put into, in order), "deception" (whether people in the
    story make claims, which may be false), "story_length" (chapters, 1 to 3), "disputed" (whether the right answer
    differs from the last place where all people of the question saw the thing together; None for stories with claims).
    "condition" is "claims" or "no claims". Group and unit: the story, whose five questions make a joint score.

    A rule without any minds is right on 59.8 % of the 600: the last place for the orders 0 and 1, the first place for
    the others (100, 55, 38, 52 and 54 % by order).

    Attributes:
        lines: the lines of a story with their numbers ("numbered", as in the set) or joined without them ("joined").
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/ying-hui-he/Hi-ToM_dataset"
    licence: ClassVar[str] = "Apache-2.0"
    files: ClassVar[Sequence[str]] = ("Hi-ToM_data.json", "*/Hi-ToM_data.json")
    name: str = "hi_tom"
    hub: str = "Hi-ToM/Hi-ToM_Dataset"
    split: str = "train"
    lines: Literal["numbered", "joined"] = "numbered"

    def items(self, rows: Rows) -> ReadItems:
        return super().items(_unpacked(rows))

    def item(self, row: Row) -> Item | None:
        if row.text("prompting_type") == "VP":
            row.pass_over("the prompting type VP, of which some right answers are wrong")
            return None
        # Six stories end in a line "***".
        told = [line for line in row.text("story").splitlines() if line.strip(" *")]
        story, asked = [_NUMBER.sub("", line).strip() for line in told], row.text("question")
        choices, answer = _options(row, "choices"), row.text("answer")
        if answer not in choices:
            raise row.broken(f"the answer {answer!r} is none of the options {choices}")
        order, thing = _order(row, "question_order"), _ASKED.search(asked)
        sightings = sightings_of(story, thing["thing"]) if thing else []
        claims = row.value("deception")
        shared = seen_together(sightings, _NAME.findall(asked))
        name = story_name(" ".join(story))
        return about_story(
            row.where,
            story="\n".join(line.strip() for line in told) if self.lines == "numbered" else " ".join(story),
            asked=asked,
            choices=choices,
            right=choices.index(answer),
            group=name,
            condition="claims" if claims else "no claims",
            order=order,
            unit=name,
            places=[sighting.place for sighting in sightings if sighting.put],
            more={
                "deception": claims,
                "story_length": row.value("story_length"),
                "disputed": None if claims or shared is None else shared != answer,
            },
        )


def sightings_of(story: Sequence[str], thing: str) -> list[Sighting]:
    """Every time that people see where the thing is, in order.

    Args:
        story: its lines, without numbers.
    """
    room_of: dict[str, str] = {}
    room, home, place = "", "", ""
    found: list[Sighting] = []
    for line in story:
        if entered := _ENTERED.fullmatch(line):
            room = entered["room"]
            room_of |= dict.fromkeys(_NAME.findall(entered["names"]), room)
            if room == home:
                found.append(Sighting(place, _present(room_of, room), put=False))
        elif exited := _EXITED.fullmatch(line):
            room_of.pop(exited["name"], None)
        elif (put := _BEGAN.fullmatch(line) or _MOVED.fullmatch(line)) and put["thing"] == thing:
            home, place = room, put["place"]
            found.append(Sighting(place, _present(room_of, room), put=True))
    return found


def _present(room_of: Mapping[str, str], room: str) -> frozenset[str]:
    return frozenset(name for name, at in room_of.items() if at == room)


def seen_together(sightings: Sequence[Sighting], people: Sequence[str]) -> str | None:
    """The last place where all these people saw the thing together; None where they never did."""
    return next((sighting.place for sighting in reversed(sightings) if sighting.present.issuperset(people)), None)


def _unpacked(rows: Rows) -> Rows:
    """The rows of the file's one list "data", which the hub's reader gives as a column, in one value or in many."""
    if rows.names != ("data",):
        return rows
    values = rows.column("data")
    table = [row for value in values for row in (value if isinstance(value, list) else [value])]
    flaws = {at: "an object is wanted" for at, row in enumerate(table) if not isinstance(row, dict)}
    table = [row if isinstance(row, dict) else {} for row in table]
    names = tuple(dict.fromkeys(name for row in table for name in row))
    return Rows(rows.origin, names, range(1, len(table) + 1), table, flaws, rows.revision)


def _options(row: Row, column: str) -> list[str]:
    """The options of one text "A. green_box, B. red_bag, ..."."""
    parts = _OPTION.split(row.text(column))
    for letter, part in zip(LETTERS, parts, strict=False):
        if not part.startswith(f"{letter}. "):
            raise row.broken(f"'choices' has {part[:40]!r} where option {letter} is wanted, as '{letter}. green_box'")
    return [part[2:].strip() for part in parts]


def _order(row: Row, column: str) -> int:
    order = row.value(column)
    if not isinstance(order, int) or isinstance(order, bool) or not 0 <= order <= 4:
        raise row.broken(f"'question_order' is {order!r}; want 0 to 4")
    return order
