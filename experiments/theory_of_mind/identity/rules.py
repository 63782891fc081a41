"""Rules that choose one of several profiles without an idea of the person: baselines for identification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.theory_of_mind.identity.prompts import shared_words

Rule = Callable[[Sequence[str], Sequence[str]], str]
"""Takes statements and profiles; gives a profile, the first of equals."""


def most_shared_words(statements: Sequence[str], profiles: Sequence[str]) -> str:
    """The profile that has the most of the statements' content words."""
    return max(profiles, key=lambda profile: shared_words(" ".join(statements), profile))


def longest(statements: Sequence[str], profiles: Sequence[str]) -> str:
    """The profile of the most letters."""
    return max(profiles, key=len)


RULES: Mapping[str, Rule] = {"shared words": most_shared_words, "longest profile": longest}
