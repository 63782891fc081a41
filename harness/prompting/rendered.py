"""A prompt as the model sees it, and how the prompts of a run are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.prompting.thinking import Opening


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as the model sees it.

    Attributes:
        text: the exact text, special tokens included.
        ids: its token ids.
        added: number of leading token ids (0 or 1: a BOS token) that have no text.
        read: how many characters, and how many ids, were read from text. The ids after them were appended as a reply
            had them (`Prompt.after`), and the text after them is spelt by these ids. None: all were read.
    """

    text: str
    ids: tuple[int, ...]
    added: int = 0
    read: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ThinkingStyle:
    """How a model's thoughts are written, and whether they stay.

    Attributes:
        open, close: the marks around a thought; what leads from a thought to its answer is a part of `close`.
        begun_by: who begins a thought, see `thinking.Opening`.
        mode, tokens, overrun: see `thinking.Thinking`.
    """

    open: str
    close: str
    begun_by: Opening
    mode: Literal["own", "off", False]
    tokens: int
    overrun: Literal["close", "fail"]


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """A description of how prompts are written, for people and for the manifest.

    Attributes:
        style: "chat" or "plain".
        template: 16 hex digits of the chat template; None in plain style.
        default_system: the system message that the template inserts, see `ChatTemplate`.
        bos: the token that prompts begin with, None if there is none.
        thinking: how thoughts are written, and whether they stay; None of a model that is not known to think.
        notes: notes for the user, one sentence each.
    """

    style: Literal["chat", "plain"]
    template: str | None
    default_system: str | None
    bos: str | None
    notes: tuple[str, ...]
    thinking: ThinkingStyle | None = None
