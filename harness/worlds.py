"""Simulated worlds: games and environments in which a model acts turn by turn.

A world is a few pure functions over frozen states, so a game replayed against stored replies is the same game:

    class Countdown(World[int, int]):                       # the state is the number left, an action takes some off
        def begin(self, item, rng): return rng.randint(5, 9)
        def tell(self, state): return f"{state} matches are left. Take 1, 2 or 3."
        def read(self, state, text):
            return int(text) if text.strip() in ("1", "2", "3") else Illegal("Say 1, 2 or 3.")
        def step(self, state, action, rng): return max(0, state - action)
        def over(self, state): return state == 0

    turns = await play(Countdown(), subject, item, turns=9, max_tokens=4)       # inside a protocol
    done = turns[-1].over                                   # and turns[-1].state is what is left
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, TypeVar

from harness.calls.calls import Text
from harness.items import Item
from harness.prompting.prompts import Message, Prompt
from harness.subject.subject import Subject

State = TypeVar("State")
Action = TypeVar("Action")


@dataclass(frozen=True, slots=True)
class Illegal:
    """A reply that is no legal action.

    Attributes:
        reason: what the model is told about it, before the state is told again.
    """

    reason: str


class World(ABC, Generic[State, Action]):
    """The rules of a game or an environment.

    States are immutable (frozen dataclasses, tuples, numbers), and no method changes anything: the same arguments give
    the same result. Random numbers come only from the stream that is handed in.
    """

    @abstractmethod
    def begin(self, item: Item, rng: Random) -> State:
        """The first state of the game that an item describes."""

    @abstractmethod
    def tell(self, state: State) -> str:
        """The text for the model before it acts; in the first state, it includes the rules."""

    @abstractmethod
    def read(self, state: State, text: str) -> Action | Illegal:
        """The action that a reply names."""

    @abstractmethod
    def step(self, state: State, action: Action, rng: Random) -> State:
        """The state after an action, and after the world's or an opponent's own move."""

    @abstractmethod
    def over(self, state: State) -> bool:
        """Whether the game has ended."""


@dataclass(frozen=True, slots=True)
class Turn(Generic[State, Action]):
    """One reply of the model and what became of it.

    Attributes:
        told: the text for the model.
        text: its reply.
        action: its action; None if that was not legal.
        reason: why it was not legal, else "".
        state: after the action; as before when there was none.
        over: whether the game has ended with this turn.
    """

    told: str
    text: Text
    action: Action | None
    reason: str
    state: State
    over: bool


async def play(
    world: World[State, Action],
    subject: Subject,
    item: Item,
    *,
    turns: int,
    max_calls: int | None = None,
    before: Sequence[Message] = (),
    lead: str = "",
    stream: str = "world",
    **sampling: Any,
) -> tuple[Turn[State, Action], ...]:
    """Plays one game in one conversation.

    An illegal reply is a turn with a reason. It leaves the state as it is, and the model is asked again.

    Args:
        turns: the most actions of a game, at least 1.
        max_calls: the most calls, illegal replies included; by default twice `turns`.
        before: messages before the game: a system message, examples.
        lead: the first words of each of the model's turns ("My move:"), which keep small models to the form.
        stream: name of the world's random numbers. The beginning and every action have streams of their own, so that
            how many numbers one step takes does not change the next. Games of one item need different names.
        sampling: as in `Subject.generate`: max_tokens, temperature, draw, ...

    Returns:
        The turns in order. The last one is over unless `turns` or `max_calls` ran out; () when the game is over before
        it begins.

    Raises:
        ItemError: the conversation no longer fits the context, or a reply cannot stand in it.
    """
    cap = 2 * turns if max_calls is None else max_calls
    state = world.begin(item, subject.random(f"{stream}/begin"))
    played: list[Turn[State, Action]] = []
    actions = 0
    told = world.tell(state)
    prompt = Prompt((*before, Message("user", told)), lead)
    while not world.over(state) and actions < turns and len(played) < cap:
        text = await subject.generate(prompt, **sampling)
        read = world.read(state, text.text)
        if isinstance(read, Illegal):
            played.append(Turn(told, text, None, read.reason, state, False))
            told = f"{read.reason}\n\n{world.tell(state)}"
        else:
            state = world.step(state, read, subject.random(f"{stream}/{actions}"))
            actions += 1
            played.append(Turn(told, text, read, "", state, world.over(state)))
            told = world.tell(state)
        prompt = prompt.then(text.text, told, lead)
    return tuple(played)
