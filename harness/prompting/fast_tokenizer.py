"""A tokenizer and its chat template without transformers, whose import takes a second.

Runs that need nothing else of a model use it. The tokenizer itself is a library of its own (`tokenizers`), the fast
tokenizers of transformers. transformers sets one up by the model's files, and adds a few facts and the chat template.
`summarised` keeps all of it, where both ways are seen to agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from harness.errors import ItemError
from harness.prompting.prompts import Message
from harness.prompting.tokens import NOTHING, ByTurns, HFTokenizer, dividing, told

TALKS = (
    (Message("user", "?"),),
    (Message("system", "Be brief."), Message("user", " What is 2+2?\n\nSay {x}, <b> & 'so'. ")),
    (Message("user", "Où est 東京 🙂?"), Message("assistant", "In\tJapan."), Message("user", "Sure?")),
    (Message("system", ""), Message("user", "a"), Message("assistant", "<think>\nso\n</think>\n\nb")),
)
"""Conversations that both ways must write alike, or refuse."""

_OVERRIDDEN = ("encode", "_encode_plus", "decode", "_decode", "apply_chat_template", "get_chat_template")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The facts that transformers adds to a fast tokenizer.

    Attributes:
        bos, template, specials, variables: see `harness.prompting.tokens.Tokenizer`.
        named: special tokens by the names under which the template knows them ("bos_token").
    """

    bos: int | None
    template: str | None
    specials: Sequence[str]
    variables: Sequence[str]
    named: Mapping[str, str]


class FastTokenizer(ByTurns):
    """A fast tokenizer, with what transformers adds to it.

    Args:
        written: as the library writes it (`tokenizers.Tokenizer.to_str`).

    Raises:
        ValueError: the library cannot read it.
    """

    def __init__(self, written: bytes, summary: Summary) -> None:
        from tokenizers import Tokenizer

        try:
            self.inner = Tokenizer.from_buffer(written)
        except Exception as error:  # of the Rust library, which raises Exception itself
            raise ValueError(told(error)) from error
        self.inner.no_truncation()
        self.inner.no_padding()
        super().__init__(dividing(self.inner.get_added_tokens_decoder().values()))
        self.bos = summary.bos
        self.template = summary.template
        self.specials = frozenset(summary.specials)
        self.variables: frozenset[str] | None = frozenset(summary.variables)
        self._named = summary.named

    def ids(self, text: str) -> list[int]:
        return list(self.inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.inner.decode(list(ids), skip_special_tokens=False))

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        return list(self.inner.encode(text, add_special_tokens=False).offsets)

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        given = {**self._named, **variables, "tools": None, "documents": None}
        try:
            return str(self._compiled.render(messages=turns, add_generation_prompt=True, **given))
        except Exception as error:  # templates raise jinja2 errors of their own making
            raise ItemError(f"the model's chat template refuses this conversation: {error}") from error

    @cached_property
    def _compiled(self) -> Any:
        from jinja2.exceptions import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        def refuse(message: str) -> None:
            raise TemplateError(message)

        def as_json(value: Any, ensure_ascii: bool = False, **settings: Any) -> str:
            return json.dumps(value, ensure_ascii=ensure_ascii, **settings)

        # As transformers sets it up, but for its tag {% generation %}, with which no template is summarised.
        sandbox = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        sandbox.filters["tojson"] = as_json
        sandbox.globals |= {"raise_exception": refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
        return sandbox.from_string(self.template or "")


def summarised(tokenizer: HFTokenizer) -> tuple[Summary, bytes] | None:
    """The summary of a tokenizer of transformers, and its fast tokenizer as the library writes it.

    None where the two would do something else: the tokenizer is a slow one, or its own class changes how text is
    encoded, decoded or written.
    """
    inner = tokenizer.inner
    if not inner.is_fast or inner.split_special_tokens or _overrides(type(inner)):
        return None
    try:
        summary = Summary(
            bos=tokenizer.bos,
            template=tokenizer.template,
            specials=sorted(tokenizer.specials),
            variables=sorted(tokenizer.variables or ()),
            named=dict(inner.special_tokens_map),
        )
        written = inner.backend_tokenizer.to_str().encode()
        same = _alike(FastTokenizer(written, summary), tokenizer)
    except Exception:  # a template that does not end, words that the library cannot write: told where they are used
        return None
    return (summary, written) if same else None


def _overrides(cls: type) -> bool:
    from transformers import PreTrainedTokenizerFast

    return any(getattr(cls, name) is not getattr(PreTrainedTokenizerFast, name) for name in _OVERRIDDEN)


def _alike(alone: FastTokenizer, tokenizer: HFTokenizer) -> bool:
    for talk in TALKS:
        told_alone, told_both = (_written(one, talk) for one in (alone, tokenizer))
        ids = tokenizer.ids(told_both)
        same = told_alone == told_both and alone.ids(told_both) == ids and alone.decode(ids) == tokenizer.decode(ids)
        if not same or list(alone.offsets(told_both)) != list(tokenizer.offsets(told_both)):
            return False
    return True


def _written(tokenizer: FastTokenizer | HFTokenizer, talk: Sequence[Message]) -> str:
    """The conversation in the template; the template's own words where it refuses; without one, the bare messages."""
    if tokenizer.template is None:
        return "\n".join(message.content for message in talk)
    try:
        return tokenizer.chat(talk)
    except ItemError as error:
        return str(error)
