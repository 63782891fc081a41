"""A multiple-choice question about a story, in the one form that every theory-of-mind set is read into."""

from __future__ import annotations

from collections.abc import Sequence

from harness.items import Grader, Item
from harness.tasks.choices import multiple_choice


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
        released: the grader of the set's own release, see `Item`.

    Raises:
        BrokenRow: as `multiple_choice`.
    """
    more = {
        "story": story,
        "asked": asked,
        "ability": ability,
        "condition": condition,
        "order": order,
        "unit": unit,
        "places": list(places),
    }
    return multiple_choice(f"{story}\n\n{asked}", choices, right, where, group=group, more=more, released=released)
