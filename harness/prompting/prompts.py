"""Prompts as an experiment writes them: messages and optionally the first words of the answer, or an exact text."""

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
    """A conversation that the model continues, or an exact text.

    Attributes:
        messages: the turns so far; () makes the prompt an exact text, which is all in `prefill`.
        prefill: the first words of the model's next turn, put after the chat template's generation prompt.
            For a model without a chat template, turns are joined as plain text (see `rendering.plain_text`).
    """

    messages: tuple[Message, ...]
    prefill: str = ""

    @classmethod
    def user(cls, content: str, prefill: str = "") -> Prompt:
        """A prompt of one user message."""
        return cls((Message("user", content),), prefill)

    @classmethod
    def exact(cls, text: str) -> Prompt:
        """A text that is sent letter for letter, as papers on base models have it ("Question: ...\\nAnswer:").

        Only a BOS token is put in front, where the model wants one. A model whose prompts go through a chat template
        refuses it; `model.style=plain` makes it take it.
        """
        return cls((), text)

    def then(self, answer: str, question: str, prefill: str = "") -> Prompt:
        """The same conversation after the model said `answer` (its prefill included) and the user `question`.

        An exact text goes on letter for letter: all line breaks between are the caller's.
        """
        if not self.messages:
            return Prompt.exact(self.prefill + answer + question + prefill)
        said = Message("assistant", self.prefill + answer)
        return Prompt((*self.messages, said, Message("user", question)), prefill)
