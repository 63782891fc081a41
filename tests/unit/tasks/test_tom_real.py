"""The released files of four theory-of-mind sets: everything loads, and known figures come out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from harness.items import Item
from harness.tasks.base import split
from harness.tasks.tom.bigtom import BigToM
from harness.tasks.tom.hi_tom import HiToM
from harness.tasks.tom.simpletom import SimpleToM
from harness.tasks.tom.tombench import ToMBench

REAL = Path(os.environ.get("HARNESS_TEST_DATA", "none"))
FOLDERS = ("tombench", "hi_tom", "bigtom", "simpletom_seeds")
pytestmark = pytest.mark.skipif(
    not all((REAL / folder).is_dir() for folder in FOLDERS),
    reason=f"HARNESS_TEST_DATA names no folder with {', '.join(FOLDERS)}",
)


@pytest.fixture(scope="module")
def tombench() -> list[Item]:
    return ToMBench(path=str(REAL / "tombench")).load()


@pytest.fixture(scope="module")
def hi_tom() -> list[Item]:
    return HiToM(path=str(REAL / "hi_tom")).load()


def right(item: Item) -> str:
    """The text of the right option."""
    return str(item.fields["choices"]["ABCDEFGHIJKLMNO".index(item.gold[1])])


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def test_tombench_loads_whole(tombench: list[Item]) -> None:
    assert len(tombench) == len({item.id for item in tombench}) == 2860
    assert len({item.group for item in tombench}) == 1381
    assert len({item.fields["test"] for item in tombench}) == 20
    assert len({item.fields["ability"] for item in tombench}) == 33
    assert {item.fields["kind"] for item in tombench} == {
        *("Belief", "Desire", "Emotion", "Intention", "Knowledge", "Non-Literal Communication")
    }
    assert sum(item.fields["order"] == 2 for item in tombench) == 200


def test_the_options_of_tombench(tombench: list[Item]) -> None:
    assert Counter(len(item.fields["choices"]) for item in tombench) == {4: 2375, 3: 2, 2: 483}
    two = Counter(item.fields["test"] for item in tombench if len(item.fields["choices"]) == 2)
    assert two == {"Faux-pas Recognition Test": 280, "Strange Story Task": 203}
    assert Counter(item.gold[1] for item in tombench)["B"] == 967
    assert not [choice for item in tombench for choice in item.fields["choices"] if choice.startswith(("A.", "B."))]


def test_shortcuts_on_tombench(tombench: list[Item]) -> None:
    chance = sum(1 / len(item.fields["choices"]) for item in tombench) / len(tombench)
    longest = share([right(item) == max(item.fields["choices"], key=len) for item in tombench])
    assert (round(chance, 3), round(longest, 3)) == (0.292, 0.306)
    graded = [item.released("I cannot say.", item).correct for item in tombench if item.released]
    assert sum(map(bool, graded)) == 768, "a refusal counts as the option A in the release"
    assert not any(item.grade("I cannot say.").correct for item in tombench)


@pytest.mark.parametrize(("language", "mended"), [("en", 2), ("zh", 0)])
def test_every_row_of_tombench_is_used_in_both_languages(language: str, mended: int) -> None:
    parts = split(ToMBench(path=str(REAL / "tombench"), language=language), None, 0)  # type: ignore[arg-type]
    assert (len(parts.test), parts.broken, len(parts.mended)) == (2860, (), mended)


def test_hi_tom_loads_whole(hi_tom: list[Item]) -> None:
    assert len(hi_tom) == len({item.id for item in hi_tom}) == 600
    assert set(Counter(item.group for item in hi_tom).values()) == {5}
    counts = Counter((item.fields["order"], item.fields["deception"], item.fields["story_length"]) for item in hi_tom)
    assert len(counts) == 30
    assert set(counts.values()) == {20}
    assert {len(item.fields["choices"]) for item in hi_tom} == {15}
    assert not [item for item in hi_tom if "*" in item.fields["story"] or not item.fields["places"]]


def test_the_rows_of_hi_tom_with_conflicting_keys_are_counted() -> None:
    parts = split(HiToM(path=str(REAL / "hi_tom")), None, 0)
    assert len(parts.test) == 600
    assert parts.notes() == ["600 passed over: the prompting type VP, of which some right answers are wrong"]


def test_the_positional_rule_on_hi_tom(hi_tom: list[Item]) -> None:
    hits: dict[int, list[bool]] = defaultdict(list)
    for item in hi_tom:
        order, places = item.fields["order"], item.fields["places"]
        hits[order].append((places[-1] if order < 2 else places[0]) == right(item))
    assert [round(100 * share(hits[order])) for order in range(5)] == [100, 55, 38, 52, 54]
    assert round(100 * share([hit for one in hits.values() for hit in one]), 1) == 59.8


def test_the_key_of_hi_tom_agrees_with_who_saw_what(hi_tom: list[Item]) -> None:
    agrees: dict[int, list[bool]] = defaultdict(list)
    for item in hi_tom:
        if item.fields["disputed"] is not None:
            agrees[item.fields["order"]].append(not item.fields["disputed"])
    assert [len(agrees[order]) for order in range(5)] == [60] * 5
    assert [round(100 * share(agrees[order])) for order in range(5)] == [100, 100, 97, 97, 93]


def test_bigtom_loads_whole() -> None:
    items = BigToM(path=str(REAL / "bigtom"), initial_belief=("hidden", "shown")).load()
    assert len(items) == len({item.id for item in items}) == 2200
    assert len({item.group for item in items}) == 100
    counts = Counter(
        (item.fields["ability"], item.fields["condition"], item.fields["initial_belief"]) for item in items
    )
    assert len(counts) == 22
    assert set(counts.values()) == {100}
    pairs: dict[str, set[str]] = defaultdict(set)
    for item in items:
        pairs[item.fields["unit"]].add(item.gold)
    assert Counter((unit.split()[-2], len(golds)) for unit, golds in pairs.items()) == {
        ("belief", 2): 600,
        ("control", 1): 600,
    }


def test_simpletom_has_a_constant_answer_for_each_kind() -> None:
    items = SimpleToM(path=str(REAL / "simpletom_seeds" / "qa.jsonl")).load()
    assert len(items) == 90
    assert len({item.group for item in items}) == 10
    assert set(Counter(item.fields["unit"] for item in items).values()) == {3}
    golds = Counter((item.fields["ability"], right(item)) for item in items if item.fields["ability"] != "behavior")
    assert golds == {("mental-state", "No"): 30, ("judgment", "Reasonable"): 30}
    assert Counter(item.fields["severity"] for item in items) == {"1": 30, "2": 30, "3": 30}
    assert len({item.fields["scenario"] for item in items}) == 10
    assert {item.group for item in items} == {str(item.fields["unit"]).partition("_sev")[0] for item in items}
