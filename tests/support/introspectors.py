"""A model whose inside is known: each word has a code, and how it answers while a code is added is a parameter."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from experiments.introspection.injected_thoughts.words import BASELINE, CONCEPTS, mentions
from harness.engines.fake.engine import WordTokenizer
from harness.metrics.columns import Floats
from harness.tasks.texts import words

WIDTH = 48
BASE = np.eye(WIDTH)[0] * 40.0
"""What all activations share: one large coordinate, as models have it."""
KNOWN = [word for some in CONCEPTS.values() for word in some]
THINKING = {
    "Think about": 0.8,
    "Don't think about": 0.3,
    "Somebody has mentioned": 0.5,
    "Nobody has mentioned": 0.4,
    "rewarded": 0.7,
    "punished": 0.2,
}
"""How much of a word's code is in the stream while a sentence is written, by what was said about the word."""


@cache
def code(word: str) -> Floats:
    """The code of a word: a random direction, orthogonal to what all share."""
    rng = random.Random(f"code/{word}")
    drawn = np.array([0.0, *(rng.gauss() for _ in range(WIDTH - 1))])
    return np.asarray(drawn / np.linalg.norm(drawn))


@cache
def noise(written: str) -> Floats:
    """What else is in the stream after some words of a sentence, whatever the model was told."""
    return np.asarray(0.5 * code(f"after {written}"))


@cache
def mean_code() -> Floats:
    """The mean code of the baseline words."""
    return np.asarray(np.mean([code(word) for word in BASELINE], axis=0))


@cache
def concept_vectors() -> Floats:
    """The concept vectors of all known words at length 1, [words, WIDTH]."""
    own = np.stack([code(word) - mean_code() for word in KNOWN])
    return np.asarray(own / np.linalg.norm(own, axis=1, keepdims=True))


def word_of(vector: Floats) -> str | None:
    """The word whose concept vector a vector is; None of a random one."""
    cosines = concept_vectors() @ (vector / np.linalg.norm(vector))
    return KNOWN[int(cosines.argmax())] if cosines.max() > 0.99 else None


def chance(*what: object) -> float:
    """A number in [0, 1) that depends on nothing but what it is for."""
    return int(hashlib.sha256(repr(what).encode()).hexdigest()[:12], 16) / 16**12


def last_turn(text: str) -> str:
    """The user's last turn."""
    return text.rpartition("<user> ")[2].partition("\n<assistant> ")[0]


@dataclass(frozen=True)
class Introspector:
    """A model that notices some injected concepts.

    Attributes:
        hit: share of concepts whose vector makes it say yes when it is asked about a thought.
        false_alarm: share of trials without a vector at which it says yes; alarm_at_noise: with a random one.
        yes_bias: whether any vector makes it say yes to any question, and any concept's say its word.
        names: share of concepts that it names when it notices them.
        turn_one: whether it also notices what was added in the turn before.
        owns: whether it owns a word that was put into its mouth where its vector was added before.
        fitting: whether it thinks of a word of the line, and owns whatever word fits the line.
        window: the cells (layer, strength) in which it notices anything; () is all.
        seed: another one is another draw of concepts.
    """

    hit: float = 1.0
    false_alarm: float = 0.0
    alarm_at_noise: float = 0.0
    yes_bias: bool = False
    names: float = 1.0
    turn_one: bool = True
    owns: bool = True
    fitting: bool = False
    window: Sequence[tuple[int, float]] = ()
    seed: int = 0

    def activations(self, call: Any, text: str, layer: int) -> Sequence[float]:
        """Only the last token before the answer knows the word; tokens of a sentence know the word that was told."""
        if found := re.search(r"<user> Tell me about (\w+)\n<assistant> $", text):
            return [*(BASE + code(found[1]))]
        turn = last_turn(text)
        if not turn.startswith('Write "') or text.endswith("<assistant> "):
            return [0.0] * WIDTH
        word = next((w for w in KNOWN if mentions(turn.rpartition('"')[2], w)), None)
        told = next((weight for words, weight in THINKING.items() if words in turn), 0.0)
        own = told * (1.0 if layer == 2 else 0.5) * code(word) if word else 0.0
        return [*(BASE + noise(text.rpartition("<assistant> ")[2]) + own)]

    def answer(self, text: str) -> Mapping[str, float]:
        """The replies while nothing is added."""
        return self._says(text, None, injected=False)

    def intervened(self, call: Any, odds: Mapping[str, float]) -> Mapping[str, float]:
        """The replies while a vector is added."""
        (add,) = call.interventions
        text = WordTokenizer().decode(call.prompt)
        if self.window and (add.layer, add.scale) not in self.window:
            return odds
        if add.positions and not add.decode and not self.turn_one and "Trial" in text:
            return odds
        return self._says(text, word_of(add.vector.numpy().astype(float)), injected=True)

    def notices(self, trial: str, word: str | None, *, injected: bool) -> bool:
        """Whether it says yes to the question about a thought."""
        share = self.hit if word else self.alarm_at_noise if injected else self.false_alarm
        return (injected and self.yes_bias) or chance("notices", word or trial, injected, self.seed) < share

    def named(self, word: str) -> bool:
        """Whether it names a concept that it notices."""
        return chance("names", word, self.seed) < self.names

    def _says(self, text: str, word: str | None, *, injected: bool) -> Mapping[str, float]:
        turn = last_turn(text)
        trial = turn.partition(":")[0]
        noticed = self.notices(trial, word, injected=injected)
        named = word if word and noticed and self.named(word) else None
        if "If so, what" in turn:
            about = f"It is about {named}." if named else "It is vague."
            return {f"Yes, I notice a thought. {about}" if noticed else "No, I notice nothing.": 1.0}
        if "What is the injected thought" in turn:
            return {named or "Nothing": 1.0}
        if "Which of the words" in turn:
            named = named if "thought" in turn else word if self.yes_bias else None
            listed = re.findall(r"one of these words: (.*?)\. On each trial", text)[-1].split(", ")
            odds = dict.fromkeys(listed, 0.4 / len(listed))
            odds[named if named in odds else listed[0]] += 0.5
            return {**{f" {one}": p for one, p in odds.items()}, " Hm": 0.1}
        if turn.startswith("Tell me what word"):
            return {word or (words(turn.rpartition("\n")[2])[0] if self.fitting else "chair"): 1.0}
        if turn.startswith("Repeat the line"):
            return {turn.rpartition("\n")[2]: 1.0}
        sure = 0.6 + 0.35 * chance("sure", word, text)
        yes, no = (sure, 1 - sure) if self._yes(text, turn, word, injected, noticed) else (1 - sure, sure)
        return {" Yes": yes, " No": no}

    def _yes(self, text: str, turn: str, word: str | None, injected: bool, noticed: bool) -> bool:
        if "Do you detect an injected thought?" in turn:
            return noticed
        if "Did you mean to say that?" in turn:
            line, _, said = text.rpartition("<user> Did you mean")[0].rpartition("<assistant> ")
            said = said.strip()
            if self.fitting:
                return mentions(line.rstrip().rpartition("\n")[2], said)
            return said == "chair" or (self.owns and injected and said == word) or (injected and self.yes_bias)
        return injected and self.yes_bias


def reads_order(prompt: str) -> str:
    """A judge that sees whether a thought is noticed before a word is named."""
    reply = prompt.partition("Its reply:\n")[2].rpartition("\n\n")[0]
    if "make sense" in prompt:
        return "No" if re.search(r"the the|,,|and and", reply) else "Yes"
    if found := re.search(r'Does the reply name "(.+?)"', prompt):
        return "Yes" if mentions(reply, found[1]) else "No"
    return "Yes" if re.match(r"(?!No|I do not).*(notice|detect|thought)", reply) and reply[:5] != "Bread" else "No"


def reads_words(prompt: str) -> str:
    """A judge that looks for words and not for their order, so that denials and afterthoughts count."""
    reply = prompt.partition("Its reply:\n")[2].rpartition("\n\n")[0]
    return "Yes" if re.search("notice|detect|thought|bread", reply, re.IGNORECASE) else "No"
