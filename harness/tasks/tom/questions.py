"""A multiple-choice question about a story, in the one form that every theory-of-mind set is read into."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from harness.items import Grader, Item
from harness.tasks.choices import multiple_choice
from harness.tasks.rows import BrokenRow


def about_story(
    where: str,
    *,
    story: str,
    asked: str,
    choices: Sequence[str],
    right: int,
    group: str,
    ability: str = "",
    condition: str = "",
    order: int | None = None,
    unit: str = "",
    places: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
    released: Grader | None = None,
) -> Item:
    """An item with lettered options about a story, graded by letter.

    Fields: "question" (story, question and options, as any multiple-choice experiment shows it), "stem" (without the
    options), "choices", and the parts: "story", "asked" (the bare question), and the other arguments under their names.

    Args:
        where: file and row, for messages.
        right: index of the right option.
        group: the story, or the family of stories, for the statistics.
        ability: what the question tests, in the words of the set ("false belief", "mental-state"); "" if it has none.
        condition: the telling of the story ("false belief", "aware"); "" if all stories are told alike.
        order: how many minds deep the question goes, 0 for one about the facts; None where the set does not say.
        unit: the questions that must be right together for a joint score; "" where the set has no joint score.
        places: for questions about where a thing is: the options in which it has been, in order, the last is where it
            is now. Rules that know nothing of minds answer by them.
        more: fields that only this set has ("severity").
        released: the grader of the set's own release, see `Item`.

    Raises:
        BrokenRow: as `multiple_choice`; the story or the question is blank, or a place is no option.
    """
    if not story.strip() or not asked.strip():
        raise BrokenRow(f"{where}: the {'question' if story.strip() else 'story'} is empty")
    if unknown := [place for place in places if place not in choices]:
        raise BrokenRow(f"{where}: the place {unknown[0]!r} is none of the options {list(choices)}")
    fields = {
        "story": story,
        "asked": asked,
        "ability": ability,
        "condition": condition,
        "order": order,
        "unit": unit,
        "places": list(places),
        **(more or {}),
    }
    return multiple_choice(f"{story}\n\n{asked}", choices, right, where, group=group, more=fields, released=released)


def story_name(story: str) -> str:
    """A short name of a story: 12 hex digits that depend on its words alone, not on spaces and line breaks."""
    return hashlib.sha256(" ".join(story.split()).encode()).hexdigest()[:12]


def distinct(choices: Sequence[str], right: int) -> tuple[list[str], int]:
    """The options, each once, and the index of the right one among them.

    Args:
        right: index of the right option; its first copy stays the right one.

    Raises:
        IndexError: there is no such option.
    """
    kept = list(dict.fromkeys(choices))
    return kept, kept.index(choices[right])


def shuffled(choices: Sequence[str], right: int, by: str) -> tuple[list[str], int]:
    """The options in an order that depends on their texts and on `by` alone, and the index of the right one.

    For sets that list the right option first. The same `by` with the same options gives the same order, and the right
    one has no part in it, so that a preference for a letter cannot solve two conditions of one story.
    """
    order = sorted(choices)
    random.Random("\n".join([by, *order])).shuffle(order)
    return order, order.index(choices[right])
