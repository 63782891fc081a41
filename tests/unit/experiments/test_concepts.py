"""Concepts: what exists, what is invented, and that nothing but existence tells them apart."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from experiments.calibration.self_familiarity.concepts import LAST_RANK, Concepts, rarity
from experiments.calibration.self_familiarity.invented import invent
from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return Concepts(name="concepts").load()


def test_every_domain_has_as_many_invented_as_rare_concepts(items: list[Item]) -> None:
    singles = Counter((i.fields["domain"], i.fields["kind"]) for i in items if len(i.fields["concepts"]) == 1)
    assert set(singles.values()) == {20}
    assert len(singles) == 12
    assert len(items) == 300


def test_no_invented_name_is_in_a_list_of_real_ones(items: list[Item]) -> None:
    by_kind: dict[str, set[str]] = {"rare": set(), "invented": set()}
    for item in items:
        if len(item.fields["concepts"]) == 1:
            by_kind[item.fields["kind"]].update(item.fields["concepts"])
    basic = {name for item in Concepts(name="c").load_train() for name in item.fields["concepts"]}
    assert (len(by_kind["rare"]), len(by_kind["invented"]), len(basic)) == (120, 120, 48)
    assert not by_kind["invented"] & (by_kind["rare"] | basic)
    assert not by_kind["rare"] & basic


def test_pairs_join_a_basic_concept_and_are_as_real_as_the_other_one(items: list[Item]) -> None:
    basic = {name for item in Concepts(name="c").load_train() for name in item.fields["concepts"]}
    kinds = {i.group: i.fields["kind"] for i in items if len(i.fields["concepts"]) == 1}
    pairs = [i for i in items if len(i.fields["concepts"]) == 2]
    assert len(pairs) == 60
    for pair in pairs:
        assert len(basic & set(pair.fields["concepts"])) == 1
        assert pair.fields["kind"] == kinds[pair.group]
    first = sum(pair.fields["concepts"][0] in basic for pair in pairs)
    assert 20 <= first <= 40


def test_basic_concepts_are_for_training_only(items: list[Item]) -> None:
    parts = split(Concepts(name="concepts"), 200, 40)
    assert {i.fields["kind"] for i in parts.train} == {"basic"}
    assert {i.fields["kind"] for i in items} == {"rare", "invented"}


def test_a_question_is_graded_by_yes_and_no(items: list[Item]) -> None:
    by_question = {i.fields["question"]: i for i in items}
    real = by_question['Is there an animal called "okapi"?']
    assert (real.gold, real.grade("Yes.").correct, real.grade("No, there is none.").correct) == (["yes"], True, False)
    invented = next(i for i in items if i.fields["kind"] == "invented")
    assert (invented.gold, invented.grade("No.").correct, invented.grade("Yes").correct) == (["no"], True, False)


def test_rarity_is_that_of_the_papers_code_in_logs() -> None:
    assert rarity("water") == -3
    assert rarity("water bear") == -13
    assert rarity("okapi") == rarity("Tuvalu") == -LAST_RANK / 100
    assert rarity("black okapi") == -3 - LAST_RANK / 100


def test_rarity_alone_does_not_tell_what_exists(items: list[Item]) -> None:
    real = [min(i.fields["rarity"]) for i in items if i.fields["kind"] == "rare"]
    invented = [min(i.fields["rarity"]) for i in items if i.fields["kind"] == "invented"]
    above = sum((r > i) + (r == i) / 2 for r in real for i in invented) / (len(real) * len(invented))
    assert above == pytest.approx(0.5, abs=0.03)


def test_invented_names_depend_on_the_seed_only_and_avoid_what_is_taken() -> None:
    names = invent(random.Random("a"), 50, ("ite", "ium"))
    assert names[:20] == invent(random.Random("a"), 20, ("ite", "ium"))
    assert len(set(names)) == 50
    assert all(name.endswith("ium" if at % 2 else "ite") for at, name in enumerate(names))
    again = invent(random.Random("a"), 50, ("ite", "ium"), taken=[names[0].upper()], capital=True)
    assert names[0].capitalize() not in again
    assert all(name[0].isupper() for name in again)
    other = {i.id for i in Concepts(name="c", seed=1).load()}
    assert other != {i.id for i in Concepts(name="c").load()}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domains": ["mineral", "dragon"]}, "give some of mineral, animal"),
        ({"domains": []}, "give some of"),
        ({"pairs": 241}, "pairs=241; give 0 to 240"),
        ({"pairs": -1}, "give 0 to 240"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Concepts(name="concepts", **settings).load()  # type: ignore[arg-type]
