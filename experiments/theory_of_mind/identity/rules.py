"""Rules that choose one of several profiles without an idea of the person: baselines for identification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.theory_of_mind.identity.prompts import shared_words

Rule = Callable[[Sequence[str], Mapping[str, str]], str]
"""Takes statements, and profiles by the names of people; gives a name, the first of equals."""


def most_shared_words(statements: Sequence[str], profiles: Mapping[str, str]) -> str:
    """The person whose profile has the most of the statements' content words."""
    return max(profiles, key=lambda name: shared_words(" ".join(statements), profiles[name]))


def longest(statements: Sequence[str], profiles: Mapping[str, str]) -> str:
    """The person of the longest profile."""
    return max(profiles, key=lambda name: len(profiles[name]))


RULES: Mapping[str, Rule] = {"shared words": most_shared_words, "longest profile": longest}
