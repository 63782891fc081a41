"""Tokenizers as the harness sees them, and the adapter for Hugging Face ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from harness.errors import ItemError
from harness.prompts import Message


class Tokenizer(Protocol):
    """Text to token ids and back.

    Attributes:
        bos: id of the token that every prompt of this model must begin with, or None.
        has_chat_template: whether `chat` can be used.
    """

    bos: int | None
    has_chat_template: bool

    def encode(self, text: str) -> list[int]:
        """Ids of the text alone: no special tokens added, special tokens written in the text recognised."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of the ids, special tokens shown."""

    def chat(self, messages: Sequence[Message]) -> str:
        """The conversation in the model's template, up to where its next turn begins."""


class HFTokenizer:
    """A `transformers` tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        alone = tokenizer.encode("", add_special_tokens=True)
        self.bos = tokenizer.bos_token_id if tokenizer.bos_token_id in alone[:1] else None
        self.has_chat_template = bool(getattr(tokenizer, "chat_template", None))

    @classmethod
    def load(cls, path: Path, trust_remote_code: bool = False) -> HFTokenizer:
        """The tokenizer of a local model folder."""
        from transformers import AutoTokenizer

        return cls(AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code))

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def chat(self, messages: Sequence[Message]) -> str:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        try:
            return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # templates raise jinja2 errors of their own making
            raise ItemError(f"the model's chat template refuses this conversation: {error}") from error
