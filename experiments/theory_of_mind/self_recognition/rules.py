"""Scores of posts that ask no model: their length, the words of the bio, and a bag of words fitted on other topics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.tasks.texts import words


def length(post: str) -> int:
    """The number of words."""
    return len(words(post))


def shared_with(bio: str, post: str) -> float:
    """The share of the post's different words that the bio has, too, in [0, 1]; 0 of a post without words."""
    said = set(words(post))
    return len(said & set(words(bio))) / len(said) if said else 0.0


def features(post: str) -> set[str]:
    """The post's words, and the parts of three characters of its text."""
    text = " ".join(words(post))
    return {*words(post), *(text[at : at + 3] for at in range(len(text) - 2))}


def fit(posts: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """The weight of each feature in favour of the label true, by naive Bayes.

    log (n1 + 1)/(N1 + 2) - log (n0 + 1)/(N0 + 2), where n counts the posts of a label that have the feature and N all
    posts of the label.
    """
    has: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    total = Counter[bool]()
    for post, label in posts:
        has[label].update(features(post))
        total[label] += 1
    known = sorted(has[True] | has[False])

    def log(feature: str, label: bool) -> float:
        return math.log((has[label][feature] + 1) / (total[label] + 2))

    return {feature: log(feature, True) - log(feature, False) for feature in known}


def weigh(post: str, weights: Mapping[str, float]) -> float:
    """The sum of the weights of a post's features; unknown features have 0."""
    return math.fsum(weights.get(feature, 0.0) for feature in sorted(features(post)))


def rule_score(rule: str, post: str, bio: str, weights: Mapping[str, float]) -> float:
    """The score that a rule gives to a post: higher where it takes the post for the account's own."""
    match rule:
        case "longer post":
            return length(post)
        case "shorter post":
            return -length(post)
        case "words of the bio":
            return shared_with(bio, post)
        case _:
            return weigh(post, weights)


def pick(own: float, other: float) -> float:
    """1 where the own post has the higher score, 0 where the other has, 0.5 where they are alike."""
    return (own > other) + (own == other) / 2
