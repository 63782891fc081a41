"""What `split` promises: one fixed order, nested limits, nothing shared between test and training items."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar, Literal

import pytest

from harness.errors import HarnessError
from harness.items import Grade, Item
from harness.tasks.base import Split, Task, split


def never(text: str, item: Item) -> Grade:
    return Grade("", None)


def made(n: int, groups: int = 0, gold: Any = "x", start: int = 0) -> list[Item]:
    names = [f"g{i % groups}" if groups else "" for i in range(n)]
    return [Item(fields={"question": start + i}, gold=gold, grader=never, group=names[i]) for i in range(n)]


@dataclass(frozen=True, kw_only=True)
class Listed(Task):
    version: ClassVar[str] = "1"
    name: str = "listed"
    pool: Sequence[Item] = ()
    own: Sequence[Item] | None = None
    duplicates: Literal["error", "drop"] = "error"

    def load(self) -> list[Item]:
        return list(self.pool)

    def load_train(self) -> list[Item] | None:
        return None if self.own is None else list(self.own)


def ids(items: Sequence[Item]) -> list[str]:
    return [item.id for item in items]


def assert_disjoint(parts: Split) -> None:
    assert not set(ids(parts.test)) & set(ids(parts.train))
    assert not {i.cluster for i in parts.test} & {i.cluster for i in parts.train}


def test_limits_are_nested_whatever_is_trained() -> None:
    task = Listed(pool=made(50))
    assert ids(split(task, 20, 0).test) == ids(split(task, 40, 10).test)[:20]
    assert ids(split(task, 50, 0).test) == sorted(ids(task.pool))


def in_units(stories: int, size: int) -> list[Item]:
    """Questions about stories, of which those about one story must be right together."""
    numbers = [(story, order) for story in range(stories) for order in range(size)]
    return [Item({"order": o, "unit": f"story {s}"}, "x", never, group=f"g{s % 4}") for s, o in numbers]


@pytest.mark.parametrize(("limit", "tested"), [(5, 5), (7, 5), (23, 20), (60, 60), (3, 3), (None, 60)])
def test_a_limit_cuts_no_unit(limit: int | None, tested: int) -> None:
    task = Listed(pool=in_units(12, 5))
    found = split(task, limit, 0)
    assert len(found.test) == tested
    sizes = Counter(item.fields["unit"] for item in found.test)
    assert set(sizes.values()) == ({3} if limit == 3 else {5})
    told = [] if tested == (limit or tested) else [f"limit={limit}: {tested} items of task 'listed' are tested"]
    assert [note.partition(", so that")[0] for note in found.notes()] == told
    assert ids(split(task, 40, 0).test)[:tested] == ids(found.test)[:40]


def test_training_items_share_no_unit_with_test_items() -> None:
    found = split(Listed(pool=in_units(12, 5)), 23, 10)
    assert_disjoint(found)
    assert (len(found.test), len(found.train)) == (20, 10)
    assert not {i.fields["unit"] for i in found.test} & {i.fields["unit"] for i in found.train}


def test_the_order_does_not_depend_on_the_order_of_the_input() -> None:
    items = made(30)
    shuffled = random.Random(1).sample(items, 30)
    assert split(Listed(pool=items), 10, 5) == split(Listed(pool=shuffled), 10, 5)


@pytest.mark.parametrize("limit", [None, 20])
def test_training_items_come_from_the_far_end_of_the_pool(limit: int | None) -> None:
    task = Listed(pool=made(30))
    parts = split(task, limit, 5)
    assert ids(parts.train) == sorted(ids(task.pool), reverse=True)[:5]
    assert len(parts.test) == (limit or 25)
    assert_disjoint(parts)


@pytest.mark.parametrize("limit", [None, 12])
def test_clusters_are_never_split(limit: int | None) -> None:
    parts = split(Listed(pool=made(60, groups=30)), limit, 10)
    assert len(parts.train) == 10
    assert_disjoint(parts)
    if limit is None:
        trained = {item.group for item in parts.train}
        assert len(parts.test) == 60 - 2 * len(trained)  # each of the 30 clusters has two items


@pytest.mark.parametrize("groups", [0, 30, 6])
def test_a_longer_run_has_the_same_training_items(groups: int) -> None:
    task = Listed(pool=made(120, groups=groups))
    short, long = split(task, 20, 15), split(task, 60, 15)
    assert short.train == long.train
    assert long.test[:20] == short.test
    assert_disjoint(long)


def test_few_large_clusters_are_not_all_for_training() -> None:
    parts = split(Listed(pool=made(120, groups=12)), 50, 20)
    assert len(parts.train) == 20
    assert len({item.group for item in parts.train}) == 3
    assert len({item.group for item in parts.test}) == 9


def test_without_a_limit_only_what_training_touches_is_left_out() -> None:
    assert len(split(Listed(pool=made(60, groups=30)), None, 0).test) == 60


def test_an_own_training_split_is_used_and_cleared_of_test_items() -> None:
    pool = made(20)
    own = [*pool[:5], *made(10, start=100)]
    parts = split(Listed(pool=pool, own=own), None, 10)
    assert len(parts.test) == 20
    assert set(ids(parts.train)) == set(ids(own[5:]))
    assert_disjoint(parts)


def test_the_same_question_with_another_answer_is_no_training_item() -> None:
    own = [*made(20, gold="y"), *made(1, start=100)]
    assert ids(split(Listed(pool=made(20), own=own), None, 1).train) == ids(own[20:])


def test_an_own_training_split_is_not_loaded_when_nothing_is_trained() -> None:
    class Unreachable(Listed):
        def load_train(self) -> list[Item] | None:
            raise AssertionError

    assert split(Unreachable(pool=made(3)), None, 0).train == ()


def test_duplicates_stop_or_are_dropped() -> None:
    twice = [*made(5), *made(2)]
    with pytest.raises(HarnessError, match=r"task 'listed': item [0-9a-f]{16} occurs twice .*task\.duplicates=drop"):
        split(Listed(pool=twice), None, 0)
    dropped = split(Listed(pool=twice, duplicates="drop"), None, 0)
    assert dropped.passed == ("2 passed over: equal to an item before it",)
    assert replace(dropped, passed=()) == split(Listed(pool=made(5)), None, 0)
    with pytest.raises(HarnessError, match="occurs twice"):
        split(Listed(pool=made(5), own=[*made(1, start=9), *made(1, start=9)]), None, 1)


def test_the_fingerprint_names_the_test_items() -> None:
    prints = {split(Listed(pool=made(30)), limit, 0).fingerprint for limit in (None, 10, 11)}
    assert len(prints) == 3
    assert all(len(p) == 16 for p in prints)
    assert split(Listed(pool=made(30)), 10, 5).fingerprint in prints
    assert split(Listed(pool=made(30), name="other"), 10, 5).fingerprint not in prints


@pytest.mark.parametrize(
    ("task", "limit", "n_train", "message"),
    [
        (Listed(), None, 0, "task 'listed' has no items"),
        (Listed(pool=made(1)), None, 1, "has 1 items: none of the items can be for training"),
        (Listed(pool=made(10), own=made(4)), None, 1, "none of its training split can be for training"),
        (Listed(pool=made(10, groups=1)), 1, 1, "sharing its question or group with a test item"),
        (Listed(pool=made(10)), 0, 0, "limit=0"),
        (Listed(pool=made(10)), None, -1, "-1 training items"),
    ],
)
def test_a_set_that_cannot_be_split_is_one_clear_error(
    task: Task, limit: int | None, n_train: int, message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        split(task, limit, n_train)


@pytest.mark.parametrize(
    ("n", "limit", "n_train", "tested", "trained"),
    [
        (12, 100, 0, 12, 0),
        (12, 100, 20, 9, 3),
        (12, None, 20, 9, 3),
        (12, None, 3, 9, 3),
        (12, 9, 3, 9, 3),
        (12, 8, 20, 8, 3),
        (110, 100, 20, 90, 20),
        (2, 100, 20, 1, 1),
    ],
)
def test_a_small_set_is_used_whole_and_a_quarter_of_it_at_most_is_for_training(
    n: int, limit: int | None, n_train: int, tested: int, trained: int
) -> None:
    parts = split(Listed(pool=made(n)), limit, n_train)
    assert (len(parts.test), len(parts.train)) == (tested, trained)
    assert_disjoint(parts)
    notes = [note for note in parts.notes() if "are tested" in note or "are wanted" in note]
    assert len(notes) == (limit is not None and tested < limit) + (trained < n_train)


def test_a_small_training_split_is_used_whole() -> None:
    parts = split(Listed(pool=made(10), own=made(4, start=90)), 11, 5)
    assert (len(parts.test), len(parts.train)) == (10, 4)
    assert parts.notes() == [
        "limit=11, but task 'listed' has 10 items: 10 are tested",
        "5 training items are wanted; the set has room for 4 beside 10 test items",
    ]


@pytest.mark.parametrize(
    "copy", ["capital of peru?", "Capital of  Peru?", "Capital of Peru", " Capital of Peru ?", "\uff23apital of\tPeru?"]
)
def test_copies_that_differ_in_capitals_spaces_or_marks_are_not_on_both_sides(copy: str) -> None:
    texts = ["Capital of Peru?", copy, "a?", "b?", "c?", "d?"]
    pool = [Item(fields={"question": text}, gold="x", grader=never) for text in texts]
    for n_test in range(1, 5):
        parts = split(Listed(pool=pool), n_test, 1)
        sides = [{item.fields["question"] in texts[:2] for item in side} for side in (parts.test, parts.train)]
        assert not (True in sides[0] and True in sides[1])


def test_questions_that_differ_in_a_sign_are_different() -> None:
    texts = ["2 + 2", "2 - 2", "2 2", "(2) 2"]
    pool = [Item(fields={"question": text}, gold="x", grader=never) for text in texts]
    assert len(split(Listed(pool=pool), 2, 2).train) == 2


def test_texts_inside_lists_count_too() -> None:
    pool = [Item(fields={"question": q, "choices": c}, gold="x", grader=never) for q, c in (("Q", ["A"]), ("q", ["a"]))]
    with pytest.raises(HarnessError, match="none of the items can be for training"):
        split(Listed(pool=pool), 1, 1)


def test_training_and_test_items_share_no_year_of_a_pair() -> None:
    years = [f"year {i}" for i in range(24)]
    pool = [Item({"question": f"{a} {b}"}, "x", never, (a, b)) for a, b in combinations(years, 2)]
    parts = split(Listed(pool=pool), 100, 10)
    trained = {year for item in parts.train for year in item.clusters}
    assert parts.train
    assert parts.test
    assert trained.isdisjoint(year for item in parts.test for year in item.clusters)
    assert len(trained) <= 6
