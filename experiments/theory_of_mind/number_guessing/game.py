"""The game: two players name a number, and the target is 0.8 times the mean of both.

Opponents of level 1 to 3 follow the paper's rules (Hou et al. 2024). Level 1 and 2 take no notice of the other player;
only level 3 depends on the model's own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from harness import Illegal, Item, World, fill

LOWEST, HIGHEST, FIRST = 1, 100, 50
"""The range of the numbers, and the number that every opponent begins with."""
LEVELS = (1, 2, 3)
TEXTS = {
    "rules": "You play a game of $rounds rounds against $opponent. $rules",
    "form": "Say which number you name, and which number you expect $opponent to name, in this form and without "
    'anything else: "I name A, and I expect $opponent to name B."',
    "round": "Round $number of $rounds.",
    "result": "In round $number you named $own and $opponent named $theirs.",
    "lead": "I name",
    "again": "Two whole numbers from 1 to 100 are needed.",
}


class Guess(NamedTuple):
    """What a player says in a round.

    Attributes:
        own: the number that is named, a whole one from 1 to 100.
        guess: the number that the opponent is expected to name; it need not be whole.
    """

    own: int
    guess: float


@dataclass(frozen=True)
class Game:
    """A game after some rounds.

    Attributes:
        opponent: the name of the opponent; rules: the rules in words.
        said: what the model said in each round; theirs: what the opponent named.
    """

    opponent: str
    rules: str
    said: tuple[Guess, ...] = ()
    theirs: tuple[int, ...] = ()


def next_number(level: int, own: Sequence[int], theirs: Sequence[int]) -> int:
    """The number that an opponent names after the rounds so far.

    Level 1 always names 50. Level 2 begins with 50 and names 5 less each round, down to 1. Level 3 begins with 50 and
    then names the last target, rounded down: floor(0.8 * (own + theirs) / 2) of the last round. Below 1 it names 1,
    of which the paper says nothing.

    Args:
        own: the other player's numbers; theirs: the opponent's own.
    """
    if level == 1 or not theirs:
        return FIRST
    if level == 2:
        return max(LOWEST, theirs[-1] - 5)
    return max(LOWEST, 4 * (own[-1] + theirs[-1]) // 10)  # in whole numbers: 0.8 has no exact float


def is_exact(guess: float, number: int) -> bool:
    """Whether a guess counts as exact: it is less than half a unit away from the whole number."""
    return abs(guess - number) < 0.5


_NUMBER = r"(?<![\w.])[-\u2212]?\d+(?:\.\d+)?(?![\w]|\.\d)"
_BULLET = re.compile(r"^\W{0,6}\d{1,2}[.)]\s", re.MULTILINE)
"""The number of a line in a list, which is no number of the game."""
_RANGE = re.compile(r"\bbetween\W{0,3}\d|\d\W{0,3}\bto\W{0,3}\d", re.IGNORECASE)


def read_guess(text: str) -> Guess | None:
    """The two numbers of a reply: the only two in its last line with a number; None where they cannot be told.

    Words around them do no harm ("Mine: 40, yours: 50."); a line with more or fewer numbers, a range ("between 1 and
    100"), an own number that is not whole, or a number outside of 1 to 100 is no reply.
    """
    numbered = [line for line in _BULLET.sub("", text).splitlines() if re.search(_NUMBER, line, re.ASCII)]
    found = re.findall(_NUMBER, numbered[-1], re.ASCII) if numbered else []
    if len(found) != 2 or _RANGE.search(numbered[-1]):
        return None
    own, guess = (float(number.replace("\u2212", "-")) for number in found)
    if not own.is_integer() or not all(LOWEST <= number <= HIGHEST for number in (own, guess)):
        return None
    return Guess(int(own), guess)


@dataclass(frozen=True, kw_only=True)
class GuessingGame(World[Game, Guess]):
    """A game against an opponent of one level.

    Attributes:
        level: of the opponent, 1 to 3.
        rounds: of a game.
        wording: the texts of `TEXTS` by name.
    """

    level: int
    rounds: int
    wording: Mapping[str, str]

    def begin(self, item: Item, rng: Random) -> Game:
        return Game(item.fields["opponent"], item.fields["rules"])

    def tell(self, state: Game) -> str:
        done, name = len(state.theirs), state.opponent
        words: dict[str, object] = {"rounds": self.rounds, "opponent": name}
        if not done:
            told = [fill(self.wording["rules"], {**words, "rules": state.rules}), fill(self.wording["form"], words)]
        else:
            own, theirs = state.said[-1].own, state.theirs[-1]
            told = [fill(self.wording["result"], {**words, "number": done, "own": own, "theirs": theirs})]
        if not self.over(state):
            told.append(fill(self.wording["round"], {**words, "number": done + 1}))
        return "\n".join(told)

    def read(self, state: Game, text: str) -> Guess | Illegal:
        return read_guess(text) or Illegal(
            f"{self.wording['again']} {fill(self.wording['form'], {'opponent': state.opponent})}"
        )

    def step(self, state: Game, action: Guess, rng: Random) -> Game:
        number = next_number(self.level, [one.own for one in state.said], state.theirs)
        return Game(state.opponent, state.rules, (*state.said, action), (*state.theirs, number))

    def over(self, state: Game) -> bool:
        return len(state.theirs) >= self.rounds
