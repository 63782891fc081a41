"""Reimplements the grader of OpenToM's release, for numbers that depend on its rules."""

from __future__ import annotations

from collections.abc import Sequence

from harness.items import Grade, Item, grader

_CHANGES = {
    "fullness": (
        ("less full", ("less full", "emptier", "more empty")),
        ("more full", ("more full", "fuller")),
        ("equally full", ("equally full",)),
    ),
    "accessibility": tuple((f"{how} accessible", (f"{how} accessible",)) for how in ("more", "less", "equally")),
}
"""The phrases of each label, in the order in which the release looks for them."""


@grader
def label_opentom(text: str, item: Item) -> Grade:
    """The label that OpenToM's release reads (Xu et al. 2024, `OpenToMEvaluator`); none where it finds two or none.

    Locations by the share of a place's words that are in the reply. Yes and no as pieces of any words, so that "I know:
    yes" has both. Changes by the first of three phrases, so that "not less full but more full" is less full. Attitudes
    by the word after the last colon of the last paragraph, up to a period. The release leaves replies without a label
    out of its scores. Our letters are no labels for it.

    Gold: letter and text of the right option, "(B) less full".
    """
    ability, choices = str(item.fields["ability"]), list(item.fields["choices"])
    if ability == "fine location":
        found = _place(text, choices)
    elif ability in _CHANGES:
        reply = text.replace(".", "").lower()
        found = next((label for label, words in _CHANGES[ability] if any(word in reply for word in words)), "")
    elif ability == "attitude":
        word = text.lower().rpartition("\n\n")[2].rpartition(":")[2].partition(".")[0].strip()
        named = {"a": "positive", "b": "neutral", "c": "negative"}.get(word, word)
        found = _only([label for label in choices if label in named])
    else:
        found = _only([label for label in choices if label.lower() in text.lower()])
    return Grade(found, found == str(item.gold)[4:]) if found else Grade("", None)


def _place(text: str, places: Sequence[str]) -> str:
    said = _words(text.replace(".", ""))
    shares = [len(said & _words(place)) / max(1, len(_words(place))) for place in places]
    return places[shares.index(max(shares))] if shares.count(max(shares)) == 1 else ""


def _words(text: str) -> set[str]:
    return set(text.lower().replace("_", " ").replace("'s", "").split())


def _only(found: Sequence[str]) -> str:
    return found[0] if len(found) == 1 else ""
