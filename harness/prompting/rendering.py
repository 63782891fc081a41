"""Turns a prompt into token ids and audits them: mistakes that other harnesses make silently are errors here."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, Literal

from harness.calls.thoughts import Thought
from harness.errors import HarnessError, ItemError
from harness.prompting.endings import Endings
from harness.prompting.prompts import Message, Prompt, Said
from harness.prompting.rendered import PromptStyle, Rendered
from harness.prompting.spelling import CONTEXT, REPLACEMENT, places, spelled
from harness.prompting.templates import DATE, ChatTemplate, System
from harness.prompting.thinking import UNSET, Thinking
from harness.prompting.thoughts import Thoughts
from harness.prompting.tokens import NOTHING, Specials, Tokenizer

Style = Literal["auto", "chat", "plain"]
Bos = Literal["auto", "add", "leave"]

DECODED = 8
"""Prompts that are decoded again to see whether the tokenizer keeps their text."""


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
        bos: "auto" puts the BOS token in front of plain text where the model wants one, and demands it of a chat
            template; "add" puts it in front of prompts that lack it, chat templates too; "leave" leaves all text as it
            is.
        system, day, variables: see `ChatTemplate`; they have no meaning for plain text.
        thinking: settings of a model that thinks.

    Attributes:
        thoughts: how the model's thoughts are written.

    Raises:
        HarnessError: a style or a variable that the model does not have.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        style: Style,
        context: int,
        *,
        bos: Bos = "auto",
        system: System = "template",
        day: date = DATE,
        variables: Mapping[str, Any] = NOTHING,
        thinking: Thinking = UNSET,
    ) -> None:
        if style == "chat" and tokenizer.template is None:
            raise HarnessError("model.style=chat, but the model has no chat template; set model.style=plain")
        self.tokenizer = tokenizer
        self.style: Literal["chat", "plain"] = "plain" if style == "plain" or tokenizer.template is None else "chat"
        if self.style == "plain" and variables:
            raise HarnessError(f"model.template.{next(iter(variables))}: prompts are plain text, no template reads it")
        self.context = context
        self._bos = bos
        self._template = ChatTemplate(tokenizer, system, day, variables) if self.style == "chat" else None
        self._specials = Specials(tokenizer.specials)
        self.thoughts = Thoughts(tokenizer, thinking, self._template, self._specials)
        self._noted: dict[str, None] = {}  # an ordered set
        self._to_decode = DECODED
        # The draws of one prompt are asked at once: a few prompts back is far enough.
        self._rendered = lru_cache(maxsize=64)(self._render)
        self._unthought = lru_cache(maxsize=64)(self._head)
        self._endings = Endings(tokenizer, self._specials, self._note_own_tokens)
        self._places = lru_cache(maxsize=64)(self._place)

    @property
    def prompt_style(self) -> PromptStyle:
        """The form of the prompts, and the notes so far."""
        template = self._template
        digest = hashlib.sha256((self.tokenizer.template or "").encode()).hexdigest()[:16]
        bos = self.tokenizer.bos
        return PromptStyle(
            self.style,
            digest if template else None,
            template.default_system if template else None,
            self.tokenizer.decode([bos]) if bos is not None else None,
            (*(template.notes if template else ()), *self.thoughts.notes, *self._noted),
            self.thoughts.style,
        )

    def note(self, text: str) -> None:
        """Adds a note for the user about the run's prompts; each note is kept once."""
        self._noted[text] = None

    def _note_own_tokens(self) -> None:
        self.note("words after a cut reply that would merge with its last token have tokens of their own")

    def render(self, prompt: Prompt) -> Rendered:
        """Text and ids of a prompt, with exactly one BOS where the model wants one.

        Raises:
            ItemError: the template refuses, drops or changes a message; a message or the prefill holds the text of a
                special token; the BOS token is missing or doubled; the prompt is empty; a reply that the prompt goes
                on from (`Prompt.after`) had ended, or cannot be the model's own.
            HarnessError: an exact text (`Prompt.exact`) in chat style.
        """
        return self._rendered(prompt)

    def before_thought(self, prompt: Prompt) -> Rendered:
        """A prompt up to where the model begins to think: without what it is to say after its thought.

        Raises:
            ItemError, HarnessError: as `render`.
        """
        return self._unthought(prompt.messages)

    def _head(self, messages: tuple[Message, ...]) -> Rendered:
        return self.encode(self._written(Prompt(messages), self._template))

    def _render(self, prompt: Prompt) -> Rendered:
        thought = self.thoughts.of(prompt)
        if thought == "" and self.thoughts.awaited(prompt):
            self.note("words that the model is to go on from before it has thought follow an empty thought")
        self._refuse_specials("the prefilled message", prompt.prefill)
        if prompt.prefill.endswith(" "):
            self._noted["a prompt ends with a space, which most tokenizers would join with the next word"] = None
        if isinstance(thought, Thought) and thought.ended != "none":
            rendered = self._thought(self.before_thought(prompt), thought, prompt.prefill)
        else:
            text = self._written(prompt, self.thoughts.quiet if thought == "" else self._template)
            if isinstance(thought, str):
                self._refuse_specials("the thought", thought)
            rendered = self.encode(
                text + (self.thoughts.opened(thought) if thought is not None else "") + prompt.prefill
            )
        return self._continued(rendered, prompt.said)

    def _written(self, prompt: Prompt, template: ChatTemplate | None) -> str:
        """The text of the turns, up to where the model's begins."""
        messages = self.thoughts.quoted(prompt.messages)
        for message in messages:
            self._refuse_specials(f"the {message.role} message", message.content)
        if template is None:
            return plain_text(Prompt(messages))
        if messages:
            return template.write(messages)
        raise HarnessError(
            "this prompt is an exact text for a base model, but the model has a chat template; set "
            "model.style=plain to send it as it is"
        )

    def _thought(self, head: Rendered, thought: Thought, prefill: str) -> Rendered:
        """The prompt with the ids of the model's own thought behind it, closed, and the first words of the answer."""
        written = spelled(self.tokenizer, head.ids, thought.ids)
        read = len(head.text), len(head.ids)
        now = Rendered(head.text + written, head.ids + thought.ids, head.added, read)
        more = self.thoughts.closing(thought, written) + prefill
        own = self._endings.own_tokens(now, more) if more else ()
        return Rendered(now.text + more, now.ids + own, head.added, read)

    def _continued(self, rendered: Rendered, replies: Sequence[Said]) -> Rendered:
        """The prompt with the ids of replies behind it, and their words that the model has not said."""
        if not replies:
            return rendered
        read = rendered.read or (len(rendered.text), len(rendered.ids))
        # Replies with nothing between are spelled together: one may end inside a character that the next completes.
        text, ids = rendered.text, rendered.ids
        run: tuple[int, ...] = ()
        for one in replies:
            self._audit_reply(one)
            self._refuse_specials("what follows a reply", one.more)
            run += one.tokens
            if one.more:
                text, ids, run = text + spelled(self.tokenizer, ids, run), ids + run, ()
                ids += self._endings.own_tokens(Rendered(text, ids, rendered.added, read), one.more)
                text += one.more
        return Rendered(text + spelled(self.tokenizer, ids, run), ids + run, rendered.added, read)

    def _audit_reply(self, reply: Said) -> None:
        text = self.tokenizer.decode(reply.tokens)
        ends = [end for _, end in self._specials.find(text)]
        if ends[-1:] == [len(text)]:
            raise ItemError(
                f"the reply {reply.text[-40:]!r} ended its turn and cannot be continued; go on only from a reply that "
                "was cut (finish is 'length', or a stop string), or ask the next turn with Prompt.then"
            )
        self._refuse_specials("the reply", text)
        # An engine leaves out what it cannot show yet: half a character, and the space before a first word.
        if not text.strip().startswith(reply.text.strip().rstrip(REPLACEMENT)):
            raise ItemError(
                f"the token ids of the reply {reply.text[:40]!r} spell {text[:40]!r} in this model's tokenizer; "
                "only a model's own replies can be continued"
            )

    def unended(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """Token ids of a reply without the special tokens that end its turn."""
        n = len(tokens)
        while n and self._specials.without(self.tokenizer.decode(tokens[n - 1 : n])) == "":
            n -= 1
        return tuple(tokens[:n])

    def encode(self, text: str) -> Rendered:
        """Ids of a text that is already as the model is to see it, BOS audited as in `render`."""
        ids = self.tokenizer.encode(text)
        if self._to_decode:
            self._decode_again(text, ids)
        bos, added = self.tokenizer.bos, 0
        if bos is not None and ids[:2] == [bos, bos]:
            raise ItemError("the prompt begins with two BOS tokens; the chat template and the text both hold one")
        if bos is not None and ids[:1] != [bos] and self._bos != "leave":
            if self.style == "chat" and self._bos == "auto":
                raise ItemError(
                    "the model's prompts begin with a BOS token, but its chat template writes none; set model.bos=add "
                    "to put it in front, or model.bos=leave to go without"
                )
            ids, added = [bos, *ids], 1
        if not ids:
            raise ItemError("the prompt is empty")
        return Rendered(text, tuple(ids), added)

    def _refuse_specials(self, what: str, content: str) -> None:
        # A special token inside a message could end the turn, or speak as somebody else.
        for begin, end in self._specials.find(content):
            around = content[max(0, begin - 20) : end + 20]
            raise ItemError(
                f"{what} holds the text of the special token {content[begin:end]!r} ({around!r}); rewrite it"
            )

    def _decode_again(self, text: str, ids: Sequence[int]) -> None:
        self._to_decode -= 1
        back = self.tokenizer.decode(ids)
        if back != text:
            at = next(
                (i for i, (a, b) in enumerate(zip(text, back, strict=False)) if a != b), min(len(text), len(back))
            )
            begin = max(0, at - 10)
            self._noted.setdefault(
                f"the tokenizer does not keep text: {text[begin : at + 10]!r} reads {back[begin : at + 10]!r} again"
            )
            self._to_decode = 0

    def check_length(self, rendered: Rendered, new_tokens: int) -> None:
        """Raises ItemError when prompt and reply do not fit the context: nothing is ever truncated."""
        if len(rendered.ids) + new_tokens > self.context:
            raise ItemError(
                f"a prompt of {len(rendered.ids)} tokens plus {new_tokens} new ones does not fit the context of "
                f"{self.context}; raise engine.max_model_len or shorten the prompt"
            )

    def options(self, rendered: Rendered, forms: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[int, ...]]]:
        """Token ids of every surface form of every option, as they continue the prompt.

        They are what `encode(prompt + form)` has after the prompt's own ids. Not the whole prompt is tokenised for it
        but its end, from a place on at which the tokens of the end alone are the prompt's own.

        Raises:
            ItemError: a form merges with the prompt's last token, is empty, holds the text of a special token, or is
                the beginning of another form.
        """
        end = self._endings.own_end(rendered)
        result: dict[str, list[tuple[int, ...]]] = {}
        owner: dict[tuple[int, ...], str] = {}
        for option, texts in forms.items():
            result[option] = []
            for form in texts:
                self._refuse_specials("an option", form)
                ids = self._endings.forms(end, form)
                if owner.setdefault(ids, option) != option:
                    raise ItemError(f"options {owner[ids]!r} and {option!r} have the same tokens")
                if ids not in result[option]:
                    result[option].append(ids)
        for ids, longer in pairwise(sorted(owner)):  # what begins with `ids` follows it at once
            if longer[: len(ids)] == ids:
                raise ItemError(
                    f"option {owner[ids]!r} is the beginning of option {owner[longer]!r} in tokens: "
                    "their probabilities would overlap"
                )
        return result

    def span(self, rendered: Rendered, text: str, nth: int = 0) -> range:
        """Positions of the tokens that cover a piece of the prompt's text.

        A token is covered when it has at least one character of the piece (a space before a word belongs to the word's
        token where the tokenizer has it so). Of a character that is several tokens, all are.

        Args:
            text: as it stands in the rendered prompt, template and special tokens included.
            nth: index of the occurrence, from 0 on; -1 is the last, as in Python.

        Raises:
            ItemError: the prompt does not hold it, or not so often.
            HarnessError: the tokenizer cannot tell where its tokens lie.
        """
        places = [found.start() for found in re.finditer(re.escape(text), rendered.text)] if text else []
        if not -len(places) <= nth < len(places):
            raise ItemError(f"the prompt holds {text[:60]!r} {len(places)} times, so there is no number {nth} (from 0)")
        begins, ends = self._bounds(rendered)
        first = bisect_right(ends, places[nth])
        behind = bisect_left(begins, places[nth] + len(text))
        if first >= behind:
            raise ItemError(f"no token of the prompt stands for {text[:60]!r}: the tokenizer leaves it out")
        return range(first + rendered.added, behind + rendered.added)

    def up_to(self, rendered: Rendered, position: int) -> Rendered:
        """The prompt as far as one of its tokens, that one included; what follows is then options, say.

        Raises:
            ItemError: there is no such position; or the text up to there alone has other tokens.
            HarnessError: the tokenizer cannot tell where its tokens lie.
        """
        if not 0 <= position < len(rendered.ids):
            raise ItemError(f"position {position} is beyond a prompt of {len(rendered.ids)} tokens")
        if position == len(rendered.ids) - 1:
            return rendered
        ends = self._bounds(rendered)[1]
        number = position - rendered.added  # among the text's own tokens; the BOS token put in front is none of them
        text, ids = rendered.text[: ends[number]] if number >= 0 else "", rendered.ids[: position + 1]
        # Behind text alone no reply's tokens are kept; where they are, `_own_end` sees to it that they are its own.
        read = rendered.read if rendered.read is not None and len(ids) > rendered.read[1] else None
        part = Rendered(text, ids, rendered.added, read)
        own = self._endings.ends(self._endings.own_end(part))
        if not text or (read is None and ids[-len(own) :] != own):
            raise ItemError(
                f"the prompt cannot be ended after its token {position}, {part.text[-20:]!r}: alone it has other tokens"
            )
        return part

    def _bounds(self, rendered: Rendered) -> tuple[list[int], list[int]]:
        """The begin and end of each token in the text, without the tokens added in front."""
        characters, tokens = rendered.read or (len(rendered.text), len(rendered.ids))
        last = rendered.ids[max(0, tokens - CONTEXT) : tokens]
        return self._places(rendered.text[:characters], last, rendered.ids[tokens:])

    def _place(self, text: str, before: tuple[int, ...], appended: tuple[int, ...]) -> tuple[list[int], list[int]]:
        offsets = list(self.tokenizer.offsets(text))
        if appended:
            behind = places(self.tokenizer, before, appended)
            offsets += [(len(text) + begin, len(text) + end) for begin, end in behind]
        ends = list(accumulate((end for _, end in offsets), max))
        # A space that no token claims is the next one's: byte-level tokenizers leave it out of their account.
        begins = [min(begin, last) for (begin, _), last in zip(offsets, [0, *ends], strict=False)]
        return list(accumulate(begins, max)), ends
