"""Defines a prompt: messages and optionally the first words of the answer, or an exact text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from harness.calls.calls import Text
from harness.calls.thoughts import Thought

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Said:
    """A reply that a prompt goes on from.

    Attributes:
        text: as the engine gave it; where a stop string ended the reply, `tokens` hold that string and `text` does not.
        tokens: its own token ids.
        more: words put after it, which the model has not said.
    """

    text: str
    tokens: tuple[int, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that the model continues, or an exact text.

    Attributes:
        messages: the turns so far; () makes the prompt an exact text, which is all in `prefill`.
        prefill: the first words of the model's next turn, put after the chat template's generation prompt.
            For a model without a chat template, turns are joined as plain text (see `rendering.plain_text`).
        said: replies of the model that go on after `prefill` in the same turn, see `after`.
        thought: the model's thought before `prefill`: its own thought (`Subject.think`), words
            that are given to it, or "", which is none. None leaves it to the model's settings.
    """

    messages: tuple[Message, ...]
    prefill: str = ""
    said: tuple[Said, ...] = ()
    thought: Thought | str | None = None

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

    def after(self, text: Text, more: str = "") -> Prompt:
        """The same prompt gone on with a reply to it, as the reply's own token ids, and then `more`.

        The model stands where it stood when its reply was cut: decoding the reply and encoding it again could give
        other tokens, which are another prompt. Only a reply that was cut, by max_tokens or by a stop string, can be
        continued. A stop string that cut it is part of its ids. Its thought stands before it, as it was asked. One in
        which the model thought again, or whose thought never ended, is refused when the prompt is asked.

        Args:
            more: words that the model has not said ("\\nWait,"). Where the tokenizer would merge them with the end of
                the reply, they get tokens of their own.
        """
        own = text.thought if self.thought is None or (text.thought and text.thought.again) else self.thought
        return replace(self, said=(*self.said, Said(text.text, text.tokens, more)), thought=own)

    def thinking(self, thought: Thought | str | None) -> Prompt:
        """The same prompt after a thought, see `thought`."""
        return replace(self, thought=thought)

    def then(self, answer: str, question: str, prefill: str = "") -> Prompt:
        """The same conversation after the model said `answer` (its prefill included) and the user `question`.

        Replies that were continued (`after`) become text of the finished turn. A turn is quoted without its thought, as
        models that think are trained on. An exact text goes on letter for letter:
        all line breaks between are the caller's.
        """
        if not self.messages:
            rest = answer + question + prefill
            if not self.said:
                return Prompt.exact(self.prefill + rest)
            *others, last = self.said
            return replace(self, said=(*others, replace(last, more=last.more + rest)))
        turn = "".join([self.prefill, *(one.text + one.more for one in self.said), answer])
        return Prompt((*self.messages, Message("assistant", turn), Message("user", question)), prefill)
