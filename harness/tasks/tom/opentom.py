"""OpenToM: a thing is moved, and one person did or did not see it (Xu et al. 2024, arXiv 2402.06044)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.items import Item
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row
from harness.tasks.tom.opentom_grader import label_opentom
from harness.tasks.tom.questions import about_story, shuffled, story_name

_LABELS = {
    "coarse location": ("Yes", "No"),
    "fullness": ("more full", "equally full", "less full"),
    "accessibility": ("more accessible", "equally accessible", "less accessible"),
    "attitude": ("positive", "neutral", "negative"),
}
_PLACES = ("initial", "new")
"""The labels of the two places of a fine location."""

_TYPES = {"location-fo": 1, "location-so": 2, "multihop-fo": 1, "multihop-so": 2, "attitude": 1}
"""The types of the release and their orders: fo asks what one person thinks, so what one thinks that another thinks."""

_ARTICLE = re.compile(r"^(?:a|an|the) ", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class OpenToM(HubTask):
    """696 stories with 23 questions each; the splits are called "Long" (596 stories) and "ExtraLong" (100).

    `path` names opentom.json or opentom_long.json, which hold the same rows. Licence: CC-BY-NC-4.0, and the authors ask
    that nobody trains on the set.

    A person (the mover) moves a thing, and another (the observer) sees it or not. "ability" is coarse location (is the
    thing where it was at first?), fine location (one of the two places), fullness and accessibility (more, equally or
    less) or attitude (positive, neutral, negative); "order" is 1 or 2; "condition" is "observed" or "unobserved".
    Options of places are written alike: without the article that only the new place has, and with spaces for "_".
    Attitudes are asked as in the release: as if the observer had seen it.

    The labels are unbalanced, so that a constant answer has a high accuracy: use macro F1 (`metrics.macro_f1`) by
    ability and order. Field "labels": the label of each option, by which classes are counted. It is the option itself,
    and for fine locations "initial" or "new", because places differ between stories. The release leaves out replies
    that it cannot read; here they are misses. Group: the story. The set has no joint score.

    A right answer of two labels ("more accessible|equally accessible") is "equally accessible", as in the release.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/seacowx/OpenToM"
    licence: ClassVar[str] = "CC-BY-NC-4.0 (no commercial use, not for training)"
    files: ClassVar[Sequence[str]] = ("opentom.json", "*/opentom.json")
    name: str = "opentom"
    hub: str = "SeacowX/OpenToM"
    split: str = "Long"

    def item(self, row: Row) -> Item:
        question = _mapping(row, "question")
        kind = row.as_text(question.get("type"), "question.type")
        if kind not in _TYPES:
            raise row.broken(f"'question.type' is {kind!r}; want {', '.join(_TYPES)}")
        asked = row.as_text(question.get("question"), "question.question").replace("_", " ")
        answer = _answer(row, question.get("answer"))
        story, places = row.text("narrative"), _places(row)
        group = story_name(story)
        ability = _ability(row, kind, asked, answer)
        labels: Sequence[str] = _LABELS.get(ability, _PLACES)
        if ability == "fine location":
            choices, right = shuffled(places, _index(row, [*map(str.lower, places)], bare(answer).lower()), group)
            labels = [labels[places.index(choice)] for choice in choices]
        else:
            choices, right = [*labels], _index(row, [*map(str.lower, labels)], answer.lower())
        if ability == "attitude":
            asked = f"{asked} Assume that you saw the action."
        return about_story(
            row.where,
            story=story,
            asked=asked,
            choices=choices,
            right=right,
            group=group,
            ability=ability,
            condition=_condition(row),
            order=_TYPES[kind],
            places=places if ability == "fine location" else (),
            more={"labels": [*labels]},
            released=label_opentom,
        )


def bare(place: str) -> str:
    """The name of a place without its article, with spaces for "_"."""
    return _ARTICLE.sub("", place.replace("_", " ").strip())


def _places(row: Row) -> list[str]:
    plot = _mapping(row, "plot_info")
    return [bare(row.as_text(plot.get(key), f"plot_info.{key}")) for key in ("original_place", "move_to_place")]


def _condition(row: Row) -> str:
    observed = row.value("observed")
    return ("observed" if observed else "unobserved") if isinstance(observed, bool) else ""


def _answer(row: Row, answer: Any) -> str:
    # Some answers about accessibility hold two labels, or a list with "corrupted" in it.
    parts = [part for part in answer if part != "corrupted"] if isinstance(answer, list) else [answer]
    if len(parts) != 1:
        raise row.broken(f"'question.answer' is {answer!r}; want one answer")
    text = row.as_text(parts[0], "question.answer")
    return "equally accessible" if "|" in text else text


def _ability(row: Row, kind: str, asked: str, answer: str) -> str:
    if kind == "attitude":
        return "attitude"
    if kind.startswith("location"):
        return "coarse location" if answer.lower() in ("yes", "no") else "fine location"
    for ability in ("fullness", "accessibility"):
        if ability in asked:
            return ability
    raise row.broken(f"a question of the type {kind!r} asks for fullness or accessibility; this one: {asked!r}")


def _index(row: Row, options: Sequence[str], answer: str) -> int:
    if answer not in options:
        raise row.broken(f"the answer {answer!r} is none of {', '.join(options)}")
    return options.index(answer)


def _mapping(row: Row, column: str) -> Mapping[str, Any]:
    value = row.unfolded(column)
    if not isinstance(value, Mapping):
        raise row.broken(f"{column!r} is no object")
    return value
