"""Finds the marks around a model's thoughts in its chat template, and defines the settings of thinking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError

SWITCHES = ("enable_thinking", "thinking")
"""Variables by which chat templates let thoughts be switched off."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks around a thought, with the space that the model's family writes around them.

    Attributes:
        open: what begins a thought: "<think>\\n".
        close: what ends one that has not ended, and leads to the answer: "\\n</think>\\n\\n".
        end: the part of `close` by which the model itself ends its thought: "</think>".
        direct: what leads to an answer without a thought, where it is no empty thought.
    """

    open: str
    close: str
    end: str
    direct: str = ""

    @classmethod
    def tags(cls, open: str, close: str) -> Marks:
        """Marks of a pair of tags. Space in them is kept; tags without any get most families' spaces."""
        start, end = open.strip(), close.strip()
        bare = (open, close) == (start, end)
        return cls(f"{start}\n", f"\n{end}\n\n", end) if bare else cls(open, close, end)

    @property
    def start(self) -> str:
        """The part of `open` by which a thought is known."""
        return self.open.strip()

    @property
    def gap(self) -> str:
        """The text between the end of a thought and the answer."""
        return self.close.partition(self.end)[2]

    @property
    def nothing(self) -> str:
        """The text in place of a thought if there is none."""
        return self.direct or self.open + self.close

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.start} ... {self.end}"


KNOWN = (
    Marks.tags("<think>", "</think>"),
    Marks("[THINK]", "[/THINK]", "[/THINK]"),
    Marks(
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|end|>",
        "<|channel|>final<|message|>",
    ),
    Marks.tags("<thought>", "</thought>"),
    Marks.tags("<reasoning>", "</reasoning>"),
    Marks.tags("<seed:think>", "</seed:think>"),
)
"""Qwen3, R1 and most others; Magistral; gpt-oss (harmony); EXAONE Deep; models tuned for <reasoning>; Seed-OSS."""

_OPEN_TAG = re.compile(r"([<\[][^<>\[\]/\s]*(?:think|thought|reason)[^<>\[\]/\s]*[>\]])\s*$", re.IGNORECASE)

Opening = Literal["model", "template", "closed"]
"""Who begins a thought: the model, the template, whose turn begins inside of one, or nobody, because the template has
closed it already."""


@dataclass(frozen=True, kw_only=True)
class Thinking:
    """Settings of thinking. They have no effect on a model that does not think.

    Attributes:
        mode: "own" lets the model think before it answers, "off" makes it answer without a thought: by the chat
            template's own switch, or else after an empty thought.
        tokens: budget of a thought, in tokens; an answer has its own (`max_tokens` of the experiment).
        overrun: a thought that exceeds its budget is closed before the answer ("close"), or its reply counts as cut
            ("fail").
        open, close: the marks around a thought, if they are not found: open="<think>", close="</think>".
        detect: whether marks are searched in the chat template; false without marks is a model without thoughts.
    """

    # YAML reads a bare `off` as false.
    mode: Literal["own", "off", False] = "own"
    tokens: int = 1024
    overrun: Literal["close", "fail"] = "close"
    open: str = ""
    close: str = ""
    detect: bool = True

    def __post_init__(self) -> None:
        if self.mode is False:
            # A frozen dataclass has no other way to write a value in its usual form.
            object.__setattr__(self, "mode", "off")
        if self.tokens < 1:
            raise HarnessError(
                f"model.thinking.tokens={self.tokens}: a thought has at least one token; model.thinking.mode=off is a "
                "model that answers without one"
            )
        if bool(self.open.strip()) != bool(self.close.strip()) or (
            self.open and self.open.strip() == self.close.strip()
        ):
            raise HarnessError(
                "model.thinking.open and model.thinking.close: two different marks are needed, as in open='<think>' "
                "close='</think>'"
            )

    def marks(self, template: str, opening: str) -> Marks | None:
        """The marks of a model: the given ones, or the marks that its chat template knows; None when there are none.

        Args:
            template: the chat template.
            opening: its text at the start of the model's turn.
        """
        if self.open:
            known = [one for one in KNOWN if (one.start, one.end) == (self.open, self.close)]
            return known[0] if known else Marks.tags(self.open, self.close)
        if not self.detect:
            return None
        begun = [one for one in KNOWN if opens(one, opening) != "model"]
        named = [one for one in KNOWN if one.start in template or (not one.direct and one.end in template)]
        if begun or named:
            return [*begun, *named][0]
        # Any tag that stands open where the model's turn begins, and is called a thought.
        if tag := _OPEN_TAG.search(opening):
            return Marks.tags(tag[1], tag[1][0] + "/" + tag[1][1:])
        return None


UNSET = Thinking()
"""The default settings of thinking."""


def opens(marks: Marks, opening: str) -> Opening:
    """Whether the template or the model opens the thought, or the template closes it, when the turn begins so."""
    if opening.rstrip().endswith(marks.start):
        return "template"
    ends = (marks.direct or marks.end).rstrip()
    return "closed" if opening.rstrip().endswith(ends) else "model"
