"""One turn of the model written in segments, with words put between them, and the answer that stands at each budget.

A segment goes on from the token ids of the one before it (`Prompt.after`). Where nothing is put between them, each is
drawn from the distribution that one long call would draw it from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from experiments.correction.chains import Cost, State
from experiments.correction.iterative_deepening.arms import Boundary
from harness import Item, Prompt, Subject, Text, graded, together

NO_COST = Cost(0, 0, 0)
NOTHING = Text("", (), (), "length")
NEXT_QUESTION = ("\nQuestion:",)
"""Ends the turn of a base model, which would go on with a question of its own."""
SENTENCE = (". ",)
"""Ends the answer after the closing words, as a line break behind it does. A line break is no stop: small models often
write one before the answer, and their answers would be empty in the arms that close in the middle of a turn."""
GRAM = 4
"""Words of the sequences that `repeat_share` counts."""

Decode = Callable[[Sequence[int]], str]

_OWN = re.compile(
    r"\b(?:wait|hmm|hold on|let me (?:re-?)?(?:check|think|consider|do)|(?:re-?)?check(?:ing)? again)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of a segment.

    Attributes:
        at: tokens of the turn at which it ends at the latest, words put into it included.
        put: words put there; "" for none.
        asked: whether the answer is asked for there.
    """

    at: int
    put: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """What stays of a reply in the turn.

    Attributes:
        ended: whether the model ended its turn.
        bounded: whether the text ends where words may be put.
    """

    text: Text
    ended: bool
    bounded: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn so far.

    Attributes:
        prompt: the turn in it, so that the model goes on.
        ended: whether the model ended it after the last words that were put.
        spent: cost of its calls; tokens that were cut off again are part of it.
        triggers, put_tokens: how often words were put, and their tokens.
        cuts: segments that a budget cut.
        parts: the model's own text, a part between words put.
        logprob, scored: sum of the log-probabilities of the model's tokens that stay, and how many they are.
    """

    prompt: Prompt
    ended: bool = False
    spent: Cost = NO_COST
    triggers: int = 0
    put_tokens: int = 0
    cuts: int = 0
    parts: tuple[str, ...] = ("",)
    logprob: float = 0.0
    scored: int = 0

    def saying(self, text: Text) -> Turn:
        """The turn with the words of a segment counted; its prompt is as before."""
        *done, last = self.parts
        return replace(
            self,
            parts=(*done, last + text.text),
            logprob=self.logprob + sum(text.logprobs),
            scored=self.scored + len(text.tokens),
        )

    @property
    def own_triggers(self) -> int:
        """How often the model calls itself to check or think again, by its words."""
        return sum(len(_OWN.findall(part)) for part in self.parts)

    @property
    def repeat_share(self) -> float | None:
        """Share of the sequences of four words in the last part that the part before it has; None without any."""
        if len(self.parts) < 2:
            return None
        before, last = map(_grams, self.parts[-2:])
        return sum(gram in before for gram in last) / len(last) if last else None


@dataclass(frozen=True, slots=True)
class Stage:
    """The turn at a budget, and the answer that stands there; its cost is the turn's and the cost of closing it."""

    turn: Turn
    state: State


@dataclass(frozen=True)
class Writer:
    """The subject on one item.

    Attributes:
        close: words behind which it states its answer; close_tokens: cap on that.
        draw: which of the independent chains.
    """

    subject: Subject
    item: Item
    temperature: float
    close: str
    close_tokens: int
    boundary: Boundary
    draw: int

    async def chain(self, start: Prompt, stops: Sequence[Stop]) -> list[Stage]:
        """The turn at every stop at which the answer is asked for. The answers have no effect on the chain."""
        base, turn = self.subject.prompt_tokens(start), Turn(start)
        asked: list[tuple[Turn, Prompt]] = []
        for stop in stops:
            room = stop.at - (self.subject.prompt_tokens(turn.prompt) - base)
            reply = NOTHING
            if not turn.ended and room > 0:
                turn, reply = await self.segment(turn, room)
            if stop.asked:
                words = kept(self.subject, reply, "word").text
                asked.append((turn.saying(words), turn.prompt.after(words, self.close)))
            turn = self.on(turn, kept(self.subject, reply, self.boundary if stop.put else None), stop.put)
        return await together(self.closed(*one) for one in asked)

    async def segment(self, turn: Turn, room: int) -> tuple[Turn, Text]:
        """What the model writes next, and the turn with its cost."""
        reply = await self.subject.generate(
            turn.prompt, max_tokens=room, temperature=self.temperature, stop=NEXT_QUESTION, draw=self.draw
        )
        cost = Cost(1, self.subject.prompt_tokens(turn.prompt), reply.new_tokens)
        return replace(turn, spent=turn.spent + cost, cuts=turn.cuts + (reply.finish == "length")), reply

    def on(self, turn: Turn, segment: Segment, put: str) -> Turn:
        """The turn gone on with a segment, and with words behind it where they may be put."""
        ended = turn.ended or segment.ended
        text, prompt = segment.text, turn.prompt
        plain = replace(turn.saying(text), prompt=prompt.after(text) if text.tokens else prompt)
        if not put or not (ended or segment.bounded):
            return replace(plain, ended=ended)
        behind = prompt.after(text, put)
        tokens = self.subject.prompt_tokens(behind) - self.subject.prompt_tokens(plain.prompt)
        return replace(
            plain,
            prompt=behind,
            ended=False,
            triggers=turn.triggers + 1,
            put_tokens=turn.put_tokens + tokens,
            parts=(*plain.parts, ""),
        )

    async def closed(self, turn: Turn, prompt: Prompt) -> Stage:
        """The answer that the model states when its turn is closed here."""
        reply = await self.subject.generate(prompt, max_tokens=self.close_tokens, stop=SENTENCE)
        line, ended, _ = reply.text.strip().partition("\n")
        # Some tokenizers leave out the space before a reply's first word.
        said = f"{self.close.strip()} {line.strip()}" if line else ""
        grade = graded(self.item, said, cut=reply.finish == "length" and not ended)
        cost = Cost(1, self.subject.prompt_tokens(prompt), reply.new_tokens)
        return Stage(turn, State(reply, grade, turn.spent + cost))


def kept(subject: Subject, reply: Text, boundary: Boundary | None) -> Segment:
    """The part of a reply that stays: no end of turn, no stop string, and of a cut reply the text up to the
    boundary."""
    tokenizer = subject.renderer.tokenizer
    special = [n for n, token in enumerate(reply.tokens) if tokenizer.decode([token]) in tokenizer.specials]
    ids = reply.tokens[: special[0]] if special else reply.tokens
    ended, bounded = reply.finish == "stop" or bool(special), True
    if ended:
        ids = _without_stop(tokenizer.decode, ids, reply.text.strip())
    elif boundary:
        found = _cut_back(tokenizer.decode, ids, boundary)
        bounded, ids = found is not None, ids if found is None else found
    n = len(ids)
    return Segment(Text(tokenizer.decode(ids), ids, reply.logprobs[:n], "length", reply.thought), ended, bounded)


def _without_stop(decode: Decode, ids: tuple[int, ...], text: str) -> tuple[int, ...]:
    """The fewest of the ids that spell a text, which lacks the stop string that ids hold."""
    n = len(ids)
    while n and decode(ids[: n - 1]).strip().startswith(text):
        n -= 1
    return ids[:n]


def _cut_back(decode: Decode, ids: tuple[int, ...], boundary: Boundary) -> tuple[int, ...] | None:
    """The ids up to the last boundary. Without one, words may follow all of them, but neither lines nor turns."""
    if boundary == "turn":
        return None
    whole = decode(ids)
    for n in range(len(ids), 0, -1):
        head = decode(ids[:n])
        around = head[-1:] + whole[len(head) : len(head) + 1]
        if head.strip() and ("\n" in around if boundary == "line" else any(map(str.isspace, around))):
            return ids[:n]
    if boundary == "line":
        return None
    n = len(ids)
    while n and decode(ids[:n]).endswith("\ufffd"):  # words could not follow half a character
        n -= 1
    return ids[:n]


def _grams(text: str) -> list[tuple[str, ...]]:
    words = text.lower().split()
    return [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
