"""The arms and the rows of selfRecognition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm, Outcome, Probability, Score


@dataclass(frozen=True, kw_only=True)
class Reader(Arm):
    """The source of a score that is to be higher for the account's own posts.

    Attributes:
        by: "question" asks a model, "likelihood" takes the probability of the post, "rule" asks no model.
        copy: whether the question is if a text is the post just written, word for word, and not who wrote it.
        other: whether the rival reads the posts, as the same account, and not the subject.
        told: whether the reader knows the account; of a likelihood, whether it is that given the account and the topic;
            of a copy check, whether its own writing stands in the conversation.
        rule: the rule of `rules.rule_score`.
    """

    by: Literal["question", "likelihood", "rule"]
    copy: bool = False
    other: bool = False
    told: bool = True
    rule: str = "none"


BAG = "rule: bag of words"
READERS: Mapping[str, Reader] = {
    "self": Reader(by="question"),
    "no account": Reader(by="question", told=False),
    "other model": Reader(by="question", other=True),
    "perplexity": Reader(by="likelihood", told=False),
    "perplexity as written": Reader(by="likelihood"),
    "rule: longer post": Reader(by="rule", rule="longer post"),
    "rule: shorter post": Reader(by="rule", rule="shorter post"),
    "rule: words of the bio": Reader(by="rule", rule="words of the bio"),
    BAG: Reader(by="rule", rule="bag of words"),
    "copy check with history": Reader(by="question", copy=True),
    "copy check without history": Reader(by="question", copy=True, told=False),
}


@dataclass(frozen=True, kw_only=True)
class Recognised(Outcome):
    """One post before one reader.

    Attributes:
        account: the handle, "none" without an account; reader: the model that reads, "" of a rule.
        shown: which post: "own", "foreign", or (of a copy check) "own with an odd word".
        score: higher where the reader takes the post for the account's own. None where a post has no words: `reason`.
        p_yes: probability of Yes to the question about this post alone; mass: probability that Yes or No is said.
        p_pick_own: probability of the own post when both are shown, the mean of both orders; pick_mass: probability
            that either is named; listed_first: share of the orders in which the first post is chosen. In own rows only.
        picks: 1 where the own post is picked of the two, 0.5 where neither is preferred. In own rows only.
        hits_less_false_alarms: of a copy check, whether Yes is said to the own post, less the share of the other two
            texts to which it is. In own rows only.
        words: words of the post.
    """

    account: str
    reader: str = ""
    shown: Literal["own", "foreign", "own with an odd word"]
    is_own: bool
    score: Score | None = None
    p_yes: Probability | None = None
    mass: Probability | None = None
    p_pick_own: Probability | None = None
    pick_mass: Probability | None = None
    listed_first: float | None = None
    picks: float | None = None
    hits_less_false_alarms: float | None = None
    words: int
    reason: str | None = None
