"""A simulated subject: a model under study whose ability, calibration and biases are parameters, and so are known.

`SimulatedSubject` is a distribution of replies for the fake engine: a real experiment asks it in its own words, and a
`Reader` of a few lines says what a prompt asks. There is no config of it, because every experiment needs its reader.
`tests.support.simulation` draws the outcomes of the same subject for many items at once, without prompts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

REFUSAL = "I cannot help with that."
UNPARSABLE = "Hm."
"""Texts in place of an answer, and in place of an option if options lack mass."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """The traits of a simulated subject. By default it knows everything about itself and has no bias.

    An item has the log-odds theta = ability - difficulty * L of being answered right. L is standard logistic, drawn
    from the item's content. Ability 0 and difficulty 1 make the probability of being right uniform on (0, 1). Of an
    answer the subject perceives e ~ N(+-insight/2, 1), plus for right answers. Its true log-odds of being right, given
    what the subject can know, therefore are t = theta + insight * e. It states slope * t + intercept + noise * z, z ~
    N(0, 1). At fixed theta the AUROC of its stated probability is Phi(slope i^2 / sqrt(2 (slope^2 i^2 + noise^2))), i
    for insight (signal detection, Green and Swets 1966; Phi(i / sqrt 2) without noise).

    Attributes:
        ability: mean log-odds of answering an item right.
        difficulty: scale of the logistic difficulty of items, >= 0; its standard deviation is 1.814 times that.
        insight: d' between right and wrong answers, >= 0.
        slope: of the stated log-odds over the true ones; 1 is calibrated, above 1 overconfident in both directions.
        intercept: added to the stated log-odds; above 0 it thinks too well of itself.
        noise: standard deviation of the stated log-odds, >= 0.
        yes_bias: log-odds added to "yes" (or "true") in every question.
        letter_bias: log-odds added to the options in the order shown; missing ones are 0.
        fixes: probability that a wrong answer is right at the next turn, in [0, 1].
        breaks: probability that a right answer is wrong at the next turn, in [0, 1].
        self_preference: log-odds added to the subject's own answer beside another's.
        refuses: probability of refusing to answer, in [0, 1].
        unparsable: probability of a text without an answer, in [0, 1]; with `refuses` at most 1.
        mass: probability that an option is said where options are asked about, in (0, 1].
    """

    ability: float = 0.0
    difficulty: float = 1.0
    insight: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    noise: float = 0.0
    yes_bias: float = 0.0
    letter_bias: tuple[float, ...] = ()
    fixes: float = 0.0
    breaks: float = 0.0
    self_preference: float = 0.0
    refuses: float = 0.0
    unparsable: float = 0.0
    mass: float = 1.0

    def __post_init__(self) -> None:
        shares = (self.fixes, self.breaks, self.refuses, self.unparsable, self.refuses + self.unparsable)
        scales = (self.difficulty, self.insight, self.noise)
        if not all(0 <= share <= 1 for share in shares) or min(scales) < 0 or not 0 < self.mass <= 1:
            raise ValueError(f"impossible traits: {self}")

    def bias_of(self, position: int) -> float:
        """Log-odds added to the option at a position, from 0 on."""
        return self.letter_bias[position] if position < len(self.letter_bias) else 0.0


class Asked(NamedTuple):
    """A prompt asks for an answer.

    Attributes:
        item: a text that names the item; difficulty is drawn from it.
        right: the right reply; wrong: the wrong ones, equally probable.
        before: whether the answer of the turn before was right; None at the first turn.
    """

    item: str
    right: str
    wrong: Sequence[str]
    before: bool | None = None


class Judged(NamedTuple):
    """A prompt asks whether an answer is right.

    Attributes:
        item, answer: what is judged; correct: whether it is right in fact.
        yes, no: the two replies; yes_first: whether "yes" is the first of two lettered options.
    """

    item: str
    answer: str
    correct: bool
    yes: str
    no: str
    yes_first: bool = True


class Rated(NamedTuple):
    """A prompt asks for the probability that an answer is right, as a number.

    Attributes:
        form: the reply, with "{percent}" where a whole number from 0 to 100 goes.
    """

    item: str
    answer: str
    correct: bool
    form: str = "{percent}%"


class Picked(NamedTuple):
    """A prompt asks to pick one of several options; without bias the right one is picked with the item's probability.

    Attributes:
        options: the replies in the order shown, at least two; right: which is right, from 0 on.
    """

    item: str
    options: Sequence[str]
    right: int


class Shown(NamedTuple):
    """An answer shown for comparison; own: whether the subject wrote it."""

    answer: str
    correct: bool
    own: bool


class Compared(NamedTuple):
    """A prompt asks which of two answers is better.

    Attributes:
        replies: the texts that name the first and the second.
    """

    item: str
    first: Shown
    second: Shown
    replies: tuple[str, str]


Reading = Asked | Judged | Rated | Picked | Compared

Reader = Callable[[str], Reading]
"""Reads the question in a prompt text; raises LookupError for a text without one."""


class SimulatedSubject:
    """The distribution of replies of a subject with given traits: `FakeEngine(SimulatedSubject(traits, reader))`.

    Difficulty, evidence and noise are drawn from the content of item and answer, so that they are the same in every
    prompt and process.

    Args:
        seed: another one is another population of items.
    """

    def __init__(self, traits: Traits, reader: Reader, seed: int = 0) -> None:
        self.traits = traits
        self.reader = reader
        self.seed = seed

    def __call__(self, prompt: str) -> dict[str, float]:
        """Reply text -> probability, summing to 1; only probabilities above 0."""
        reading = self.reader(prompt)
        if isinstance(reading, (Asked, Rated)):
            return self._free(self._answers(reading) if isinstance(reading, Asked) else self._number(reading))
        odds = {reply: p * self.traits.mass for reply, p in self._options(reading).items()}
        return _possible({**odds, UNPARSABLE: 1 - self.traits.mass})

    def p_right(self, item: str) -> float:
        """The true probability that an item is answered right at the first turn."""
        return _logistic(self.theta(item))

    def theta(self, item: str) -> float:
        """The log-odds of `p_right`."""
        u = self._rng("difficulty", item).uniform(1e-12, 1 - 1e-12)
        return self.traits.ability - self.traits.difficulty * math.log(u / (1 - u))

    def true_logit(self, item: str, answer: str, correct: bool) -> float:
        """The log-odds that an answer is right, given what the subject perceives of it."""
        d = self.traits.insight
        evidence = self._rng("evidence", item, answer).gauss() + (d / 2 if correct else -d / 2)
        return self.theta(item) + d * evidence

    def stated_logit(self, item: str, answer: str, correct: bool) -> float:
        """The log-odds that the subject states, before any bias of the form of the question."""
        noise = self.traits.noise * self._rng("noise", item, answer).gauss()
        return self.traits.slope * self.true_logit(item, answer, correct) + self.traits.intercept + noise

    def _answers(self, asked: Asked) -> dict[str, float]:
        p = self.p_right(asked.item)
        if asked.before is not None:
            p = 1 - self.traits.breaks if asked.before else self.traits.fixes
        return {asked.right: p, **dict.fromkeys(asked.wrong, (1 - p) / len(asked.wrong))}

    def _number(self, rated: Rated) -> dict[str, float]:
        stated = _logistic(self.stated_logit(rated.item, rated.answer, rated.correct) + self.traits.yes_bias)
        return {rated.form.replace("{percent}", str(round(100 * stated))): 1.0}

    def _options(self, reading: Judged | Picked | Compared) -> dict[str, float]:
        traits = self.traits
        if isinstance(reading, Judged):
            stated = self.stated_logit(reading.item, reading.answer, reading.correct) + traits.yes_bias
            logits = {reading.yes: stated, reading.no: 0.0}
            shown: Sequence[str] = (reading.yes, reading.no) if reading.yes_first else (reading.no, reading.yes)
        elif isinstance(reading, Picked):
            shown = reading.options
            # theta is the log-odds of the right one against all others together.
            right = self.theta(reading.item) + math.log(len(shown) - 1)
            logits = {reply: right if i == reading.right else 0.0 for i, reply in enumerate(shown)}
        else:
            shown = reading.replies
            logits = {
                reply: self.stated_logit(reading.item, one.answer, one.correct) + traits.self_preference * one.own
                for reply, one in zip(shown, (reading.first, reading.second), strict=True)
            }
        return _softmax({reply: logits[reply] + traits.bias_of(i) for i, reply in enumerate(shown)})

    def _free(self, answers: Mapping[str, float]) -> dict[str, float]:
        refuses, unparsable = self.traits.refuses, self.traits.unparsable
        answered = {text: p * (1 - refuses - unparsable) for text, p in answers.items()}
        return _possible({**answered, REFUSAL: refuses, UNPARSABLE: unparsable})

    def _rng(self, *what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what!r}")


def _possible(odds: Mapping[str, float]) -> dict[str, float]:
    return {reply: p for reply, p in odds.items() if p > 0}


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))


def _softmax(logits: Mapping[str, float]) -> dict[str, float]:
    top = max(logits.values())
    weights = {reply: math.exp(value - top) for reply, value in logits.items()}
    total = math.fsum(weights.values())
    return {reply: weight / total for reply, weight in weights.items()}
