"""One concept in one model: its vectors, and the questions that are asked while one of them is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from experiments.introspection.injected_thoughts.vectors import Space, word_states, writing_stream
from experiments.introspection.injected_thoughts.words import QUESTIONS, SENTENCES, alike, free_of
from harness import Add, Array, Choice, Item, ItemError, Message, Prompt, Subject, Text, fill, together, yes_no
from harness.tasks.texts import words
from harness.vectors.directions import Direction, random_direction

Injects = Literal["none", "concept", "random vector", "other concept"]
YesNo = Literal["detection", "turn one", "unrelated", "own words", "own answer", "line word"]
Asked = Literal["report", "naming"]
OfWords = Literal["ten words", "longest word"]

MOST = 30.0
"""Log-odds end here, so that an answer of probability 1 has some, too."""
WORD_TOKENS = 8
"""Room for the word that a model thinks of when it reads a line."""
COPY_TOKENS = 40


@dataclass(frozen=True, slots=True)
class Cell:
    """A layer, and the strength with which a concept vector is added behind it."""

    layer: int
    strength: float


NOWHERE = Cell(0, 0.0)
"""The cell of a question during which nothing is added."""


@dataclass(frozen=True, slots=True)
class Ten:
    """The probabilities of the words of a list, the mean over two orders of it; mass: that any of them is said."""

    p: Mapping[str, float]
    mass: float

    def rank(self, word: str) -> int:
        """The place of a word by its probability, 1 for the most probable; the better one of equals."""
        return 1 + sum(p > self.p[word] for p in self.p.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """All that is asked about one concept.

    Attributes:
        concept, other: the word of the item, and another word whose vector is a control.
        listed: the words among which it is to be told, itself included; number: that of the trial.
        states: activations of the two words, [layers, width] each.
        sentences: the lines that are read, repeated or written; question: one about other things.
    """

    subject: Subject
    wording: Mapping[str, str]
    space: Space
    concept: str
    other: str
    listed: Sequence[str]
    number: int
    states: Mapping[str, Array] = field(repr=False)
    sentences: Sequence[str]
    question: str

    @classmethod
    async def begin(
        cls, subject: Subject, wording: Mapping[str, str], space: Space, item: Item, sentences: int = 1
    ) -> Trial:
        """Reads the vectors of an item's concept and of the other one.

        Raises:
            ItemError: every line or every question mentions the concept.
        """
        concept, others = str(item.fields["concept"]), [str(word) for word in item.fields["others"]]
        lines = free_of(SENTENCES, (concept, others[0]), sentences, subject.random("sentences"))
        questions = free_of(QUESTIONS, (concept, others[0]), 1, subject.random("question"))
        if not lines or not questions:
            raise ItemError(f"all sentences, or all questions, mention {concept!r} or {others[0]!r}")
        words = (concept, others[0])
        read = await together(word_states(subject, wording, word, space.layers) for word in words)
        return cls(
            subject=subject,
            wording=wording,
            space=space,
            concept=concept,
            other=others[0],
            listed=(concept, *others),
            number=int(item.fields["trial"]),
            states=dict(zip(words, read, strict=True)),
            sentences=lines,
            question=questions[0],
        )

    def direction(self, injects: Injects, layer: int) -> Direction:
        """What is added; a random vector has the length of the concept's."""
        own = self.space.direction(self.states[self.other if injects == "other concept" else self.concept], layer)
        if injects == "random vector":
            return random_direction(own, self.subject.random(f"random vector {layer}"))
        return own

    def share(self, injects: Injects, cell: Cell) -> float:
        """The strength as a share of the mean length of the stream at that layer; 0 where nothing is added."""
        return 0.0 if injects == "none" else self.space.share(self.direction(injects, cell.layer), cell.strength)

    async def yes_no(self, asks: YesNo, injects: Injects, cell: Cell) -> Choice:
        """The exact probabilities of yes and no."""
        prompt, added = await self.injection(asks, injects, cell)
        return await yes_no(self.subject, prompt, interventions=added)

    async def injection(self, asks: YesNo, injects: Injects, cell: Cell) -> tuple[Prompt, tuple[Add, ...]]:
        """The prompt of a yes/no question, and what is added while it is read and answered."""
        prompt, where, decode = await self._yes_no(asks)
        return prompt, self._add(injects, cell, where, decode=decode)

    async def free(self, asks: Asked, injects: Injects, cell: Cell, *, max_tokens: int, temperature: float) -> Text:
        """A free answer to a question about the injected thought."""
        prompt = self._conversation("intro", asks)
        added = self._add(injects, cell, self._trial(prompt), decode=True)
        return await self.subject.generate(prompt, max_tokens=max_tokens, temperature=temperature, interventions=added)

    def asked(self, asks: Asked) -> str:
        """A question about the injected thought, as a judge is shown it."""
        return fill(self.wording[asks], {"trial": self._number})

    async def ten_words(self, asks: OfWords, injects: Injects, cell: Cell) -> Ten:
        """The exact probabilities of the listed words, the mean over a random order of the list and its reverse."""
        order = self.subject.random("order").sample(list(self.listed), len(self.listed))
        forms = {word: [*dict.fromkeys((f" {word}", f" {word[:1].upper()}{word[1:]}"))] for word in order}

        async def one(words: Sequence[str]) -> Choice:
            prompt = self._conversation("intro_words", asks, self.wording[f"{asks} lead"], words=", ".join(words))
            added = self._add(injects, cell, self._trial(prompt), decode=True)
            return await self.subject.choose(prompt, forms, interventions=added)

        both = await together([one(order), one(order[::-1])])
        return Ten({w: sum(c.p[w] for c in both) / 2 for w in order}, sum(c.mass for c in both) / 2)

    async def text(self, asks: Literal["read_word", "repeat"], injects: Injects, cell: Cell) -> str:
        """A short answer about a line, on whose tokens alone a vector is added."""
        prompt = self._line(asks)
        added = self._add(injects, cell, self.subject.positions(prompt, self.sentences[0]), decode=False)
        room = WORD_TOKENS if asks == "read_word" else COPY_TOKENS
        said = await self.subject.generate(prompt, max_tokens=room, stop=("\n",), interventions=added)
        return said.text.strip()

    async def control(self, tells: str) -> tuple[Sequence[float], Sequence[float]]:
        """Cosines of the stream with the concept while a sentence is written, by layer, as `Space.cosines` gives them.

        The mean over the tokens of a sentence, and over the sentences.
        """

        async def one(sentence: str) -> tuple[Sequence[float], Sequence[float]]:
            told = fill(self.wording[tells], {"sentence": sentence, "word": self.concept})
            stream = await writing_stream(self.subject, self.space.layers, told, sentence)
            own, above = self.space.cosines(self.states[self.concept], stream)
            return own.tolist(), above.tolist()

        found = await together(map(one, self.sentences))
        own, above = (
            [sum(layer) / len(found) for layer in zip(*side, strict=True)] for side in zip(*found, strict=True)
        )
        return own, above

    async def _yes_no(self, asks: YesNo) -> tuple[Prompt, Sequence[int], bool]:
        """A question, the positions at which a vector is added, and whether it is added to the answer, too."""
        lead = self.wording["lead"]
        if asks in ("own words", "own answer", "line word"):
            said = self.concept if asks == "own words" else await self._own_answer()
            if asks == "line word":
                said = self._other_word(said)
            prompt = self._line("read_word").then(said, self.wording["meant"], lead).thinking("")
            return prompt, self.subject.positions(prompt, self.sentences[0]), False
        if asks == "turn one":
            prompt = self._conversation("intro", "detection", lead)
            begin = self.subject.positions(prompt, self.wording["intro"])[0]
            return prompt, range(begin, self._trial(prompt)[0]), False
        prompt = self._conversation("intro", asks, lead, question=self.question)
        return prompt, self._trial(prompt), True

    async def _own_answer(self) -> str:
        """The word that the model thinks of itself when it reads the line, without anything added."""
        said = await self.text("read_word", "none", NOWHERE)
        if not said:
            raise ItemError("the model says no word of its own about the line, so that it cannot be asked about it")
        return said

    def _other_word(self, own: str) -> str:
        """Who the line is about, what is done or to what; no form of a word of the model's own answer."""
        others = [word for word in words(self.sentences[0])[:3] if not any(alike(word, one) for one in words(own))]
        if not others:
            raise ItemError(
                "the model's own answer holds all nouns and the verb of the line, and could have been any of them"
            )
        return self.subject.random("word of the line").choice(others)

    def _line(self, asks: str) -> Prompt:
        return Prompt.user(fill(self.wording[asks], {"sentence": self.sentences[0]})).thinking("")

    def _conversation(self, intro: str, asks: str, lead: str = "", **more: str) -> Prompt:
        """Introduction, consent and a question of this trial. It is the same whatever is added."""
        opening = fill(self.wording[intro], more)
        question = fill(self.wording[asks], {"trial": self._number, **more})
        turns = (Message("user", opening), Message("assistant", self.wording["ready"]), Message("user", question))
        return Prompt(turns, lead).thinking("")

    @property
    def _number(self) -> str:
        return fill(self.wording["trial"], {"trial": self.number})

    def _trial(self, prompt: Prompt) -> range:
        """The positions from the token before the trial's number to the end of the prompt."""
        begin = self.subject.positions(prompt, self._number, -1)[0] - 1
        return range(begin, self.subject.prompt_tokens(prompt))

    def _add(self, injects: Injects, cell: Cell, where: Sequence[int], *, decode: bool) -> tuple[Add, ...]:
        if injects == "none":
            return ()
        added = self.direction(injects, cell.layer)
        return (Add(added.layer, added.site, added.vector, cell.strength, tuple(where), decode=decode),)


def log_odds(choice: Choice) -> float:
    """ln p(yes) - ln p(no), in nats, cut at plus and minus 30; 0 where neither can be said."""
    yes, no = (max(choice.logp[word], -1e6) for word in ("yes", "no"))
    return max(-MOST, min(MOST, yes - no))


def same_line(copy: str, line: str) -> bool:
    """Whether a line is repeated letter for letter; quotation marks around it do not count."""
    return copy.strip().strip("\"'\u201c\u201d").strip() == line
