"""Concepts that exist, common and rare, and concepts that do not: names made up by rule, of the same look."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.calibration.self_familiarity.invented import invent
from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.texts import word_list, word_set

LAST_RANK = 100_000
"""The frequency rank of a word that is capitalised or in no list."""

# Rough frequency ranks of the English words that concepts are made of, by our own judgement.
_RANKS: dict[int, frozenset[str]] = {
    300: word_set("water fire school music family black house paper sea sand"),
    1000: word_set(
        "rain snow gold moon star stone bread winter dog cat horse glass rock sun wind bear bird bell sugar box town"
    ),
    3000: word_set(
        "steel honey ghost throw frog insect leaf iron copper silver salt diamond clay chalk marble coal drum piano "
        "guitar bicycle cow lion sheep rabbit elephant coral hammer opera spot blind rose"
    ),
    10_000: word_set(
        "badger fern jelly violin flute trumpet organ oxygen carbon helium hydrogen lead heron "
        "wasp anise cucumber leopard glider dollar"
    ),
}
_RANK = {word: rank for rank, words in _RANKS.items() for word in words}


@dataclass(frozen=True)
class _Domain:
    """Names of one kind.

    Attributes:
        noun: what a thing of the kind is called.
        basic: everybody knows them; rare: they exist, and few know them.
        endings: endings of made-up names; without any, they are made of the words of `first` and `second`.
    """

    noun: str
    basic: list[str]
    rare: list[str]
    endings: Sequence[str] = ()
    capital: bool = False
    first: Sequence[str] = ()
    second: Sequence[str] = ()

    def invented(self, rng: random.Random) -> list[str]:
        """As many names that stand for nothing as there are rare ones."""
        if self.endings:
            return invent(rng, len(self.rare), self.endings, taken={*self.basic, *self.rare}, capital=self.capital)
        pairs = [f"{a} {b}" for a in self.first for b in self.second]
        return rng.sample([pair for pair in pairs if pair not in self.rare], len(self.rare))


_DOMAINS = {
    "mineral": _Domain(
        "mineral",
        word_list("gold salt diamond coal clay sand marble chalk"),
        word_list(
            "realgar orpiment malachite azurite galena cinnabar stibnite tourmaline moissanite lazurite chalcopyrite "
            "sphalerite kyanite staurolite cassiterite barite fluorite magnetite hematite olivine"
        ),
        ("ite", "ar", "ine", "ite"),
    ),
    "animal": _Domain(
        "animal",
        word_list("dog cat horse cow elephant rabbit lion sheep"),
        word_list(
            "okapi pangolin axolotl quokka numbat tarsier fossa kinkajou dugong binturong aardwolf capybara tapir "
            "caracal gharial kakapo hoatzin cassowary tuatara saiga"
        ),
        ("a", "in", "o", "al", "u"),
    ),
    "instrument": _Domain(
        "musical instrument",
        word_list("piano guitar violin drum flute trumpet organ bell"),
        word_list(
            "theremin ocarina balalaika didgeridoo zither sitar dulcimer lute bassoon oboe shamisen koto bouzouki "
            "glockenspiel harmonium crumhorn sackbut celesta duduk concertina"
        ),
        ("in", "a", "oon", "ium", "o"),
    ),
    "element": _Domain(
        "chemical element",
        word_list("oxygen iron copper silver carbon helium hydrogen lead"),
        word_list(
            "lanthanum cerium praseodymium neodymium promethium samarium europium gadolinium terbium dysprosium "
            "holmium erbium thulium ytterbium lutetium hafnium tantalum rhenium osmium thallium"
        ),
        ("ium", "ium", "um"),
    ),
    "country": _Domain(
        "country",
        word_list("France China India Japan Brazil Germany Egypt Canada"),
        word_list(
            "Kiribati Tuvalu Nauru Palau Vanuatu Comoros Lesotho Eswatini Bhutan Brunei Djibouti Andorra Liechtenstein "
            "Samoa Tonga Suriname Guyana Belize Eritrea Gabon"
        ),
        ("ia", "u", "i", "o", "land"),
        capital=True,
    ),
    # Names of common words, which suggest a meaning of their own.
    "term": _Domain(
        "thing",
        word_list("water music school bread winter family bicycle rain"),
        [
            *("water bear", "fire coral", "glass frog", "black box", "blind spot", "paper wasp", "silver fern"),
            *("sea cucumber", "moon jelly", "star anise", "sand dollar", "snow leopard", "ghost town", "leaf insect"),
            *("honey badger", "steel drum", "sugar glider", "hammer throw", "rock opera", "wind rose"),
        ],
        first=word_list("paper glass steel honey sugar wind"),
        second=word_list("insect opera frog badger heron"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Concepts(Task):
    """Is there such a thing? As many rare concepts as invented ones in every domain; the basic ones are for training.

    Fields: "question" ('Is there a mineral called "realgar"?'), "concepts" (one, or several), "rarity" (of each, see
    `rarity`), "kind" ("basic", "rare" or "invented", of the rarest), "domain". Gold: ["yes"] when all of the
    concepts exist, else ["no"]. Group: the concept; a pair, of a basic concept and another one, belongs to the other.
    Names of the domain "term" are made of common words, all others of none: rarity tells little about what exists.

    Attributes:
        domains: of "mineral", "animal", "instrument", "element", "country" and "term".
        pairs: how many items have two concepts; at most half of all.
        seed: seed of the invented names.

    Raises:
        HarnessError: by `load`: an unknown domain, or too many pairs.
    """

    version: ClassVar[str] = "1"
    name: str = "concepts"
    domains: Sequence[str] = tuple(_DOMAINS)
    pairs: int = 60
    seed: int = 0

    def load(self) -> list[Item]:
        singles = [_item({name: domain}, kind, name) for domain in self._known() for name, kind in self._names(domain)]
        if not 0 <= self.pairs <= len(singles):
            raise HarnessError(f"task {self.name!r}: pairs={self.pairs}; give 0 to {len(singles)}")
        rng = random.Random(f"pairs/{self.seed}")
        pairs = []
        for single in rng.sample(singles, self.pairs):
            (name,), domain = single.fields["concepts"], str(single.fields["domain"])
            other = rng.choice(_DOMAINS[domain].basic)
            # In either order, so that the place tells nothing.
            both = [other, name] if rng.random() < 0.5 else [name, other]
            pairs.append(_item(dict.fromkeys(both, domain), str(single.fields["kind"]), name))
        return singles + pairs

    def load_train(self) -> list[Item]:
        return [_item({name: domain}, "basic", name) for domain in self._known() for name in _DOMAINS[domain].basic]

    def _names(self, domain: str) -> Iterator[tuple[str, str]]:
        """The rare and the invented names of a domain."""
        yield from ((name, "rare") for name in _DOMAINS[domain].rare)
        yield from ((n, "invented") for n in _DOMAINS[domain].invented(random.Random(f"concepts/{self.seed}/{domain}")))

    def _known(self) -> list[str]:
        unknown = [domain for domain in self.domains if domain not in _DOMAINS]
        if unknown or not self.domains:
            raise HarnessError(f"task {self.name!r}: domains={list(self.domains)}; give some of {', '.join(_DOMAINS)}")
        return list(dict.fromkeys(self.domains))


def rarity(concept: str) -> float:
    """The log of the product of exp(-rank/100) over the words of a concept; the lowest is the rarest.

    Luo et al. 2023, as coded: a capitalised or unknown word has the last rank. The log, because the product is 0 in
    floating point for most names.
    """
    return -sum(LAST_RANK if word != word.lower() else _RANK.get(word, LAST_RANK) for word in concept.split()) / 100


def _item(domains: Mapping[str, str], kind: str, group: str) -> Item:
    nouns = [(_DOMAINS[domain].noun, name) for name, domain in domains.items()]
    parts = [f'{"an" if noun[0] in "aeiou" else "a"} {noun} called "{name}"' for noun, name in nouns]
    fields = {
        "question": f"Is there {' and '.join(parts)}?",
        "concepts": list(domains),
        "rarity": [rarity(name) for name in domains],
        "kind": kind,
        "domain": next(iter(domains.values())),
    }
    gold = ["no"] if kind == "invented" else ["yes"]
    return Item(fields=fields, gold=gold, grader=short_answer, group=f"concept:{group}")
