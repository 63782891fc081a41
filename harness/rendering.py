"""Rendering: a prompt to token ids, once, with an audit. What would be silently wrong elsewhere is an error here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from harness.errors import HarnessError, ItemError
from harness.prompts import Prompt
from harness.tokens import Tokenizer

Style = Literal["auto", "chat", "plain"]

BOUNDARY = 128
"""Characters before an option that decide how it is tokenised: tokenizers merge within words, and few are longer."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as the model sees it.

    Attributes:
        text: the exact text, special tokens included.
        ids: its token ids.
    """

    text: str
    ids: tuple[int, ...]


def plain_text(prompt: Prompt) -> str:
    """Joins turns for a model without a chat template: one line break inside an exchange, a blank line after it."""
    text = ""
    for message in prompt.messages:
        text += message.content.rstrip() + ("\n\n" if message.role == "assistant" else "\n")
    return text + prompt.prefill


class Renderer:
    """Turns prompts into token ids for one tokenizer.

    Args:
        tokenizer: the model's tokenizer.
        style: "chat" uses the model's template, "plain" joins the turns, "auto" uses the template when there is one.
        context: the longest prompt plus reply that the engine takes, in tokens.
    """

    def __init__(self, tokenizer: Tokenizer, style: Style, context: int) -> None:
        if style == "chat" and not tokenizer.has_chat_template:
            raise HarnessError("model.style=chat, but the model has no chat template; set model.style=plain")
        self.tokenizer = tokenizer
        self.style: Literal["chat", "plain"] = (
            "plain" if style == "plain" or not tokenizer.has_chat_template else "chat"
        )
        self.context = context
        # The draws of one prompt are asked at once: a few prompts back is far enough.
        self._rendered = lru_cache(maxsize=64)(self._render)
        self._forms = lru_cache(maxsize=4096)(self._form)

    def render(self, prompt: Prompt) -> Rendered:
        """Text and ids of a prompt, with exactly one BOS where the model wants one.

        Raises:
            ItemError: the template refuses or drops a message, or doubles the BOS token.
        """
        return self._rendered(prompt)

    def _render(self, prompt: Prompt) -> Rendered:
        if self.style == "plain":
            text = plain_text(prompt)
        else:
            text = self.tokenizer.chat(prompt.messages) + prompt.prefill
            for message in prompt.messages:
                if message.content.strip() not in text:
                    raise ItemError(
                        f"the chat template drops or changes the {message.role} message {message.content[:60]!r}"
                    )
        ids = self.tokenizer.encode(text)
        bos = self.tokenizer.bos
        if bos is not None:
            if ids[:2] == [bos, bos]:
                raise ItemError("the prompt begins with two BOS tokens; the chat template and the text both hold one")
            if ids[:1] != [bos] and self.style == "chat":
                raise ItemError("the model's prompts begin with a BOS token, but its chat template writes none")
            if ids[:1] != [bos]:
                ids = [bos, *ids]
        return Rendered(text, tuple(ids))

    def check_length(self, rendered: Rendered, new_tokens: int) -> None:
        """Raises ItemError when prompt and reply do not fit the context: nothing is ever truncated."""
        if len(rendered.ids) + new_tokens > self.context:
            raise ItemError(
                f"a prompt of {len(rendered.ids)} tokens plus {new_tokens} new ones does not fit the context of "
                f"{self.context}; raise engine.max_model_len or shorten the prompt"
            )

    def options(self, rendered: Rendered, forms: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[int, ...]]]:
        """Token ids of every surface form of every option, as they continue the prompt.

        Raises:
            ItemError: a form merges with the prompt's last token, is empty, or is the beginning of another form.
        """
        result: dict[str, list[tuple[int, ...]]] = {}
        owner: dict[tuple[int, ...], str] = {}
        for option, texts in forms.items():
            result[option] = []
            for form in texts:
                ids = self._forms(rendered.text[-BOUNDARY:], form)
                if owner.setdefault(ids, option) != option:
                    raise ItemError(f"options {owner[ids]!r} and {option!r} have the same tokens")
                if ids not in result[option]:
                    result[option].append(ids)
        for ids, option in owner.items():
            for other, longer in owner.items():
                if ids != other and other[: len(ids)] == ids:
                    raise ItemError(
                        f"option {option!r} is the beginning of option {longer!r} in tokens: "
                        "their probabilities would overlap"
                    )
        return result

    def _form(self, tail: str, form: str) -> tuple[int, ...]:
        bare, whole = self.tokenizer.encode(tail), self.tokenizer.encode(tail + form)
        if whole[: len(bare)] != bare or len(whole) == len(bare):
            raise ItemError(
                f"option {form!r} merges with the end of the prompt {tail[-20:]!r} in this tokenizer; "
                "end the prompt at another place or write the option another way"
            )
        return tuple(whole[len(bare) :])
