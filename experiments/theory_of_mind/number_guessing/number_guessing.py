"""Number guessing: does a model find the rule by which its opponent plays?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from experiments.theory_of_mind.number_guessing.game import LEVELS, TEXTS, Game, Guess, GuessingGame
from experiments.theory_of_mind.number_guessing.players import PLAYERS
from experiments.theory_of_mind.number_guessing.rows import Round, rounds_of
from harness import Arm, ArmedExperiment, Bars, Gate, Item, Subject, Turn, metrics, play
from harness.arms import together
from harness.calls.calls import Capability

BY_LEVEL = ("arm", "level")
ENDS: metrics.Where = {"ends": True}


@dataclass(frozen=True, kw_only=True)
class Player(Arm):
    """Who guesses the opponent's numbers.

    Attributes:
        rule: a rule of `players.PLAYERS`, which guesses in the model's place on the same rounds; "none" is the model.
    """

    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class NumberGuessing(ArmedExperiment[Player, None]):
    """Claim: models predict an opponent whose numbers depend on their own better than rules that have no model of it.

    Hou et al. 2024, "EgoSocialArena", arXiv 2410.06195 (number guessing).
    Item: a telling of the game, played once against each opponent. "You play a game of 10 rounds against Ada. In each
    round both players name a whole number from 1 to 100 at the same time. [...] Round 1 of 10." The model's turn begins
    "I name", goes on with "40, and I expect Ada to name 50.", and is told both numbers of the round.

    Level 1 always names 50. Level 2 names 50, 45, 40, ... Level 3 names 50, and then floor(0.8 * mean of the last two
    numbers): own 40, 40, 32 meet 50, 36, 30, 24. Only level 3 needs a model of the opponent; levels 1 and 2 are guessed
    by continuing a series. A guess within half a unit counts as exact.

    Rules guess on the rounds of the model's own games. The arm "perfect player" knows the opponent's rule, and shows
    that every round can be guessed. The target is never told, because at level 3 it is the opponent's next number.
    Where a reply cannot be read the model is asked again, up to two replies a round in the whole game. Rounds that a
    game does not reach count as wrong for the model and for the rules alike. A reply that was cut is played, but its
    guess counts as wrong: its last number may lack a digit.

    Differs from the paper: greedy unless experiment.temperature is set (its scripts have 1, its wrappers 0), many
    tellings in place of one game, no level 4 (its rule is not published), and no reasons asked for.

    Attributes:
        rounds: of a game, at least 2.
        temperature: of the replies; above 0 each game is one draw.
        max_tokens: cap on a reply, which ends with its line. A model that thinks does so before it.
    """

    arms: Sequence[str] = ("model", *(f"rule: {rule}" for rule in PLAYERS))
    rounds: Annotated[int, Ge(2)] = 10
    temperature: Annotated[float, Ge(0)] = 0.0
    max_tokens: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = {"model": Player(), **{f"rule: {rule}": Player(rule=rule) for rule in PLAYERS}}
    texts: ClassVar = TEXTS
    papers: ClassVar = ("hou2024egosocialarena",)
    outcome: ClassVar = Round
    item_fields: ClassVar = ("opponent", "rules")
    metrics: ClassVar = (
        *metrics.graded(by=BY_LEVEL),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_round", by=(*BY_LEVEL, "round")),
        *metrics.means(mean_absolute_error="absolute_error", by=BY_LEVEL),
        *metrics.rates("locked", by=BY_LEVEL, where=ENDS),
        *metrics.means("locked_from", "distinct", by=BY_LEVEL, where=ENDS),
        *metrics.means("distinct_own", replies_per_game="replies", by=BY_LEVEL, where={**ENDS, "rule": "none"}),
    )
    gates: ClassVar = (
        Gate(
            metric="answered",
            least=0.5,
            advised=0.9,
            columns=("correct", "absolute_error"),
            why="most rounds are not played, or their replies cut, and count as wrong",
        ),
    )
    figures: ClassVar = (Bars("correct", by="level"), Bars("correct", by="round", where={"level": 3}))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    async def begin(self, item: Item, subject: Subject, fitted: None) -> dict[int, tuple[Turn[Game, Guess], ...]]:
        games = await together(self.game(level, item, subject) for level in LEVELS)
        return dict(zip(LEVELS, games, strict=True))

    async def game(self, level: int, item: Item, subject: Subject) -> tuple[Turn[Game, Guess], ...]:
        """One game against an opponent of a level."""
        world = GuessingGame(level=level, rounds=self.rounds, wording=self.wording)
        sampling: dict[str, Any] = {"max_tokens": self.max_tokens, "temperature": self.temperature, "stop": ["\n"]}
        lead = self.text("lead", opponent=item.fields["opponent"])
        return await play(world, subject, item, turns=self.rounds, lead=lead, stream=f"level {level}", **sampling)

    async def ask(
        self, arm: Player, common: dict[int, tuple[Turn[Game, Guess], ...]], item: Item, subject: Subject, fitted: None
    ) -> list[Round]:
        rule = None if arm.rule == "none" else PLAYERS[arm.rule]
        return [row for level in LEVELS for row in rounds_of(level, common[level], self.rounds, rule)]
