"""Facts as multiple choice: what makes the options fair."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split
from harness.tasks.facts import Facts
from harness.tasks.facts_mc import FactsMc


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return FactsMc(name="facts_mc").load()


def test_there_is_one_item_a_fact_with_four_different_options_and_one_right(items: list[Item]) -> None:
    facts = Facts(name="facts").load()
    assert [item.fields["stem"] for item in items] == [fact.fields["question"] for fact in facts]
    assert [item.group for item in items] == [fact.group for fact in facts]
    for item, fact in zip(items, facts, strict=True):
        choices = item.fields["choices"]
        assert len(set(choices)) == 4
        usual = fact.gold if isinstance(fact.gold, str) else fact.gold[0]
        assert choices["ABCD".index(item.gold[1])] == usual
        assert item.grade(f"({item.gold[1]})").correct
        # No wrong option would have been accepted as a free answer.
        assert [fact.grade(choice).correct for choice in choices].count(True) == 1


def test_wrong_options_are_answers_of_the_same_kind_and_stratum(items: list[Item]) -> None:
    right: dict[tuple[str, str], set[str]] = {}
    for item in items:
        right.setdefault((item.fields["kind"], item.fields["stratum"]), set()).add(item.gold[4:])
    assert all(set(item.fields["choices"]) <= right[item.fields["kind"], item.fields["stratum"]] for item in items)


def test_neither_the_letter_nor_the_size_of_a_number_tells_the_right_option(items: list[Item]) -> None:
    n = len(items)
    letters = Counter(item.gold[1] for item in items)
    assert all(abs(letters[letter] - n / 4) < 4 * (n * 3 / 16) ** 0.5 for letter in "ABCD")
    numbers = [item for item in items if item.fields["kind"] == "number"]
    ranks = Counter(sorted(map(int, item.fields["choices"])).index(int(item.gold[4:])) for item in numbers)
    assert all(abs(ranks[rank] - 118 / 4) < 4 * (118 * 3 / 16) ** 0.5 for rank in range(4))


def test_another_seed_draws_other_options_and_the_same_one_the_same() -> None:
    first, again, other = (FactsMc(name="x", seed=seed, kinds=["capital"]).load() for seed in (0, 0, 1))
    assert first == again
    assert sum(a.fields["choices"] != b.fields["choices"] for a, b in zip(first, other, strict=True)) > 150


def test_training_items_come_from_the_pool_and_share_no_country_or_element() -> None:
    parts = split(FactsMc(name="x"), 200, 45)
    assert not {item.cluster for item in parts.test} & {item.cluster for item in parts.train}


@pytest.mark.parametrize("options", [1, 21, 27])
def test_options_that_do_not_exist_are_refused(options: int) -> None:
    with pytest.raises(HarnessError, match=rf"options={options}; give 2 to 20"):
        FactsMc(name="x", options=options, kinds=["symbol"]).load()
