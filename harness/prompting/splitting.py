"""Splits a reply into its thought and its answer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.calls.calls import Text
from harness.calls.thoughts import Thought
from harness.errors import ItemError
from harness.prompting.spelling import REPLACEMENT
from harness.prompting.thinking import KNOWN, Marks
from harness.prompting.tokens import Specials, Tokenizer

CUT = Text("", (), (), "length")
"""The answer behind a thought that has no end: there is none, and nothing may be read from the thought."""


@dataclass(frozen=True)
class Splitter:
    """Finds the marks of one kind in the tokens that a model wrote.

    A mark that is one token of the model is found by that token: the same letters in other tokens are words about it.
    Any other mark is found by its letters.
    """

    tokenizer: Tokenizer
    specials: Specials
    marks: Marks

    @cached_property
    def end_token(self) -> int | None:
        """The token that ends a thought, where it is one."""
        ids = self.tokenizer.encode(self.marks.end)
        return ids[0] if len(ids) == 1 else None

    def room(self, opened: bool) -> int:
        """Tokens that the model needs for the marks around a thought.

        Args:
            opened: whether the template began it.
        """
        encode = self.tokenizer.encode
        return len(encode(self.marks.end)) + (0 if opened else len(encode(self.marks.open)))

    def opening(self, tokens: Sequence[int]) -> int:
        """How many of the first tokens are the mark that opens a thought; 0 where none does."""
        shown = self.tokenizer.decode(tokens)
        begun = shown.lstrip()
        marks = self.marks
        if begun.startswith(marks.start):
            end = len(shown) - len(begun) + len(marks.start)
        elif marks.direct and begun.startswith(_channel(marks)) and not begun.startswith(marks.direct):
            # Text in another channel of harmony is no answer either.
            last = marks.direct.rpartition("<")[2]
            end = shown.find(last) + len(last) if last in shown else len(shown)
        else:
            return 0
        own = self.tokenizer.encode(marks.start)
        written = tokens[: self._until(tokens, end)]
        return 0 if len(own) == 1 and own[0] not in written else len(written)

    def direct(self, tokens: Sequence[int]) -> int:
        """How many of the first tokens say that an answer follows without a thought."""
        shown = self.tokenizer.decode(tokens)
        if not self.marks.direct or not shown.startswith(self.marks.direct):
            return 0
        return self._until(tokens, len(self.marks.direct))

    def end(self, tokens: Sequence[int], last: bool = False) -> tuple[int, int] | None:
        """The tokens that end a thought, as begin and end; None where nothing does.

        Args:
            last: the last such mark, and not the first.
        """
        mark = (self.marks.direct if last else "") or self.marks.end
        if (token := self.end_token) is not None and mark == self.marks.end:
            found = [i for i, one in enumerate(tokens) if one == token]
            return (found[-1 if last else 0], found[-1 if last else 0] + 1) if found else None
        shown = self.tokenizer.decode(tokens)
        at = shown.rfind(mark) if last else shown.find(mark)
        return (self._before(tokens, at), self._until(tokens, at + len(mark))) if at >= 0 else None

    def thought(self, tokens: Sequence[int], opened: bool, budget: int) -> Thought:
        """The thought in the first tokens of a reply, which may be closed.

        Args:
            opened: whether the template began it.
            budget: most tokens that it may have; those beyond, and a mark behind them, are left out.
        """
        begin = self.opening(tokens)
        if not begin and not opened:
            return Thought()
        found = self.end(tokens[begin:])
        if found is not None and found[0] <= budget:
            first, behind = begin + found[0], begin + found[1]
            text = self.tokenizer.decode(tokens[begin:behind]).partition(self.marks.end)[0]
            inner, closing = tuple(tokens[begin:first]), tuple(tokens[first:behind])
            return Thought(text.strip(), inner, tuple(tokens[:begin]), closing, "closed")
        inner = self._whole(tokens[begin : begin + budget])
        return Thought(self.tokenizer.decode(inner).strip(), inner, tuple(tokens[:begin]), (), "forced")

    def first(self, thought: Thought, share: float) -> Thought:
        """The first part of a thought, by tokens, to be closed by force."""
        if not 0 <= share <= 1:
            raise ItemError(f"a share of a thought lies between 0 and 1, not at {share}")
        if share == 1 or thought.ended in ("none", "cut"):
            return thought
        inner = self._whole(thought.tokens[: round(share * len(thought.tokens))])
        return Thought(self.tokenizer.decode(inner).strip(), inner, thought.opening, (), "forced")

    def answer(self, reply: Text, before: Thought | None) -> Text:
        """The answer in a reply that should be nothing else: what stands behind further thoughts.

        Args:
            before: the thought that it followed.
        """
        begin = self.opening(reply.tokens)
        direct = self.direct(reply.tokens)
        found = None if direct else self.end(reply.tokens, last=True)
        earlier = before or Thought()
        if found is None and not begin:
            said = self.part(reply, direct) if direct else reply
            return said if before is None else replace(said, thought=before)
        inner = reply.tokens[begin : found[0] if found else len(reply.tokens)]
        # Harmony ends the channel of a thought before the mark that opens the answer's.
        ending = self.marks.close.partition(self.marks.direct or self.marks.end)[0].strip()
        shown = self.tokenizer.decode(inner).strip().removesuffix(ending)
        text = "\n".join(filter(None, (earlier.text, shown)))
        opening = earlier.opening if earlier.ids else reply.tokens[:begin]
        closing = reply.tokens[found[0] : found[1]] if found else ()
        more = Thought(text, earlier.tokens + inner, opening, closing, "closed" if found else "cut")
        said = self.part(reply, found[1]) if found else CUT
        return replace(said, text=said.text.lstrip("\n"), thought=more)

    def part(self, reply: Text, begin: int) -> Text:
        """A reply from one of its tokens on. Its text ends where the reply's does, at a stop string for one."""
        head = self.tokenizer.decode(reply.tokens[:begin])
        mark = self.marks.direct if self.marks.direct and self.marks.direct in head else self.marks.end
        # Text after the mark in the same token belongs to the answer.
        head = head[: head.rfind(mark) + len(mark)] if mark in head else head
        shown, visible = reply.text.lstrip(), head.lstrip()
        if not shown.startswith(visible):  # the marks are special tokens, which a text does not show
            visible = self.specials.without(visible).lstrip()
        skipped = len(reply.text) - len(shown) + len(visible)
        return replace(reply, text=reply.text[skipped:], tokens=reply.tokens[begin:], logprobs=reply.logprobs[begin:])

    def shortened(self, reply: Text, max_tokens: int, stop: Iterable[str]) -> Text:
        """A reply as it had been with fewer tokens at most, and ended by stop strings."""
        text, tokens, finish = reply.text, reply.tokens, reply.finish
        if places := [at for one in stop if (at := text.find(one)) >= 0]:
            spelled = self.specials.without(self.tokenizer.decode(tokens))
            space = max(spelled.find(text), 0)
            tokens, text, finish = tokens[: self._before(tokens, space + min(places)) + 1], text[: min(places)], "stop"
        if len(tokens) > max_tokens:
            whole = len(self.specials.without(self.tokenizer.decode(reply.tokens)))
            tokens, finish = tokens[:max_tokens], "length"
            lost = whole - len(self.specials.without(self.tokenizer.decode(tokens)))
            text = text[: max(0, len(reply.text) - lost)].rstrip(REPLACEMENT)
        return replace(reply, text=text, tokens=tokens, logprobs=reply.logprobs[: len(tokens)], finish=finish)

    def _whole(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """The tokens without special ones at their end, and without a part of a character."""
        kept = tuple(tokens)
        while kept and (
            self.tokenizer.decode(kept[-4:]).endswith(REPLACEMENT)
            or not self.specials.without(self.tokenizer.decode(kept[-1:]))
        ):
            kept = kept[:-1]
        return kept

    def _before(self, tokens: Sequence[int], place: int) -> int:
        """How many of the first tokens lie wholly before a character of their text."""
        # Texts of beginnings only grow, so that the place is found by halving.
        return bisect_right(range(1, len(tokens) + 1), place, key=lambda n: len(self.tokenizer.decode(tokens[:n])))

    def _until(self, tokens: Sequence[int], end: int) -> int:
        """How many of the first tokens it takes to spell so many characters."""
        before = self._before(tokens, end)
        return before if len(self.tokenizer.decode(tokens[:before])) >= end else before + 1


def _channel(marks: Marks) -> str:
    return marks.direct[: marks.direct.find(">") + 1]


def unknown_marks(text: str) -> Marks | None:
    """The marks of a reply that begins with a thought though its model is not known to think.

    Where a server's template has begun the thought, the reply shows only how it ends. A mark in quotation marks is a
    word.
    """
    begun = text.lstrip()
    return next((marks for marks in KNOWN if begun.startswith(marks.start) or _ends_within(text, marks)), None)


def _ends_within(text: str, marks: Marks) -> bool:
    before, found, _ = text.partition(marks.end)
    return bool(found) and not marks.direct and marks.start not in before and before[-1:] not in {'"', "'", "`"}


def without_thought(content: str, marks: Marks | None, opened: bool) -> str:
    """An earlier answer as a later turn quotes it, without the thought before it.

    Args:
        marks: the model's; None where it is not known to think.
        opened: whether the template begins thoughts, so that a reply shows their end only.

    Raises:
        ItemError: the thought has no end, so that there is no answer to be quoted.
    """
    begun = content.lstrip()
    for one in (marks,) if marks is not None else KNOWN:
        thinks = begun.startswith(one.start) or (opened and one.end in content)
        if thinks and one.end not in content:
            raise ItemError(f"an earlier answer is a thought that has no end: {content[:60]!r}; it cannot be quoted")
        if thinks:
            final = content.rpartition(one.direct or one.end)[2]
            return final.lstrip("\n")
    return content
