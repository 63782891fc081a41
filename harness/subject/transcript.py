"""The transcript of one item, stored so that t turns of a conversation take O(t) bytes.

The prompt of a conversation's turn begins with the prompt of the turn before. A transcript keeps such a beginning once:
an exchange stores which earlier exchange its prompt begins with, how many characters of it, and the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from harness.calls.thoughts import Ended

BLOCK = 256
"""Characters: beginnings are compared, and kept once, in blocks of this length."""

Start = tuple[int, int]
"""The index of an earlier exchange, and how many characters of its whole prompt another prompt begins with."""


@dataclass(frozen=True, slots=True)
class ThoughtPart:
    """The part of a reply that is a thought. The reply begins with it.

    Attributes:
        ended: how it ended; "none" where the model might have thought and answered at once.
        tokens: its size, without the marks around it.
        characters: how many of the reply's characters it takes, its marks included.
        empty: whether nothing but space stands between its marks.
        further: whether it goes on thinking behind a thought of an earlier exchange, in place of the answer.
    """

    ended: Ended
    tokens: int
    characters: int
    empty: bool
    further: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the model and its answer.

    Attributes:
        prompt: the exact text sent, special tokens included; in a stored exchange with a `start`, the rest of it.
        reply: the generated text, the probabilities of the options, or the measurement of the prompt.
        keys: hexadecimal keys of the stored calls behind it.
        cached: whether every one of them was answered from the store.
        prompt_tokens, new_tokens: size of the question and of the answer.
        role: the role of the model that was asked; "" is the subject itself.
        start: start of a stored exchange's prompt, in an earlier one; None when `prompt` is the whole text.
        thought: the part of the reply that is a thought; None if none was looked for, or found.
    """

    prompt: str
    reply: str
    keys: tuple[str, ...]
    cached: bool
    prompt_tokens: int
    new_tokens: int
    role: str = ""
    start: Start | None = None
    thought: ThoughtPart | None = None


class Transcript(Sequence[Exchange]):
    """The exchanges of one item, each with its whole prompt, in the order of asking.

    Args:
        stored: the exchanges as calls.jsonl has them. Whole prompts are put together when an exchange is looked at.

    Attributes:
        stored: the same.
    """

    def __init__(self, stored: Iterable[Exchange] = ()) -> None:
        self.stored = tuple(stored)

    @classmethod
    def read(cls, exchanges: Iterable[Mapping[str, Any]]) -> Transcript:
        """The exchanges of a line of calls.jsonl; one without a `start` is whole.

        Raises:
            KeyError, TypeError: an exchange lacks something, or has something unknown.
        """
        return cls(
            Exchange(**{**one, "keys": tuple(one["keys"]), "thought": ThoughtPart(**part) if part else None})
            for one, part in ((one, one.get("thought")) for one in exchanges)
        )

    def __len__(self) -> int:
        return len(self.stored)

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Exchange, ...]: ...
    def __getitem__(self, index: int | slice) -> Exchange | tuple[Exchange, ...]:
        """An exchange with its whole prompt.

        Raises:
            ValueError: a `start` that no transcript can have.
        """
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = range(len(self.stored))[index]
        return replace(self.stored[place], prompt=self._whole(place), start=None)

    def _whole(self, place: int) -> str:
        """Goes from each start to the exchange that holds it: a loop, since conversations are longer than stacks."""
        rest, start = self.stored[place].prompt, self.stored[place].start
        pieces = [rest]
        while start is not None:
            earlier, kept = start
            if not 0 <= earlier < place:
                raise ValueError(f"exchange {place} begins with exchange {earlier}, which is no earlier one")
            place, rest, start = earlier, self.stored[earlier].prompt, self.stored[earlier].start
            inherited = start[1] if start is not None else 0
            if kept > inherited + len(rest):
                raise ValueError(f"exchange {place} has no {kept} characters for another to begin with")
            pieces.append(rest[: max(0, kept - inherited)])
            if start is not None:
                start = (start[0], min(kept, inherited))
        return "".join(reversed(pieces))


class Log:
    """The log of one item, to which a subject and the models of its other parts write."""

    def __init__(self) -> None:
        self._asked: list[tuple[str, Start | None]] = []
        self._draws: list[int] = []
        self._answered: dict[int, Exchange] = {}
        # A tree of blocks. From a node (0: no text) a block leads to another, and to the exchange that had it first.
        self._blocks: dict[tuple[int, str], tuple[int, int]] = {}

    def ask(self, prompt: str, draw: int | None = None) -> int:
        """Keeps what is new of a prompt that is asked now; gives the exchange's place in the order of asking.

        Args:
            draw: the index of a sampled reply; None where nothing is sampled.
        """
        self._draws.append(-1 if draw is None else draw)
        place, node, start = len(self._asked), 0, None
        for begin in range(0, len(prompt) - BLOCK + 1, BLOCK):
            end = begin + BLOCK
            node, owner = self._blocks.setdefault((node, prompt[begin:end]), (len(self._blocks) + 1, place))
            if owner != place:
                start = (owner, end)
        self._asked.append((prompt[start[1] if start else 0 :], start))
        return place

    def note(  # noqa: PLR0917 - the fields of an exchange behind its prompt, which is kept already
        self,
        place: int,
        reply: str,
        keys: tuple[str, ...],
        cached: bool,
        prompt_tokens: int,
        new_tokens: int,
        role: str,
    ) -> None:
        """Keeps the answer to the prompt at a place."""
        rest, start = self._asked[place]
        self._answered[place] = Exchange(rest, reply, keys, cached, prompt_tokens, new_tokens, role, start)

    def thought(self, place: int, part: ThoughtPart) -> None:
        """Keeps what of the answer at a place is a thought."""
        self._answered[place] = replace(self._answered[place], thought=part)

    @property
    def transcript(self) -> Transcript:
        """The exchanges answered up to now, in an order that does not depend on when each was asked or answered.

        A conversation stands together, its turns in their order; conversations stand by their first prompts, short ones
        first. Of several exchanges with one prompt, those without sampling stand first, then the draws by their index.
        """
        asked = Transcript(Exchange(rest, "", (), False, 0, 0, "", start) for rest, start in self._asked)
        order = self._in_order({place: asked[place].prompt for place in self._answered})
        if order == list(range(len(self._asked))):
            return Transcript(self._answered[place] for place in order)
        # Calls without an answer are left out, also as the beginning of others.
        kept = Log()
        for place in order:
            one = self._answered[place]
            whole = kept.ask(asked[place].prompt)
            kept.note(whole, one.reply, one.keys, one.cached, one.prompt_tokens, one.new_tokens, one.role)
            if one.thought is not None:
                kept.thought(whole, one.thought)
        return Transcript(kept._answered[place] for place in range(len(order)))

    def _in_order(self, prompts: Mapping[int, str]) -> list[int]:
        """Places in the order of the tree in which a prompt hangs on the longest one that it begins with."""
        ways: dict[str, tuple[tuple[int, str], ...]] = {}
        above: list[str] = []
        for prompt in sorted(set(prompts.values())):  # behind each prompt stand the prompts that begin with it
            while above and not prompt.startswith(above[-1]):
                above.pop()
            ways[prompt] = (*(ways[above[-1]] if above else ()), (len(prompt), prompt))
            above.append(prompt)

        def key(place: int) -> tuple[object, ...]:
            one = self._answered[place]
            return ways[prompts[place]], one.role, self._draws[place], one.keys

        return sorted(prompts, key=key)
