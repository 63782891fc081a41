"""Files in the layout of ToMi: numbered lines, a question, a trace (Le et al. 2019, EMNLP D19-1598)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness.errors import HarnessError
from harness.files import user_path
from harness.items import Item
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row, Rows
from harness.tasks.tom.questions import about_story, shuffled, story_name

_LINE = re.compile(r"(\d+) (.+)")
_IS_IN = re.compile(r"The (?P<thing>.+) (?:is|are) in the (?P<place>.+)\.")
_MOVED = re.compile(r".+ moved the (?P<thing>.+) to the (?P<place>.+)\.")
_ASKED = re.compile(
    r"Where (?:(?P<second>does .+ think that .+ searches for)|(?P<first>will .+ look for)"
    r"|(?P<memory>was)|(?P<reality>is)) the (?P<thing>.+?)(?: at the beginning| really)?\?"
)
_ABILITIES = {"second": "second order", "first": "first order", "memory": "memory", "reality": "reality"}
_ORDERS = {"second": 2, "first": 1, "memory": 0, "reality": 0}


@dataclass(frozen=True, kw_only=True)
class ToMi(HubTask):
    """Questions on where a thing is and where people think it is, in stories of rooms and containers; orders 0 to 2.

    `path` names a text file (test.txt) that the generator of github.com/facebookresearch/ToMi writes, or the folder
    with it. The file of the same name that ends in .trace is read with it where it exists. Generator and files:
    CC-BY-NC-4.0, not to be passed on.

    A story is lines "1 Ann entered the hall.", and the question a line "7 Where is the hat really?<tab>blue_box<tab>1".
    A story may have several question lines, each about the lines before it. The options are all containers that the
    story names, in an order that depends on the story; names are written with spaces for "_".

    "ability" is memory, reality, first order or second order; "condition" is the trace's kind of story ("true belief",
    "false belief", "second order false belief"). Field "tom": whether the belief that is asked for is not how things
    are, by the trace; None without a trace, and for questions about the facts.
    "places": each container in which the thing was, in order. Group: the story.

    A reader without a fault has about 92 % on the released balanced test file: by its key, somebody who left before a
    move is sometimes thought to know of it.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/facebookresearch/ToMi"
    licence: ClassVar[str] = "CC-BY-NC-4.0 (no commercial use, not to be passed on)"
    files: ClassVar[Sequence[str]] = ("test.txt", "*_test.txt", "*.txt")
    name: str = "tomi"
    hub: str = ""

    def read(self, path: Path) -> Rows:
        return read_tomi(path)

    def item(self, row: Row) -> Item:
        story, asked, answer = (row.text(name) for name in ("story", "question", "answer"))
        found = _ASKED.fullmatch(asked)
        if not found:
            raise row.broken(f"the question is none of ToMi's: {asked!r}")
        kind = next(name for name in _ABILITIES if found[name])
        containers, places = _containers(story, found["thing"])
        if answer not in containers:
            raise row.broken(f"the answer {answer!r} is none of the containers {', '.join(containers)}")
        group = story_name(story)
        choices, right = shuffled(containers, containers.index(answer), group)
        *_, about, telling = ["", "", *str(row.value("trace")).split(",")]
        return about_story(
            row.where,
            story=story,
            asked=asked,
            choices=choices,
            right=right,
            group=group,
            ability=_ABILITIES[kind],
            condition=telling.strip().replace("_", " "),
            order=_ORDERS[kind],
            places=places,
            more={"tom": not about.endswith("no_tom") if about.endswith("tom") else None},
        )


def read_tomi(path: Path) -> Rows:
    """The questions of a text file, each with the story before it and its line of the trace ("" without one).

    Raises:
        HarnessError: the file cannot be read or has no question, or the trace has another number of lines.
    """
    path = user_path(path)
    found = list(_questions(_text(path).split("\n")))
    if not found:
        raise HarnessError(f"{path}: no question; a question line is a number, the question, a tab and the answer")
    trace = path.with_suffix(".trace")
    traces = _text(trace).split() if trace.is_file() else [""] * len(found)
    if len(traces) != len(found):
        raise HarnessError(f"{trace}: {len(traces)} lines, but {path.name} has {len(found)} questions")
    rows = [
        {"story": "\n".join(story), "question": question, "answer": answer, "trace": line}
        for (_, story, question, answer), line in zip(found, traces, strict=True)
    ]
    return Rows(str(path), ("story", "question", "answer", "trace"), [number for number, *_ in found], rows)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: not UTF-8; convert the file to UTF-8") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror} (task.path)") from error


def _questions(lines: Sequence[str]) -> Iterator[tuple[int, list[str], str, str]]:
    """The line number, story, question and answer of each question line; a line numbered 1 begins a story."""
    story: list[str] = []
    for at, line in enumerate(lines, 1):
        if not line.strip():
            continue
        number, text = match.groups() if (match := _LINE.fullmatch(line.strip())) else ("", line)
        if number == "1":
            story = []
        parts = [part.strip() for part in text.replace("_", " ").split("\t")]
        if len(parts) == 1:
            story = [*story, parts[0]]
        else:
            yield at, story, parts[0], parts[1]


def _containers(story: str, thing: str) -> tuple[list[str], list[str]]:
    """All containers that a story names, in order, and the ones in which a thing was, in order."""
    found = [match for line in story.splitlines() if (match := _IS_IN.fullmatch(line) or _MOVED.fullmatch(line))]
    places = [match["place"] for match in found if match["thing"] == thing]
    return list(dict.fromkeys(match["place"] for match in found)), places
