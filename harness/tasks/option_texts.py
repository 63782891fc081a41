"""Finds the option that a text names by the option's own text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from harness.tasks.texts import words

_CLAUSE_END = re.compile(
    r"[,;:!?\n]|\.(?![0-9])|\s-\s|\b(?:but|because|since|so)\b"
    r"|(?=\b(?:rather than|instead of|as opposed to|over|unlike)\b)",
    re.IGNORECASE,
)
# "Paris not Lyon" is two clauses, "Paris is not" is one.
_CONTRAST = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bdo )(?<!\bdoes )(?<!\bdid )(?<!ould )(?<!\bcan )(?=\bnot\b)", re.IGNORECASE
)
_DENIAL = re.compile(
    r" (?:not|never|neither|nor|isnt|arent|wasnt|cant|cannot|wrong|incorrect|rather than|instead of|as opposed to|over"
    r"|unlike|no|pas|nicht)(?= )"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_LISTED = re.compile(r",?\s(?:or|and)\s|[,/;]\s?")
_JOINED = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
_PREFIXES = ("in", "un", "im", "il", "ir", "dis", "non ", "not ")
_PAIRS = (("true", "false"), ("right", "wrong"), ("yes", "no"))


@dataclass(frozen=True)
class OptionTexts:
    """The texts of lettered options, in the order shown."""

    choices: tuple[str, ...]

    @cached_property
    def forms(self) -> list[str]:
        """The normalised words of each option, between spaces."""
        return [f" {' '.join(words(choice))} " for choice in self.choices]

    def equal(self, text: str) -> int | None:
        """The index of the option whose very text this is, or else whose words these are; None without or with several.

        A lone letter of an option that is shown is left to be read as a letter.
        """
        lone = text.strip(" .()")
        if len(lone) == 1 and lone.isascii() and lone.isalpha() and ord(lone.upper()) - ord("A") < len(self.choices):
            return None
        if text in self.choices:
            return self.choices.index(text)
        said = f" {' '.join(words(text))} "
        same = [at for at, form in enumerate(self.forms) if form == said and form.strip()]
        return same[0] if len(same) == 1 else None

    def named(self, line: str) -> int | None:
        """The index of the only option whose words a line holds, in the line as a whole or in its clauses.

        An option that lies inside a longer one gives way to it. A denied option ("not Lyon") is none; a denied one
        whose opposite is an option ("not correct", beside "incorrect") is that opposite.
        """
        for part in (line, line.rpartition("=")[2]):
            if (equal := self.equal(part)) is not None:
                return equal
        whole = self._said(line)
        if len(whole) == 1 and not self._denied(line, whole[0]):
            return whole[0]
        found: set[int] = set()
        for clause in (part for rough in _CLAUSE_END.split(line) for part in _CONTRAST.split(rough)):
            said = self._said(clause)
            if len(said) > 1 and _JOINED.search(clause) and not self._denied(clause, *said):
                found |= set(said)  # "yes and no"
                continue
            for at in said:
                option = self._opposite(at) if self._denied(clause, at) else at
                if option is not None:
                    found.add(option)
        return found.pop() if len(found) == 1 else None

    def named_alone(self, text: str) -> int | None:
        """The index of the only option that a sentence names by itself ("It is Paris. Lyon and Nice are larger.")."""
        alone = {self.named(part) for part in _SENTENCE_END.split(text)} - {None}
        return alone.pop() if len(alone) == 1 else None

    def listed(self, line: str) -> bool:
        """Whether a line goes through several options and nothing else ("crate, bowl or basket")."""
        parts = [part.strip(" .\"'*") for part in _LISTED.split(line)]
        found = [self.equal(part) for part in parts[:2] if part]
        return len(found) > 1 and None not in found and found[0] != found[1]

    def _said(self, line: str) -> list[int]:
        said = f" {' '.join(words(line))} "
        found = [at for at, form in enumerate(self.forms) if form.strip() and form in said]
        return [
            at
            for at in found
            if not any(self.forms[at] in self.forms[o] and self.forms[at] != self.forms[o] for o in found)
        ]

    def _denied(self, line: str, *options: int) -> bool:
        said = f" {' '.join(words(line))} "
        for at in options:
            said = said.replace(self.forms[at], " ", 1)
        return _DENIAL.search(said) is not None

    def _opposite(self, at: int) -> int | None:
        """The option that says the contrary of another in one word."""
        form = self.forms[at].strip()
        contraries = {f"{prefix}{form}" for prefix in _PREFIXES}
        contraries |= {form.removeprefix(prefix) for prefix in _PREFIXES if form.startswith(prefix)}
        contraries |= {other for pair in _PAIRS if form in pair for other in pair if other != form}
        found = [other for other, text in enumerate(self.forms) if text.strip() in contraries]
        return found[0] if len(found) == 1 else None
