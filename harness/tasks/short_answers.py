"""Grades short free answers: does a sentence give one of the accepted answers, and only that?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.tasks.answering import HEDGES, LEADS, NEGATIONS, answering, echoes
from harness.tasks.short_tokens import CONNECTORS, COPULAS, MONTHS, PREPOSITIONS, Token, spelled, tokens, word_forms
from harness.tasks.texts import is_interjection, word_set

MAX_WORDS = 30
"""A longer sentence that merely contains the right answer is not counted as giving it."""

_CLAUSE_BREAK = re.compile(
    r",(?![0-9]{3})|[;()\[\]]|:(?![0-9])|\s-\s|\b(?:but|rather|instead|however|whereas|although|though)\b",
    re.IGNORECASE,
)
_SLASH = re.compile(r"/")
_DOUBTS = word_set("not sure certain dont know")
_EXCLAMATIONS = word_set("ah oh hey yep yup indeed clearly hello hi obviously honestly sorry apologies")

_ADVERBIAL = PREPOSITIONS | word_set("according if let since because after before when while until despite given")
_CLAUSE_OF = word_set("who whom whose which where when while whereas although though because since like unlike than")
_EQUALS = word_set(
    "also known as called spelled spelt written formerly aka ie namely now or i e meaning previously officially"
)
_NAMED = word_set("called known named")
_AGAIN = word_set("but however whereas although though ;")
_KINDS = word_set(
    "river city town lake sea ocean island islands mountain mountains desert country county state republic kingdom "
    "university ad ce bc bce jr sr dc usa us uk i"
)
_DIRECTIONS = word_set("new north south east west northern southern eastern western")
_PLACES = word_set("near outside opposite beside beyond around besides behind")
_RELATED = word_set(
    "friend pupil student rival brother sister son daughter wife husband father mother teacher follower contemporary "
    "disciple admirer successor predecessor neighbour neighbor colleague cousin uncle aunt nephew niece child parent "
    "widow widower lover enemy opponent assistant descendant ancestor biographer apprentice partner companion fan "
    "suburb outskirts north south east west northeast northwest southeast southwest twin opposite inverse reverse "
    "contrary half double copy replica version imitation translation adaptation parody author inventor creator "
    "tributary mayor bishop governor relative grandson granddaughter grandfather grandmother teammate capital"
)
_RELATED_TO = word_set(
    "next close answer sequel prequel similar compared related opposed married adjacent contrary due"
)
_COMPARED = word_set("other rather more less larger bigger smaller older younger longer taller greater better")
_IT = word_set("it this that he she")
_RANGE = word_set("to until till through")
_COUNTRIES = word_set(
    "argentina australia austria belgium brazil canada chile china colombia croatia cuba czechia denmark egypt england "
    "ethiopia finland france germany greece hungary iceland india indonesia iran iraq ireland israel italy jamaica "
    "japan kenya malaysia mexico morocco nepal netherlands nigeria norway pakistan peru poland portugal romania russia "
    "scotland serbia singapore spain sweden switzerland thailand turkey uk ukraine us usa venezuela vietnam wales"
)


@dataclass(frozen=True, slots=True)
class _Clause:
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
class _Sentence:
    """An answering sentence in its clauses, and the words of the question."""

    clauses: tuple[_Clause, ...]
    question: tuple[str, ...]

    @classmethod
    def read(cls, text: str, question: str = "") -> _Sentence:
        text = _SLASH.sub(" or ", spelled(text))
        clauses, start, opener, depth = [], 0, "", 0
        for match in [*_CLAUSE_BREAK.finditer(text), None]:
            if found := tokens(text[start : match.start() if match else len(text)]):
                clauses.append(_Clause(found, opener, depth > 0))
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
        empty = frozenset(self.question) | LEADS | COPULAS | _DOUBTS
        return tuple(
            n
            for n, clause in enumerate(self.clauses)
            if not clause.aside
            and not is_interjection(list(clause.words))
            and not set(clause.words) <= empty | _EXCLAMATIONS
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
            or self._is_replaced(start)
            or self._is_guess(start)
            or self._lists(start, end, accepted)
        )

    def _denies(self, start: int, end: int) -> bool:
        """Whether the clause of a span says that it is not the answer ("not Paris", "Paris is not the capital")."""
        own = set(self.places[start:end])
        for at, word in enumerate(self.words):
            if word not in NEGATIONS or self.places[at] not in own or start <= at < end or self._is_asked(at):
                continue
            contrast = at >= end and self.words[at - 1] not in COPULAS and not word.endswith("nt")
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
        ranged = (start > 1 and words[start - 1] in _RANGE and self.tokens[start - 2].number) or (
            end + 1 < len(words) and words[end] in _RANGE and self.tokens[end + 1].number
        )
        if self.tokens[start].number and ranged:
            return True
        if end == len(words) or words[end] not in CONNECTORS:
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
            known = _KINDS | LEADS | COPULAS | CONNECTORS | PREPOSITIONS | NEGATIONS | frozenset(self.question)
            written_small = any(not token.capital and not token.number for token in self.tokens)
            named = after.capital and self.tokens[start].capital and after.word not in known
            if named and (written_small or len(self.tokens) <= 4):
                return True
        before = self.tokens[start - 1] if start and self.places[start - 1] == first else None
        return before is not None and before.capital and before.word in _DIRECTIONS and self.tokens[start].capital

    def _relates(self, start: int) -> bool:
        """Whether something else is told by its relation to the words of a span ("a friend of Paris", "near Paris")."""
        at, place = start, self.places[start]
        while at and self.places[at - 1] == place and self.tokens[at - 1].capital and self.words[at - 1] not in LEADS:
            if self.words[at - 1] in _PLACES | PREPOSITIONS | _RELATED | COPULAS:
                break
            at -= 1
        two = [word for word, clause in zip(self.words[:at], self.places[:at], strict=True) if clause == place][-2:]
        if not two:
            return False
        noun = two[0] if len(two) == 2 else ""
        if noun in _DIRECTIONS and self.words[max(0, at - 3)] == "in":
            return False  # "in the north of Portugal" is in Portugal
        return (
            two[-1] not in self.question
            and (
                two[-1] in _PLACES
                or (two[-1] == "than" and noun in _COMPARED)
                or (two[-1] == "to" and noun in _RELATED_TO)
            )
        ) or (two[-1] == "of" and noun in _RELATED and noun not in self.question)

    def _comes_beside(self, start: int, end: int) -> bool:
        """Whether the words of a span only accompany another answer ("Raphael, who admired Leonardo")."""
        place = self.places[start]
        clause = self.clauses[place]
        own = set(range(place, self.places[end - 1] + 1))
        begin = self.places.index(place)
        lead = self.words[begin:start]
        if clause.aside:
            others = [w for w in (*lead, *self.words[end : begin + len(clause.tokens)]) if w not in _EQUALS]
            return bool(set(self.told) - own) and len(others) > self.tokens[start].number
        if lead and lead[0] in _CLAUSE_OF and any(n < place for n in self.told):
            return lead[0] != "which" or lead[-1] not in _NAMED | COPULAS
        if any(word in ("who", "whom", "whose") for word in lead) and COPULAS.isdisjoint(lead):
            at = next(n for n, word in enumerate(lead) if word in ("who", "whom", "whose"))
            return at > 0 and self.tokens[begin + at - 1].capital and lead[at - 1] not in self.question
        if clause.opener not in (",", "-") or not COPULAS.isdisjoint(lead) or (lead and lead[0] in _EQUALS | LEADS):
            return False
        return any(self._answers(n) for n in self.told if n < place and n not in own)

    def _answers(self, place: int) -> bool:
        """Whether a clause is an answer by itself: a few words that state, deny and place nothing."""
        clause = self.clauses[place]
        following = self.clauses[place + 1].opener if place + 1 < len(self.clauses) else ""
        first = clause.words[0]
        placed = first in _ADVERBIAL or first.endswith("ly") or first in LEADS
        return (
            following != ":"
            and not placed
            and len(clause.words) <= 6
            and not (clause.has_copula or not NEGATIONS.isdisjoint(clause.words))
        )

    def _is_replaced(self, start: int) -> bool:
        """Whether a later clause states another answer ("Paris is a city in France, but the capital is Lyon")."""
        for place, clause in enumerate(self.clauses):
            if place <= self.places[start] or clause.opener not in _AGAIN or clause.aside:
                continue
            verb = next((at for at, word in enumerate(clause.words) if word in COPULAS), 0)
            subject, told = set(clause.words[:verb]), clause.tokens[verb + 1 :]
            if not subject or not told:
                continue
            if subject <= set(self.question) and (told[0].capital or told[0].number):
                return True
            if subject <= _IT and told[0].capital and not self.clauses[self.places[start]].has_copula:
                return True  # "Some say Paris, but it is Lyon"
        return False

    def _is_guess(self, start: int) -> bool:
        """Whether the sentence guesses several answers ("Could be Paris, could be Lyon")."""
        guessed = [n for n in self.told if not HEDGES.isdisjoint(self.clauses[n].words)]
        return len(guessed) > 1 and self.places[start] in guessed

    def _lists(self, start: int, end: int, accepted: frozenset[str]) -> bool:
        """Whether the clauses are a bare list of candidates: three or more short ones ("Paris, Lyon, Nice")."""
        found = set(self.words[start:end])
        clauses = [self.clauses[n] for n in self.told]
        if any(len(clause.words) > 3 or clause.has_copula for clause in clauses):
            return False
        if len(clauses) > 1 and set(clauses[-1].words) <= _COUNTRIES and not found <= _COUNTRIES:
            clauses.pop()  # the country of an address: "Florence, Tuscany, Italy"
        clauses = [clause for clause in clauses if clause.words[0] not in _ADVERBIAL]
        own = [self.clauses[n] for n in set(self.places[start:end])]
        others = [c for c in clauses if c not in own and not set(c.words) <= found | accepted]
        others = [c for c in others if c.words[0] not in NEGATIONS]
        if self.tokens[start].number:
            others = [c for c in others if any(t.number for t in c.tokens) and MONTHS.isdisjoint(c.words)]
        return len(others) >= 2 or (len(others) == 1 and self.words[start] not in clauses[0].words)


def read_short(text: str, question: str) -> str:
    """The answer that a text gives, as normalised words; "" when it gives none. Never depends on the gold answer.

    The answering sentence (`answering.answering`), without an opening that only repeats the question ("The capital of
    France is") and without asides: brackets, parts that do the same ("Paris, France" -> "paris"), parts that only say
    what it is not ("Paris, not Lyon" -> "paris"), later parts of more than three words.
    """
    sentence = _Sentence.read(answering(text, question), question)
    asked = frozenset(sentence.question)
    kept = [sentence.clauses[n].words for n in sentence.told] or [sentence.words]
    answer = [_without_lead(part, asked) for part in kept]
    stated = [part for part in answer if part[:1] != ("not",)] or answer
    told = [part for at, part in enumerate(stated) if at == 0 or len(part) <= 3 or part[0] in CONNECTORS]
    return " ".join(token for part in told for token in part)


def gives(text: str, aliases: Sequence[str], question: str) -> bool:
    """Whether the answering sentence gives one of the accepted answers, and only that.

    Right: the sentence equals an accepted answer in the spelling of `short_tokens`, or has at most `MAX_WORDS` words
    and holds it as whole words, unless
    - its clause denies it ("not Paris", "Paris is not the capital");
    - it is tied by "or" / "and" / "/" / "to" to something else ("Paris or Lyon"), unless all alternatives are accepted;
    - it is a part of another name ("Paris Hilton") or only what another is told by ("a friend of Paris", "near Paris");
    - it accompanies another answer ("Raphael, who admired Leonardo", "Lyon, Paris") or is replaced by one ("..., but
      the capital is Lyon");
    - it is one of several guesses ("Could be Paris, could be Lyon") or stands in a bare list: three or more short parts
      ("Paris, Lyon, Nice"). Parts that only repeat words of the question or of the accepted answers do not count.

    A text that repeats the question gives nothing, whatever stands in the question.
    """
    chosen = answering(text, question)
    forms = {word_forms(alias) for alias in aliases} - {()}
    said, asked = word_forms(chosen), word_forms(question)
    if said in forms:
        return True
    if echoes(said, asked):
        return False
    read = _Sentence.read(chosen, question)
    if len(read.words) > MAX_WORDS:
        return False
    split = {_Sentence.read(alias).words for alias in aliases} - {()}
    if _all_accepted(read.words, split) or _turned(read, split):
        return True
    accepted = frozenset(word for form in split for word in form)
    return any(
        read.states(start, end, accepted) and not _repeats(read.words, start, form, asked)
        for form in split
        for start, end in read.spans(form)
    )


def _without_lead(part: tuple[str, ...], asked: frozenset[str]) -> tuple[str, ...]:
    """The words after an opening like "i think its" or "the capital of france is"; all words without one."""
    cut = 0
    for at, word in enumerate(part[:-1], 1):
        if word in COPULAS or word in ("its", "thats"):
            cut = at
        elif word not in asked and word not in LEADS:
            break
    return part[cut:]


def _all_accepted(said: tuple[str, ...], forms: set[tuple[str, ...]]) -> bool:
    """Whether the sentence is nothing but accepted answers joined by "or" / "and"."""
    alternatives: list[list[str]] = [[]]
    for word in said:
        if word in CONNECTORS:
            alternatives.append([])
        else:
            alternatives[-1].append(word)
    return all(tuple(alternative) in forms for alternative in alternatives)


def _turned(read: _Sentence, forms: set[tuple[str, ...]]) -> bool:
    """Whether the sentence is an accepted name with the last name first ("Armstrong, Neil")."""
    return len(read.clauses) == 2 and read.clauses[1].words + read.clauses[0].words in forms


def _repeats(said: tuple[str, ...], start: int, form: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether a text says nothing beyond the question, and the words found are only a part of what it repeats."""
    if not set(said) <= set(asked) | LEADS | COPULAS or not set(form) <= set(asked):
        return False
    return start > 0 and _without_lead(said, frozenset(asked)) != form
