"""SST-2: sentences of film reviews, positive or negative (Socher et al. 2013; as in GLUE, Wang et al. 2019)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from harness.items import Item
from harness.tasks.graders import short_answer
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row

_LABELS = {"0": "negative", "1": "positive", "negative": "negative", "positive": "positive"}
_BEFORE = re.compile(r"\s+([,.;:!?%)\]}]|'(?:s|re|ve|ll|d|m)\b|''|\.{2,})")
_AFTER = re.compile(r"([(\[{$]|``)\s+")
_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}"}


@dataclass(frozen=True, kw_only=True)
class Sst2(HubTask):
    """Sentences with the labels positive and negative.

    On the hub: stanfordnlp/sst2, whose validation split has 872 sentences; its card names the licence "unknown". The
    labels of its test split are not published. The set has its tokens apart ("it 's", "do n't", "-lrb-"); they are
    joined again, so that words look as in a text.

    Fields: "review" is the sentence, "question" asks for its label.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "huggingface.co/datasets/stanfordnlp/sst2"
    licence: ClassVar[str] = "unknown (as its card says)"
    name: str = "sst2"
    hub: str = "stanfordnlp/sst2"
    split: str = "validation"

    def item(self, row: Row) -> Item | None:
        label = row.text("label").lower()
        if label == "-1":
            row.pass_over("the label is not published")
            return None
        if label not in _LABELS:
            raise row.broken(f"'label' is {label!r}; want 0 or 1")
        review = joined(row.text("sentence"))
        question = f"Is this review positive or negative? {review}"
        return Item({"review": review, "question": question}, _LABELS[label], short_answer)


def joined(sentence: str) -> str:
    """A sentence whose tokens stand apart, as it was written: "it 's good , but" becomes "it's good, but"."""
    words = " ".join(_BRACKETS.get(word, word) for word in sentence.split())
    words = re.sub(r"\b(\w+) n't\b", r"\1n't", words)
    return _AFTER.sub(r"\1", _BEFORE.sub(r"\1", words)).replace("``", '"').replace("''", '"')
