"""The rows of a game: one a round, for the model or for a rule that guesses in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.theory_of_mind.number_guessing.game import Game, Guess, is_exact
from experiments.theory_of_mind.number_guessing.players import Rule
from harness import Fate, GradedAnswer, Turn
from harness.tasks.fates import ungraded


@dataclass(frozen=True, kw_only=True)
class Round(GradedAnswer):
    """One guess of the opponent's number.

    Attributes:
        level: of the opponent.
        round: from 1 on.
        own: the number that the model named; None in a round that the game did not reach.
        guess: of the opponent's number; theirs: what the opponent named; both None as `own`.
        correct: whether the guess is exact (less than half a unit away).
        signed_error: guess less the opponent's number; absolute_error: its size.
        ends: whether it is the last round of the game, whose row has the numbers of the whole game:
        locked_from: the first round from which on every guess is exact; None where the last one is not.
        locked: whether there is such a round before the last one: one exact guess in the end may be luck.
        distinct: how many different guesses there are; distinct_own: how many different numbers the model named.
        replies: how many replies the model gave; more than the rounds where some could not be read.
    """

    level: int
    round: int
    own: int | None = None
    guess: float | None = None
    theirs: int | None = None
    signed_error: float | None = None
    absolute_error: float | None = None
    ends: bool
    locked_from: int | None
    locked: bool
    distinct: int
    distinct_own: int
    replies: int


def rounds_of(level: int, turns: Sequence[Turn[Game, Guess]], rounds: int, rule: Rule | None) -> list[Round]:
    """The rows of a game.

    Args:
        turns: of the model's game.
        rule: guesses in the model's place; None is the model.
    """
    game = turns[-1].state
    own = [said.own for said in game.said]
    if rule is None:
        guesses = [said.guess for said in game.said]
    else:
        guesses = [float(rule(level, own[:n], game.theirs[:n])) for n in range(len(own))]
    fates = fates_of(turns, rounds, by_rule=rule is not None)
    exact = [fates[n] == "answered" and is_exact(guesses[n], theirs) for n, theirs in enumerate(game.theirs)]
    start = locked_from([*exact, *[False] * (rounds - len(exact))])
    rows = []
    for n in range(rounds):
        played = n < len(exact)
        error = guesses[n] - game.theirs[n] if played else None
        rows.append(
            Round(
                level=level,
                round=n + 1,
                answer=f"{guesses[n]:g}" if played else "",
                correct=played and exact[n],
                fate=fates[n],
                own=own[n] if played else None,
                guess=guesses[n] if played else None,
                theirs=game.theirs[n] if played else None,
                signed_error=error,
                absolute_error=None if error is None else abs(error),
                ends=n == rounds - 1,
                locked_from=start,
                locked=start is not None and start < rounds,
                distinct=len(set(guesses)),
                distinct_own=len(set(own)),
                replies=len(turns),
            )
        )
    return rows


def locked_from(exact: Sequence[bool]) -> int | None:
    """The first round, counted from 1, from which on every guess is exact; None where the last one is not."""
    wrong = [n for n, right in enumerate(exact, 1) if not right]
    first = wrong[-1] + 1 if wrong else 1
    return first if first <= len(exact) else None


def fates_of(turns: Sequence[Turn[Game, Guess]], rounds: int, *, by_rule: bool) -> list[Fate]:
    """The fate of each round: of a reply that was cut, and of the last reply for the rounds that it left unplayed.

    Args:
        by_rule: whether a rule guesses, which no reply of the model can cut.
    """
    actions = [turn for turn in turns if turn.action is not None]
    played: list[Fate] = ["cut" if turn.text.finish == "length" and not by_rule else "answered" for turn in actions]
    return [*played, *[ungraded(turns[-1].text).fate] * (rounds - len(played))]
