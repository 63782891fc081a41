"""Reads the sentence that answers: its clauses, and whether a name in it is said to be the answer, and alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.tasks import short_words as kinds
from harness.tasks.answering import HEDGES, LEADS, NEGATIONS, says_others
from harness.tasks.short_tokens import CONNECTORS, COPULAS, MONTHS, PREPOSITIONS, Token, spelled, tokens, word_forms
from harness.tasks.texts import is_interjection, word_set

_CLAUSE_BREAK = re.compile(
    r",(?![0-9]{3})|[;|()\[\]]|:(?![0-9])|\s-\s|\b(?:but|rather|instead|however|whereas|although|though)\b",
    re.IGNORECASE,
)
_SLASH = re.compile(r"/")
_NO_OTHER = word_set("nobody none nothing no not only nowhere")
_OFTEN = word_set("often sometimes always also still")
_SEEMS = word_set("seems sounds looks feels")
_STATED = word_set("its thats hes shes is was")
_PLURAL_OWNER = re.compile(r"(?<=s)'(?= [A-Za-z])")
_QUOTE_OPENS = re.compile(r"(?<!\w)'(?=\w)")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence between commas, brackets and the like.

    Attributes:
        tokens: its words.
        opener: what stands before it: "," or "but", say; "" of the first.
        aside: whether it stands in brackets.
    """

    tokens: tuple[Token, ...]
    opener: str
    aside: bool

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(token.word for token in self.tokens)

    @property
    def has_copula(self) -> bool:
        return not COPULAS.isdisjoint(self.words)


@dataclass(frozen=True)
class Sentence:
    """An answering sentence in its clauses, and the words of the question."""

    clauses: tuple[Clause, ...]
    question: tuple[str, ...]

    @classmethod
    def read(cls, text: str, question: str = "") -> Sentence:
        if not _QUOTE_OPENS.search(text):
            text = _PLURAL_OWNER.sub("'s", text)  # "the Beatles' producer"
        text = _SLASH.sub(" or ", spelled(text))
        clauses, start, opener, depth = [], 0, "", 0
        for match in [*_CLAUSE_BREAK.finditer(text), None]:
            if found := tokens(text[start : match.start() if match else len(text)]):
                clauses.append(Clause(found, opener, depth > 0))
            if match:
                start, opener = match.end(), match[0].strip().lower()
                depth = max(0, depth + (opener in ("(", "[")) - (opener in (")", "]")))
        return cls(tuple(clauses), word_forms(question))

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(token for clause in self.clauses for token in clause.tokens)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(token.word for token in self.tokens)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The number of the clause that each word stands in."""
        return tuple(n for n, clause in enumerate(self.clauses) for _ in clause.tokens)

    @cached_property
    def told(self) -> tuple[int, ...]:
        """The clauses that say something: without asides, interjections, and what only repeats the question."""
        empty = frozenset(self.question) | LEADS | COPULAS | kinds.DOUBTS
        return tuple(
            n
            for n, clause in enumerate(self.clauses)
            if not clause.aside
            and not is_interjection(list(clause.words))
            and not set(clause.words) <= empty | kinds.EXCLAMATIONS
        )

    def spans(self, wanted: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """The places of the words, as [start, end)."""
        for start in range(len(self.words) - len(wanted) + 1):
            if wanted and self.words[start : start + len(wanted)] == wanted:
                yield start, start + len(wanted)

    def states(self, start: int, end: int, accepted: frozenset[str]) -> bool:
        """Whether the words of a span are said to be the answer, and alone."""
        return not (
            self._denies(start, end)
            or self._joins(start, end)
            or self._continues(start, end)
            or self._relates(start)
            or self._comes_beside(start, end)
            or self._concedes(start)
            or self._is_replaced(start)
            or self._is_guess(start)
            or self._is_of_others(start)
            or self._no_longer_holds(start)
            or self._lists(start, end, accepted)
        )

    def _denies(self, start: int, end: int) -> bool:
        """Whether the clause of a span says that it is not the answer ("not Paris", "Paris is not the capital")."""
        own = set(self.places[start:end])
        for at, word in enumerate(self.words):
            if word not in NEGATIONS or self.places[at] not in own or start <= at < end or self._is_asked(at):
                continue
            verb = next((w for w in reversed(self.words[:at]) if not (w in _OFTEN or w.endswith("ly"))), "")
            contrast = at >= end and verb not in COPULAS | _SEEMS and not word.endswith("nt")
            if not contrast:  # "Paris not Lyon" is a contrast: Paris is still said to be the answer
                return True
        return False

    def _is_asked(self, at: int) -> bool:
        """Whether a word stands in the question between the same words ("To be, or not to be")."""
        around = self.words[max(0, at - 1) : at + 2]
        return any(self.question[n : n + len(around)] == around for n in range(len(self.question)))

    def _joins(self, start: int, end: int) -> bool:
        """Whether a span is tied to something else by "or" or "and" ("Paris or Lyon"), or is one end of a range."""
        words = self.words
        if start and words[start - 1] in CONNECTORS and not self._is_asked(start - 1):
            return True
        ranged = (start > 1 and words[start - 1] in kinds.RANGE and self.tokens[start - 2].number) or (
            end + 1 < len(words) and words[end] in kinds.RANGE and self.tokens[end + 1].number
        )
        if self.tokens[start].number and ranged:
            return True
        if end == len(words) or words[end] not in CONNECTORS:
            return False
        if self.words[end + 1 : end + 2] and self.words[end + 1] in _NO_OTHER:
            return False
        same_clause = sum(number == self.places[end] for number in self.places[end + 1 :])
        return words[end] == "or" or same_clause <= 3

    def _continues(self, start: int, end: int) -> bool:
        """Whether the words of a span are a part of another name ("Paris Hilton", "New Paris", "1945 BC")."""
        first, last = self.places[start], self.places[end - 1]
        if end < len(self.words) and self.places[end] == last:
            after = self.tokens[end]
            if self.tokens[end - 1].number and after.word in ("bc", "bce"):
                return True
            known = kinds.KINDS | LEADS | COPULAS | CONNECTORS | PREPOSITIONS | NEGATIONS | frozenset(self.question)
            written_small = any(not token.capital and not token.number for token in self.tokens)
            named = after.capital and self.tokens[start].capital and after.word not in known
            if named and (written_small or len(self.tokens) <= 4):
                return True
            if self._is_compound(start, end):
                return True
        before = self.tokens[start - 1] if start and self.places[start - 1] == first else None
        return before is not None and before.capital and before.word in kinds.DIRECTIONS and self.tokens[start].capital

    def _is_compound(self, start: int, end: int) -> bool:
        """Whether a text is a name and one more noun in small letters ("carbon dioxide", "mercury poisoning")."""
        after = self.tokens[-1]
        known = kinds.KINDS_TOO | kinds.DOUBTS | LEADS | COPULAS | CONNECTORS | PREPOSITIONS | NEGATIONS | HEDGES
        return (
            (start, end) == (0, len(self.words) - 1)
            and not (after.capital or after.number or self.tokens[start].number)
            and not after.word.endswith("ly")
            and after.word not in known | frozenset(self.question)
        )

    def _relates(self, start: int) -> bool:
        """Whether something else is told by its relation to the words of a span ("a friend of Paris", "near Paris")."""
        at, place = start, self.places[start]
        while at and self.places[at - 1] == place and self.tokens[at - 1].capital and self.words[at - 1] not in LEADS:
            if self.words[at - 1] in kinds.PLACES | PREPOSITIONS | kinds.RELATED | COPULAS:
                break
            at -= 1
        two = [word for word, clause in zip(self.words[:at], self.places[:at], strict=True) if clause == place][-2:]
        if not two:
            return False
        noun = two[0] if len(two) == 2 else ""
        if noun in kinds.DIRECTIONS and self.words[max(0, at - 3)] == "in":
            return False  # "in the north of Portugal" is in Portugal
        return (
            (
                two[-1] not in self.question
                and (
                    (two[-1] in kinds.PLACES and not self.tokens[start].number)
                    or (two[-1] == "than" and (noun in kinds.COMPARED or noun.endswith("er")))
                    or (two[-1] == "to" and noun in kinds.RELATED_TO)
                    or (two[-1] in ("before", "after") and self.tokens[start].number)
                    or (two[-1] == "like" and noun in kinds.SOMEONE)
                    or (two[-1] in kinds.OVER and at > 1 and self.tokens[at - 2].capital)
                )
            )
            or ((noun, two[-1]) in (("closest", "to"), ("nearest", "to")))
            or (two[-1] == "of" and noun in kinds.RELATED and noun not in self.question)
        )

    def _comes_beside(self, start: int, end: int) -> bool:
        """Whether the words of a span only accompany another answer ("Raphael, who admired Leonardo")."""
        place = self.places[start]
        clause = self.clauses[place]
        own = set(range(place, self.places[end - 1] + 1))
        begin = self.places.index(place)
        lead = self.words[begin:start]
        if clause.aside:
            others = [w for w in (*lead, *self.words[end : begin + len(clause.tokens)]) if w not in kinds.EQUALS]
            return bool(set(self.told) - own) and len(others) > self.tokens[start].number
        if lead and lead[0] in kinds.CLAUSE_OF and lead[:2] != ("since", "then") and any(n < place for n in self.told):
            return lead[0] != "which" or lead[-1] not in kinds.NAMED | COPULAS
        if any(word in ("who", "whom", "whose") for word in lead) and COPULAS.isdisjoint(lead):
            at = next(n for n, word in enumerate(lead) if word in ("who", "whom", "whose"))
            return at > 0 and self.tokens[begin + at - 1].capital and lead[at - 1] not in self.question
        if (
            clause.opener not in (",", "-")
            or not COPULAS.isdisjoint(lead)
            or (lead and lead[0] in kinds.EQUALS | LEADS)
            or (lead[:1] == ("and",) and self._goes_on(place))
        ):
            return False
        return any(self._answers(n) for n in self.told if n < place and n not in own)

    def _concedes(self, start: int) -> bool:
        """Whether the clause of a span only adds something: "..., though Bell got the patent", "..., but also X"."""
        place = self.places[start]
        clause = self.clauses[place]
        lead = self.words[self.places.index(place) : start]
        told = [n for n in self.told if n < place]
        if clause.opener in ("though", "although", "whereas"):
            if {"would", "might", "could"} & set(lead):
                return any(self.clauses[n].tokens[-1].capital for n in told)
            if told[:1] == [0] and self._answers(0) and not set(self.question) & set(clause.words):
                return True
        also = "also" in clause.words and not {"known", "called"} & set(clause.words)
        return clause.opener in kinds.AGAIN and also and any(self.clauses[n].has_copula for n in told)

    def _goes_on(self, place: int) -> bool:
        """Whether a clause ends a row of words in small letters about one subject ("It is deep, rich, and red")."""
        between = self.clauses[1:place]
        small = not any(token.capital for clause in between for token in clause.tokens)
        return bool(between) and self.clauses[0].has_copula and small and all(len(c.words) <= 2 for c in between)

    def _answers(self, place: int) -> bool:
        """Whether a clause is an answer by itself: a few words that state, deny and place nothing."""
        clause = self.clauses[place]
        following = self.clauses[place + 1].opener if place + 1 < len(self.clauses) else ""
        first = clause.words[0]
        placed = first in kinds.ADVERBIAL or first.endswith("ly") or first in LEADS
        return (
            following != ":"
            and not placed
            and len(clause.words) <= 6
            and not (clause.has_copula or not NEGATIONS.isdisjoint(clause.words))
        )

    def _is_replaced(self, start: int) -> bool:
        """Whether a later clause states another answer ("Paris is a city in France, but the capital is Lyon")."""
        for place, clause in enumerate(self.clauses):
            if place <= self.places[start] or clause.opener not in kinds.AGAIN or clause.aside:
                continue
            verb = next((at for at, word in enumerate(clause.words) if word in COPULAS), 0)
            subject, told = set(clause.words[:verb]), clause.tokens[verb + 1 :]
            if not subject or not told:
                continue
            if subject <= set(self.question) and (told[0].capital or told[0].number):
                return True
            if subject <= kinds.IT and told[0].capital and not self.clauses[self.places[start]].has_copula:
                return True  # "Some say Paris, but it is Lyon"
        return False

    def _is_guess(self, start: int) -> bool:
        """Whether the sentence guesses several answers ("Could be Paris, could be Lyon")."""
        guessed = [n for n in self.told if not HEDGES.isdisjoint(self.clauses[n].words)]
        return len(guessed) > 1 and self.places[start] in guessed

    def _is_of_others(self, start: int) -> bool:
        """Whether the clause of a span tells what others say, and another clause gives an answer."""
        own = self.places[start]
        said = self.clauses[own].words
        others = any(
            n != own and any(token.capital or token.number for token in self.clauses[n].tokens) for n in self.told
        )
        return says_others(said) and others

    def _no_longer_holds(self, start: int) -> bool:
        """Whether the clause of a span speaks of what was, and a later one of what is ("Formerly Lyon, now Paris")."""
        own = self.places[start]
        before = set(self.clauses[own].words)
        past = bool(before & kinds.PAST) or {"used", "to"} <= before or {"going", "to"} <= before
        later = (self.clauses[n].tokens for n in self.told if n > own)
        return past and any(
            (told[0].word in ("now", "its") or not {"is", "its"}.isdisjoint(t.word for t in told[:3]))
            and told[-1].capital
            for told in later
        )

    def _lists(self, start: int, end: int, accepted: frozenset[str]) -> bool:
        """Whether the clauses are a bare list of candidates: three or more short ones ("Paris, Lyon, Nice")."""
        found = set(self.words[start:end])
        clauses = [self.clauses[n] for n in self.told]
        if any(len(clause.words) > 3 or clause.has_copula for clause in clauses):
            return False
        begin = self.places.index(self.places[start])
        if not _STATED.isdisjoint(self.words[begin:start]):
            return False
        if len(clauses) > 1 and set(clauses[-1].words) <= kinds.COUNTRIES and not found <= kinds.COUNTRIES:
            clauses.pop()  # the country of an address: "Florence, Tuscany, Italy"
        clauses = [clause for clause in clauses if clause.words[0] not in kinds.ADVERBIAL]
        own = [self.clauses[n] for n in set(self.places[start:end])]
        others = [c for c in clauses if c not in own and not set(c.words) <= found | accepted]
        others = [c for c in others if NEGATIONS.isdisjoint(c.words) and c.words[0] != "then"]
        if any(c.opener in (";", "|") and c.tokens[0].capital for c in others) and self.tokens[start].capital:
            return True  # "Paris; Lyon"
        if self.tokens[start].number:
            others = [c for c in others if any(t.number for t in c.tokens) and MONTHS.isdisjoint(c.words)]
        return len(others) >= 2 or (len(others) == 1 and self.words[start] not in clauses[0].words)
