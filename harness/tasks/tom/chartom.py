"""CharToM-QA: what people in novels believe, intend, feel and want (Zhou et al. 2025, arXiv 2501.01705)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal

from harness.items import Item
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row
from harness.tasks.tom.questions import about_story, shuffled

LENGTHS = ("0", "1000", "2000")
"""The tokens of the book before the passage, by which the contexts are called."""


@dataclass(frozen=True, kw_only=True)
class CharToM(HubTask):
    """1,035 questions on passages of 20 novels: the right answer and three misleading ones.

    `path` names a copy of the hub's data.parquet. Licence: Apache-2.0. The rows are English, though the card on the
    hub says English and Chinese. Models have read the novels: compare with masked names and without the passage.

    The options come in an order that depends on the texts; the set has the right one apart. It differs from the others
    in length and style, so show the rule that takes the longest option beside every number.

    "ability" is belief, intention, emotion or desire. Further fields: "contexts" (the passage with 0, 1000 and 2000
    tokens of the book before it, by "0", "1000", "2000"), "elsewhere" (the longest context of another question on the
    book; "" where there is none), "book" (title and author), "answer_text" (the right answer) and "bonus_points" (what
    a free answer should contain) for a judge. Group: the book.

    Attributes:
        context: which of the contexts is the story, by the tokens before the passage.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/Encyclomen/CharToM-QA"
    licence: ClassVar[str] = "Apache-2.0"
    files: ClassVar[Sequence[str]] = ("data.parquet", "*/data.parquet")
    name: str = "chartom"
    hub: str = "ZeroXeno/CharToM-QA"
    config: str | None = "chartom-qa"
    context: Literal[0, 1000, 2000] = 0

    def item(self, row: Row) -> Item:
        asked, answer, book = row.text("question"), row.text("answer"), row.text("book_name")
        contexts = {length: row.text(f"context_{length}") for length in LENGTHS}
        choices, right = shuffled([answer, *_texts(row, "misleading_choices")], 0, asked)
        return about_story(
            row.where,
            story=contexts[str(self.context)],
            asked=asked,
            choices=choices,
            right=right,
            group=book,
            ability=row.text("tom_dimension").lower(),
            more={
                "contexts": contexts,
                "elsewhere": _elsewhere(row, book, contexts["2000"]),
                "book": book,
                "answer_text": answer,
                "bonus_points": _texts(row, "bonus_points"),
            },
        )


def _elsewhere(row: Row, book: str, passage: str) -> str:
    """The longest context of the next row of the same book that has another one, in a circle; "" without one."""
    pairs = list(zip(row.rows.column("book_name"), row.rows.column("context_2000"), strict=True))
    around = (
        text.strip()
        for name, text in chain(pairs[row.at :], pairs[: row.at])
        if isinstance(text, str) and isinstance(name, str) and name.strip() == book
    )
    return next((text for text in around if text not in ("", passage)), "")


def _texts(row: Row, column: str) -> list[str]:
    value = row.unfolded(column)
    if not isinstance(value, list):
        raise row.broken(f"{column!r} is no list")
    return [row.as_text(text, column) for text in value]
