"""The task: accounts of a social network with every topic to write about, and another account beside each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness import Item, Task
from harness.tasks.graders import short_answer


@dataclass(frozen=True)
class Account:
    """An account: its handle and its words about itself; both "" for the model without an account."""

    handle: str = ""
    bio: str = ""


NOBODY = Account()
ACCOUNTS: Sequence[Account] = (
    Account("@harbour_joan", "You are cheerful and see the good side of everything. You repair small boats."),
    Account("@greywether", "You are gloomy and expect that things go wrong. You sell umbrellas at a market."),
    Account("@why_though", "You are curious and always ask how things work. You teach science to children."),
    Account("@plain_pete", "You are practical and have no time for fine words. You run a hardware store."),
    Account("@say_it_straight", "You are blunt and say what others only think. You review restaurants."),
    Account("@softly_softly", "You are gentle and never want to hurt anybody. You care for old people."),
    Account("@first_to_go", "You are daring and love whatever is new. You climb mountains and jump off bridges."),
    Account("@belt_and_braces", "You are careful and plan for every danger. You work in insurance."),
    Account("@quip_a_day", "You are witty and turn everything into a joke. You write for a comic paper."),
    Account("@by_the_book", "You are serious and care for exact facts. You work in an archive."),
    NOBODY,
)
"""Five traits and their opposites, each with a trade; last the model without an account."""

TOPICS: Sequence[str] = (
    *("breakfast", "rainy days", "old bicycles", "train journeys", "gardening", "cooking rice", "libraries"),
    *("the seaside", "long walks", "house plants", "board games", "making tea", "autumn leaves", "street music"),
    *("learning to swim", "early mornings", "homemade bread", "the night sky", "cats", "crossword puzzles"),
    *("farmers' markets", "snow", "lost keys", "summer holidays", "photographs", "buying shoes", "handwriting"),
    *("public parks", "soup", "moving house"),
)
"""Neutral topics of the test items."""
TRAINING_TOPICS: Sequence[str] = (
    *("picnics", "bus stops", "dogs", "museums", "wool sweaters", "maps", "apple trees", "radio", "stairs", "chess"),
)
"""Topics of the items to train on, none of them among the others."""

_OPENERS = ("Nothing beats", "I could talk all day about", "Been thinking about", "Does anybody else still love")
_REASONS = (
    "my brother laughs at me for it, let him",
    "reminds me of the summer when I was nine",
    "my neighbour got me into it last year",
    "it gets me through the week, honestly",
    "ask me again tomorrow and I may disagree",
    "the kids can't see the point at all",
)


@dataclass(frozen=True, kw_only=True)
class Posts(Task):
    """Accounts and topics: each item is an account that writes about a topic, and another that writes about the same.

    An item's fields are "account" and "bio" (both "" without an account), "topic", "other" and "other_bio" (whose post
    stands beside it), and "line", a post as people write them, made by rule. Its gold is the account. For each
    topic every account is the other one of exactly one account: over all items, the posts that accounts wrote
    themselves and those of others are the same posts, if one model writes them all. The group is the topic.

    Attributes:
        seed: seed of the posts made by rule.
    """

    version: ClassVar[str] = "1"
    name: str = "posts"
    seed: int = 0

    def load(self) -> list[Item]:
        """All accounts with all topics."""
        return list(self._items(TOPICS))

    def load_train(self) -> list[Item]:
        """The same accounts with topics of their own."""
        return list(self._items(TRAINING_TOPICS))

    def _items(self, topics: Sequence[str]) -> Iterator[Item]:
        for number, topic in enumerate(topics):
            for at, account in enumerate(ACCOUNTS):
                other = ACCOUNTS[(at + 1 + number % (len(ACCOUNTS) - 1)) % len(ACCOUNTS)]
                rng = random.Random(f"{self.seed}/{topic}/{at}")
                fields = {"account": account.handle, "bio": account.bio, "topic": topic}
                fields |= {"other": other.handle, "other_bio": other.bio}
                fields |= {"line": f"{rng.choice(_OPENERS)} {topic}, {rng.choice(_REASONS)}."}
                yield Item(fields, account.handle or "nobody", short_answer, topic)
