"""ExploreToM: stories that were searched for because a model fails on them (Sclar et al. 2024, arXiv 2412.12175)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

from harness.items import Grade, Item, grader
from harness.tasks.hub import HubTask
from harness.tasks.rows import ReadItems, Row, Rows, make_items
from harness.tasks.tom.questions import about_story, shuffled, story_name

_SENTENCE = re.compile(r"(?<=\.)\s+")
_INTO_CONTAINER = re.compile(
    r".+? moved the (?P<thing>.+?) to the (?P<container>.+), which is also located in the (.+)\."
)
_INTO_ROOM = re.compile(
    r".+? moved the (?P<thing>.+?) to the (?P<room>.+?)"
    r"(?:, leaving the .+ in its original location|, still inside (?:the )?(?P<container>.+))?\."
)
_IN_ROOM = re.compile(r"(?:.+? (?:entered|left)|[^ ]+ is in) the (?P<room>.+)\.")
_ASKED = re.compile(
    r"In which (?P<kind>container|room) (?:.+ search for|was|is) the (?P<thing>.+?)"
    r"(?: at the beginning| now| before .+)?\?"
)
_CLOSED = {
    "Answer yes or no.": ("yes", "no"),
    "(knows about it / does not know about it)": ("knows about it", "does not know about it"),
}
"""What ends a question with a fixed list of answers, and these answers."""

_BELIEF = re.compile(r"-(True|False)['\"]?\)?\s*$")
_CONDITIONS = {"True": "true belief", "False": "false belief"}
_ORDERS = {"-1": 0, "1": 1, "2": 2}


@dataclass(frozen=True, kw_only=True)
class ExploreToM(HubTask):
    """Questions on generated stories: where a thing is, who knows of it or of its state; orders 0 to 2.

    The hub's only split is called "train"; `path` names ExploreToM-data-sample.csv. Licence: CC-BY-NC-4.0. The stories
    were found by a search for failures of Llama 3.1 70B, so they are no neutral sample for other models.

    The set has no options. They are made by rule from the story's structure, alike for every telling. "In which
    container" and "In which room" have all containers or rooms that it names; other questions name their own options
    (yes or no, knows or does not know). A question with an answer that is not among them, or with one option only, is
    passed over and counted. A question that stands twice with different answers is broken.

    "ability" is container, room or knowledge (of a fact or of a thing's state); "order" is 0 for questions about the
    facts; "condition" says whether the belief that is asked for is true ("true belief", "false belief"), where the set
    says so. Field "distinct": whether people of the story differ in this belief, by the set's column
    "qprop=non_unique_mental_state", which is true for all of order 0. Group: the story.

    Attributes:
        story: the telling that is shown: "story_structure" (a sentence an event) or "infilled_story" (prose).
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/facebookresearch/ExploreToM"
    licence: ClassVar[str] = "CC-BY-NC-4.0 (no commercial use)"
    files: ClassVar[Sequence[str]] = ("ExploreToM-data-sample.csv",)
    name: str = "exploretom"
    hub: str = "facebook/ExploreToM"
    split: str = "train"
    story: Literal["story_structure", "infilled_story"] = "story_structure"

    def items(self, rows: Rows) -> ReadItems:
        answers: dict[tuple[str, str], str] = {}

        def make(row: Row) -> Item | None:
            key, answer = (row.text("story_structure"), row.text("question")), row.text("expected_answer")
            if answers.setdefault(key, answer) != answer:
                raise row.broken(f"the answer is {answer!r}, and {answers[key]!r} where the question stands before")
            return self.item(row)

        return make_items(rows, make, self.max_broken)

    def item(self, row: Row) -> Item | None:
        structure, asked, answer = row.text("story_structure"), row.text("question"), row.text("expected_answer")
        order = _ORDERS.get(row.text("qprop=nth_order"))
        if order is None:
            raise row.broken(f"'qprop=nth_order' is {row.value('qprop=nth_order')!r}; want -1, 1 or 2")
        found = _ASKED.fullmatch(asked)
        options, places = options_of(structure, found["kind"], found["thing"]) if found else (offered(asked), [])
        if len(options) < 2:
            row.pass_over(f"a question with {len(options)} options in its story")
            return None
        if answer not in options:
            row.pass_over("a question whose answer is no option in its story")
            return None
        group = story_name(structure)
        right = options.index(answer)
        choices, right = shuffled(options, right, group) if found else (options, right)
        belief = _BELIEF.search(str(row.value("qprop=params") or ""))
        return about_story(
            row.where,
            story=row.text(self.story),
            asked=asked,
            choices=choices,
            right=right,
            group=group,
            ability=found["kind"] if found else "knowledge",
            condition=_CONDITIONS[belief[1]] if belief else "",
            order=order,
            places=places,
            more={"distinct": str(row.value("qprop=non_unique_mental_state")).lower() == "true"},
            released=contains_exploretom,
        )


@grader
def contains_exploretom(text: str, item: Item) -> Grade:
    """The rule of ExploreToM's release: right if the answer is a piece of the reply in small letters.

    So a reply that names all places is right, and "no" is in "I do not know". The answer here is the first option that
    the reply holds. Gold: letter and text of the right option, "(B) red box".
    """
    reply = text.lower()
    found = next((option for option in item.fields["choices"] if option in reply), "")
    return Grade(found, str(item.gold)[4:] in reply) if reply.strip() else Grade("", None)


def offered(asked: str) -> list[str]:
    """The answers that a question itself offers; none where it offers none."""
    return next(([*answers] for end, answers in _CLOSED.items() if end in asked), [])


def options_of(structure: str, kind: str, thing: str) -> tuple[list[str], list[str]]:
    """All containers or rooms that a story's structure names, in order, and the ones in which a thing was, in order.

    The last of these is where the thing is now; there are none for a thing that is in no container now.
    """
    containers: list[str] = []
    rooms: list[str] = []
    places: list[str] = []
    for sentence in _SENTENCE.split(structure.strip()):
        if moved := _INTO_CONTAINER.fullmatch(sentence):
            container, room = moved["container"], moved[3]
        elif moved := _INTO_ROOM.fullmatch(sentence):
            container, room = moved["container"], moved["room"]
        else:
            container, room = None, (m["room"] if (m := _IN_ROOM.fullmatch(sentence)) else None)
        containers += [container] if container else []
        rooms += [room] if room else []
        if moved and moved["thing"] == thing:
            places.append((container if kind == "container" else room) or "")
    options = containers if kind == "container" else rooms
    there = places[-1:] != [""]
    return list(dict.fromkeys(options)), [place for place, _ in groupby(filter(None, places))] if there else []
