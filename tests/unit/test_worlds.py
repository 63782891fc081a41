"""Worlds: a game is a function of replies, item and named streams; illegal replies are turns; calls are capped."""

from __future__ import annotations

import asyncio
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

import orjson
import pytest

from harness import worlds
from harness.items import Grade, Item
from harness.prompting.prompts import Message
from harness.subject.subject import Subject
from harness.testing import fake_subject
from harness.worlds import Illegal, Turn, World, play

ITEM = Item({"most": 100}, "", lambda text, gold: Grade(text, None))


@dataclass(frozen=True)
class Guessing:
    """The number to be guessed, and what was said of the last guess."""

    secret: int
    most: int
    said: str = ""


class NumberGuessing(World[Guessing, int]):
    """The model guesses a number and is told whether it is lower or higher."""

    def begin(self, item: Item, rng: Random) -> Guessing:
        return Guessing(rng.randint(1, item.fields["most"]), item.fields["most"])

    def tell(self, state: Guessing) -> str:
        return state.said or f"I think of a number from 1 to {state.most}. Guess it."

    def read(self, state: Guessing, text: str) -> int | Illegal:
        found = re.fullmatch(r"\s*(\d+)\s*", text)
        if found is None or not 1 <= int(found[1]) <= state.most:
            return Illegal(f"Say a number from 1 to {state.most} only.")
        return int(found[1])

    def step(self, state: Guessing, action: int, rng: Random) -> Guessing:
        words = "Right." if action == state.secret else "Higher." if action < state.secret else "Lower."
        return replace(state, said=words)

    def over(self, state: Guessing) -> bool:
        return state.said == "Right."


def bisecting(prompt: str) -> Mapping[str, float]:
    """A player that halves what is left, judging from the conversation alone."""
    low, high = 1, 100
    guess = 50
    for line in prompt.splitlines():
        if line.startswith("<assistant> ") and (found := re.search(r"\d+", line)):
            guess = int(found[0])
        if line == "<user> Higher.":
            low = guess + 1
        if line == "<user> Lower.":
            high = guess - 1
    return {str((low + high) // 2): 1.0}


@dataclass(frozen=True)
class Pennies:
    """Coins of both players, round by round."""

    rounds: tuple[tuple[str, str], ...] = ()


class MatchingPennies(World[Pennies, Literal["heads", "tails"]]):
    """The opponent shows a coin by chance; nobody can do better than one half against it."""

    def __init__(self, numbers: int = 1) -> None:
        self.numbers = numbers  # how many random numbers the opponent takes a round

    def begin(self, item: Item, rng: Random) -> Pennies:
        return Pennies()

    def tell(self, state: Pennies) -> str:
        last = f"You showed {state.rounds[-1][0]}, I showed {state.rounds[-1][1]}. " if state.rounds else ""
        return f"{last}Round {len(state.rounds) + 1}: heads or tails?"

    def read(self, state: Pennies, text: str) -> Literal["heads", "tails"] | Illegal:
        return "heads" if text == "heads" else "tails" if text == "tails" else Illegal("Say heads or tails.")

    def step(self, state: Pennies, action: Literal["heads", "tails"], rng: Random) -> Pennies:
        coin = "heads" if rng.random() < 0.5 else "tails"
        for _ in range(self.numbers - 1):
            rng.random()
        return Pennies((*state.rounds, (action, coin)))

    def over(self, state: Pennies) -> bool:
        return False


def game(world: World[Any, Any], subject: Subject, item: str = "i", **settings: Any) -> tuple[Turn[Any, Any], ...]:
    view = subject.for_item(item)
    return asyncio.run(play(world, view, ITEM, **{"turns": 20, "max_tokens": 8, **settings}))


def coins(turns: tuple[Turn[Any, Any], ...]) -> list[str]:
    return [coin for _, coin in turns[-1].state.rounds]


def test_a_game_goes_on_until_it_is_over() -> None:
    turns = game(NumberGuessing(), fake_subject(bisecting))
    assert turns[-1].over
    assert not any(turn.over for turn in turns[:-1])
    assert turns[-1].action == turns[0].state.secret
    assert len(turns) <= 7  # 2^7 > 100
    assert turns[0].told == "I think of a number from 1 to 100. Guess it."
    assert {turn.told for turn in turns[1:]} <= {"Higher.", "Lower."}


def test_a_replayed_game_is_the_same_game_and_asks_nothing(tmp_path: Path) -> None:
    def odds(prompt: str) -> Mapping[str, float]:
        return {"heads": 0.5, "tails": 0.3, "perhaps": 0.2}

    first = fake_subject(odds, folder=tmp_path)
    turns = game(MatchingPennies(), first, temperature=1.0)
    assert first.store.misses == len(turns) > 20  # illegal replies among them
    first.store.close()
    again = fake_subject(odds, folder=tmp_path)
    assert game(MatchingPennies(), again, temperature=1.0) == turns
    assert again.store.misses == 0
    assert game(MatchingPennies(), fake_subject(odds, seed=1), temperature=1.0) != turns


def test_an_opponents_numbers_belong_to_seed_item_name_and_turn() -> None:
    subject = fake_subject(lambda _: {"heads": 1.0})
    base = coins(game(MatchingPennies(), subject))
    assert len(base) == 20
    assert {*base} == {"heads", "tails"}
    for other in (
        game(MatchingPennies(), subject, item="j"),
        game(MatchingPennies(), subject, stream="second game"),
        game(MatchingPennies(), fake_subject(lambda _: {"heads": 1.0}, seed=1)),
    ):
        assert coins(other) != base
    # An opponent that thinks longer shows the same coins: every turn has a stream of its own.
    assert coins(game(MatchingPennies(numbers=3), subject)) == base
    # And the model's own replies do not move them.
    assert coins(game(MatchingPennies(), fake_subject(lambda _: {"tails": 1.0}))) == base


def test_games_of_one_item_run_at_once_and_share_no_numbers() -> None:
    async def several() -> list[list[str]]:
        view = fake_subject(lambda _: {"heads": 1.0}).for_item("i")
        played = await asyncio.gather(
            *(play(MatchingPennies(), view, ITEM, turns=200, stream=f"game {i}", max_tokens=4) for i in range(2))
        )
        return [coins(turns) for turns in played]

    one, two = asyncio.run(several())
    same = sum(a == b for a, b in zip(one, two, strict=True))
    assert 75 <= same <= 125  # 100 +- 3.5 standard deviations of 7.07; the seed is fixed


def test_an_illegal_reply_is_a_turn_with_a_reason_and_changes_nothing() -> None:
    def stubborn(prompt: str) -> Mapping[str, float]:
        return {"seven" if "only" not in prompt else "7": 1.0}

    first, second, *_ = game(NumberGuessing(), fake_subject(stubborn), turns=1)
    assert (first.action, first.reason, first.over) == (None, "Say a number from 1 to 100 only.", False)
    assert first.text.text == "seven"
    assert second.told == f"{first.reason}\n\nI think of a number from 1 to 100. Guess it."
    assert second.action == 7
    assert second.state.secret == first.state.secret


@pytest.mark.parametrize(("turns", "max_calls", "n"), [(3, None, 6), (3, 4, 4), (3, 100, 100), (5, 0, 0)])
def test_calls_are_capped(turns: int, max_calls: int | None, n: int) -> None:
    subject = fake_subject(lambda _: {"pass": 1.0})
    played = game(NumberGuessing(), subject, turns=turns, max_calls=max_calls)
    assert len(played) == n == subject.engine.usage.calls
    assert {turn.reason for turn in played} <= {"Say a number from 1 to 100 only."}
    assert len(game(MatchingPennies(), fake_subject(lambda _: {"heads": 1.0}), turns=turns)) == turns


def test_messages_may_stand_before_the_game() -> None:
    view = fake_subject(bisecting).for_item("i")
    asyncio.run(play(NumberGuessing(), view, ITEM, turns=2, before=[Message("system", "Be quick.")], max_tokens=4))
    assert view.transcript[0].prompt.startswith("<system> Be quick.\n<user> I think of a number")


def test_a_lead_begins_every_turn_of_the_model() -> None:
    view = fake_subject(bisecting).for_item("i")
    asyncio.run(play(NumberGuessing(), view, ITEM, turns=2, lead="My guess:", max_tokens=4))
    asked = [exchange.prompt for exchange in view.transcript]
    assert all(prompt.endswith("My guess:") for prompt in asked)
    assert asked[1].count("My guess:") == 2  # that of the finished turn stays in the conversation


def test_the_transcript_of_a_game_grows_with_its_turns() -> None:
    def size(turns: int) -> int:
        view = fake_subject(lambda _: {"heads": 1.0}).for_item("i")
        asyncio.run(play(MatchingPennies(), view, ITEM, turns=turns, max_tokens=4))
        assert len(view.transcript) == turns
        return len(orjson.dumps(view.transcript.stored))

    assert (size(400) - size(200)) / (size(200) - size(100)) == pytest.approx(2, rel=0.05)


def test_the_example_of_the_documentation_runs() -> None:
    blocks = re.split(r"\n(?=    class |    turns = )", inspect.getdoc(worlds) or "")
    code, call = textwrap.dedent(blocks[1]), textwrap.dedent(blocks[2])
    names: dict[str, Any] = {"World": World, "Illegal": Illegal, "play": play, "item": ITEM}
    exec(code, names)
    names["subject"] = fake_subject(lambda _: {"3": 1.0}).for_item("i")
    exec("async def protocol():\n" + textwrap.indent(call, "    ") + "\n    return turns, done", names)
    turns, done = asyncio.run(names["protocol"]())
    assert done
    assert turns[-1].state == 0
    assert len(turns) == -(-int(turns[0].told.split()[0]) // 3)
