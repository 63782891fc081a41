"""Prompts as an experiment writes them: messages, and optionally the first words of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that the model continues.

    Attributes:
        messages: the turns so far.
        prefill: the first words of the model's next turn, put after the chat template's generation prompt.
            For a model without a chat template, turns are joined as plain text (see `rendering.plain_text`).
    """

    messages: tuple[Message, ...]
    prefill: str = ""

    @classmethod
    def user(cls, content: str, prefill: str = "") -> Prompt:
        """A prompt of one user message."""
        return cls((Message("user", content),), prefill)

    def then(self, answer: str, question: str, prefill: str = "") -> Prompt:
        """The same conversation after the model said `answer` (its prefill included) and the user `question`."""
        said = Message("assistant", self.prefill + answer)
        return Prompt((*self.messages, said, Message("user", question)), prefill)
