"""The task: words that are injected as thoughts, ours or those of a file."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from experiments.introspection.injected_thoughts.words import BASELINE, CONCEPTS, mentions, singular
from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.rows import ReadItems, Row, make_items, read_file


@dataclass(frozen=True, kw_only=True)
class ThoughtWords(Task):
    """Words for experiment injectedThoughts, one an item: 200 of ours, or those of a file.

    An item's fields are "concept" and its "kind"; "others", words of other items, the first of which is the other
    concept; and "trial", a number that no other item has. Its gold is the concept.

    Attributes:
        path: a file with a column of words (JSONL, JSON, CSV, TSV, Parquet), such as the 50 of the paper.
        column: its name; a column "kind" is used where there is one.
        names: words among which a concept is to be told, itself included, at least 2.
        seed: seed of the draw of the other words.
        max_broken: share of broken rows of the file that are left out, see `harness.tasks.rows.make_items`.
    """

    version: ClassVar[str] = "1"
    name: str = "thought_words"
    path: str | None = None
    column: str = "concept"
    names: int = 10
    seed: int = 0
    max_broken: float = 0.05

    def load(self) -> ReadItems:
        read = self._read() if self.path else ReadItems(_word(w, kind) for kind, ws in CONCEPTS.items() for w in ws)
        kinds = {str(item.gold): str(item.fields["kind"]) for item in read}
        if not 2 <= self.names <= len(kinds):
            raise HarnessError(f"task {self.name!r}: names={self.names}; give 2 to {len(kinds)}, the number of words")
        made = (self._item(word, number, kinds) for number, word in enumerate(kinds, start=1))
        return ReadItems(made, read.broken, read.revision, read.mended, read.passed)

    def source(self) -> str:
        return f"file {self.path}" if self.path else ""

    def _read(self) -> ReadItems:
        """The words of the file, each once."""
        assert self.path is not None
        rows, seen = read_file(self.path), {singular(word): word for word in BASELINE}

        def word(row: Row) -> Item:
            text = row.text(self.column)
            key = singular(text.casefold())
            if key in seen:
                kind = "a baseline word, whose mean is taken from all" if seen[key] in BASELINE else "in another row"
                raise row.broken(f"{text!r} is {kind} ({seen[key]!r}); leave it out")
            seen[key] = text
            return _word(text, row.text("kind") if "kind" in rows.names else "word")

        return make_items(rows, word, self.max_broken)

    def _item(self, word: str, number: int, kinds: Mapping[str, str]) -> Item:
        """An item with its other words, none of which begins or contains another."""
        rng, others = random.Random(f"thought words/{self.seed}/{word}"), list[str]()
        for other in rng.sample([*kinds], len(kinds)):
            if not any(
                one.casefold().startswith(two.casefold()) or mentions(two, one)
                for one, two in ((a, b) for taken in (word, *others) for a, b in ((taken, other), (other, taken)))
            ):
                others.append(other)
            if len(others) == self.names - 1:
                break
        if not others:
            raise HarnessError(f"task {self.name!r}: every other word begins or holds {word!r}; give more words")
        fields = {"concept": word, "kind": kinds[word], "others": others, "trial": number}
        return Item(fields, word, short_answer, group=singular(word.casefold()))


def _word(text: str, kind: str) -> Item:
    return Item({"concept": text, "kind": kind}, text, short_answer)
