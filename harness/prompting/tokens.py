"""Defines what the harness needs of a tokenizer, and adapts Hugging Face ones to it."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Message
from harness.prompting.trial import check_ends

NOTHING: Mapping[str, Any] = MappingProxyType({})

SHORT = 4000
"""Characters of a part of a prompt that is kept with its ids."""

COMPARED = 8
"""Prompts whose parts are compared with the whole."""


class Tokenizer(Protocol):
    """Text to token ids and back.

    Attributes:
        bos: id of the token that every prompt of this model must begin with, or None.
        template: text of the chat template, or None when the model has none and `chat` cannot be used.
        variables: names that the template looks at; None when it takes any.
        specials: how the special tokens are written: text that `encode` turns into one of them.
    """

    bos: int | None
    template: str | None
    specials: frozenset[str]

    @property
    def variables(self) -> frozenset[str] | None: ...

    def encode(self, text: str) -> list[int]:
        """Ids of the text alone: no special tokens added, special tokens written in the text recognised.

        Raises:
            ItemError: the text cannot be written in tokens (half a surrogate pair, no token for an unknown word).
        """

    def decode(self, ids: Sequence[int]) -> str:
        """Text of the ids, special tokens shown."""

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        """Of each token of `encode(text)`: its first character in the text, and the one after its last.

        Tokens that share a character (bytes of one letter) all have it; a space may be left out before a token.

        Raises:
            HarnessError: the tokenizer cannot tell.
        """

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        """The conversation in the model's template, up to where its next turn begins.

        Args:
            variables: passed to the template beside the messages.

        Raises:
            ItemError: the template refuses the conversation.
        """


class Specials:
    """Finds special tokens in text. A model may have thousands, too many for one pattern that tries each in turn.

    Args:
        written: how they are written, none empty.
    """

    def __init__(self, written: frozenset[str]) -> None:
        self._written = written
        self._lengths = sorted({len(text) for text in written}, reverse=True)
        firsts = "".join(sorted({re.escape(text[0]) for text in written}))
        self._first = re.compile(f"[{firsts}]" if written else r"(?!)")

    def find(self, text: str, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Begin and end of each, from a place on; the longest where several begin at once."""
        for found in self._first.finditer(text, begin):
            start = found.start()
            if start < begin:
                continue
            for length in self._lengths:
                found_text = text[start : start + length]  # shorter at the end of the text
                if found_text in self._written:
                    begin = start + len(found_text)
                    yield start, begin
                    break

    def without(self, text: str) -> str:
        """The text between them."""
        spans = list(self.find(text))
        begins, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
        return "".join(text[begin:end] for begin, end in zip(begins, ends, strict=True))


class ByTurns(ABC):
    """Encodes the turns of a conversation one by one, where the special tokens between them divide the text anyway.

    The turns that prompts share (instructions, demonstrations, the question) are then encoded once.

    Args:
        dividing: the special tokens at which a text can be divided in front, see `dividing`.
    """

    def __init__(self, dividing: frozenset[str]) -> None:
        self._dividing = Specials(dividing)
        self._short = lru_cache(maxsize=4096)(self._ids)
        self._to_compare = COMPARED

    @abstractmethod
    def ids(self, text: str) -> list[int]:
        """The ids of a text as a whole, see `Tokenizer.encode`; raises anything."""

    def encode(self, text: str) -> list[int]:
        """As `Tokenizer.encode`."""
        begins = [begin for begin, _ in self._dividing.find(text)]
        ids: list[int] = []
        for begin, end in zip([0, *begins], [*begins, len(text)], strict=True):
            part = text[begin:end]
            ids += self._short(part) if len(part) <= SHORT else self._ids(part)
        if self._to_compare and begins:
            self._to_compare -= 1
            whole = self._ids(text)
            if ids != whole:  # a tokenizer that does more than its file says
                self._dividing, ids = Specials(frozenset()), whole
        return ids

    def _ids(self, text: str) -> list[int]:
        try:
            return self.ids(text)
        except Exception as error:  # of the Rust library, which raises Exception itself
            raise ItemError(f"the tokenizer cannot write {text[:60]!r} in tokens: {told(error)}") from error


class HFTokenizer(ByTurns):
    """A `transformers` tokenizer.

    Attributes:
        inner: the tokenizer as transformers has it.

    Raises:
        HarnessError: it is of Mistral's own kind, which has no template that could be audited, or it is broken.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not isinstance(tokenizer.added_tokens_decoder, Mapping):
            raise HarnessError(
                f"a {type(tokenizer).__name__} shows neither its chat template nor its special tokens; use a "
                "revision of the model that has a tokenizer.json"
            )
        self.inner = tokenizer
        try:
            alone = tokenizer.encode("", add_special_tokens=True)
            self.template: str | None = (
                tokenizer.get_chat_template() if getattr(tokenizer, "chat_template", None) else None
            )
        except Exception as error:  # of many types: its files hold something of another type
            raise HarnessError(f"the tokenizer of {tokenizer.name_or_path} is broken: {told(error)}") from error
        self.bos = tokenizer.bos_token_id if tokenizer.bos_token_id in alone[:1] else None
        added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
        self.specials = frozenset(text for text in (*added, *tokenizer.all_special_tokens) if text)
        super().__init__(dividing(tokenizer.added_tokens_decoder.values()) if tokenizer.is_fast else frozenset())

    @cached_property
    def variables(self) -> frozenset[str] | None:
        """As `Tokenizer.variables`.

        Raises:
            HarnessError: the template cannot be parsed, or does not end.
        """
        if self.template is None:
            return frozenset()
        check_ends(self.template)  # first of all: even to parse it may fill the memory
        return _variables(self.template, self.inner.name_or_path)

    @classmethod
    def load(cls, path: Path, trust_remote_code: bool = False, kind: str = "") -> HFTokenizer:
        """The tokenizer of a local model folder.

        Args:
            kind: its class in transformers as `kind` names it, where that is known: finding it takes an import of
                torch, 4 seconds.

        Raises:
            HarnessError: there is none that can be read.
        """
        # Where torch is not installed, transformers would say so; a tokenizer needs none.
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        try:
            if kind:
                module, _, name = kind.partition(":")
                loaded = getattr(import_module(module), name).from_pretrained(path)
            else:
                from transformers import AutoTokenizer

                # Where Mistral's own library is installed, its format would be preferred.
                loaded = AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code, mistral_format=False)
        except Exception as error:  # of many types: its files hold something of another type
            raise HarnessError(f"the tokenizer in {path} cannot be loaded: {told(error)}") from error
        return cls(loaded)

    @property
    def kind(self) -> str:
        """Its class in transformers, as "module:name"; "" for one whose code lies beside the weights."""
        cls = type(self.inner)
        return f"{cls.__module__}:{cls.__name__}" if cls.__module__.startswith("transformers.") else ""

    def ids(self, text: str) -> list[int]:
        return list(self.inner.encode(text, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.inner.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        if not self.inner.is_fast:
            raise HarnessError(
                "this model has only a slow tokenizer, which cannot say where its tokens lie in the text; "
                "save a tokenizer.json beside its weights"
            )
        encoded = self.inner(text, add_special_tokens=False, return_offsets_mapping=True)
        return [(begin, end) for begin, end in encoded["offset_mapping"]]

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        try:
            return str(self.inner.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **variables))
        except Exception as error:  # templates raise jinja2 errors of their own making
            raise ItemError(f"the model's chat template refuses this conversation: {error}") from error


def told(error: Exception) -> str:
    """A library's error in one line."""
    kind = "" if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())[:500]


def dividing(tokens: Iterable[Any]) -> frozenset[str]:
    """The special tokens at which a text can be divided in front, with no effect on its ids.

    A fast tokenizer takes added tokens out of a text before it does anything else. None of them may begin inside of
    another one, take spaces from the text before it, or depend on the word that it touches.

    Args:
        tokens: all added tokens of a fast tokenizer.
    """
    added = list(tokens)
    if any(one.single_word for one in added):
        return frozenset()
    inside = {character for one in added for character in one.content[1:]}
    greedy = [one.content for one in added if one.lstrip]
    return frozenset(
        one.content
        for one in added
        if one.special and not one.normalized and one.content and one.content[0] not in inside
        if not any(longer.startswith(one.content) for longer in greedy)
    )


def _variables(template: str, model: str) -> frozenset[str]:
    from jinja2 import TemplateError, nodes
    from jinja2.meta import find_undeclared_variables
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # A tag of transformers' own, which says nothing about variables.
    plain = re.sub(r"\{%[-+]?\s*(?:end)?generation\s*[-+]?%\}", "", template)
    try:
        parsed = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(plain)
    except (TemplateError, RecursionError) as error:
        raise HarnessError(
            f"the chat template of {model} is no valid template: {error}; repair chat_template in its "
            "tokenizer_config.json (or chat_template.jinja), or set model.style=plain"
        ) from error
    # A name that the template itself sets is given from outside only if it asks whether it was.
    own = {name.name for name in parsed.find_all(nodes.Name) if name.ctx == "store"}
    asked = {test.node.name for test in parsed.find_all(nodes.Test) if isinstance(test.node, nodes.Name)}
    return frozenset(find_undeclared_variables(parsed) - (own - asked))
