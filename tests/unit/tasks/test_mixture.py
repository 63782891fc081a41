"""Mixtures: tasks in a task, from the config."""

from collections import Counter

import pytest

from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Grade, Item
from harness.tasks.arithmetic import Arithmetic
from harness.tasks.base import Task, split
from harness.tasks.mixture import Mixture


def test_the_config_builds_tasks_within_a_task() -> None:
    words = ["experiment=pIK", "task=mixture", "task.each=50", "task.parts.arithmetic.digits=[2]", "engine=fake"]
    job = load_job([*words, "tracker=none"])
    items = job.task.load()
    assert Counter(item.fields["task"] for item in items) == {"facts": 50, "arithmetic": 50}
    assert {item.fields["difficulty"] for item in items if item.fields["task"] == "arithmetic"} == {2.0}
    assert all(item.grade(str(item.gold)).correct for item in items if item.fields["task"] == "arithmetic")


def test_a_wrong_setting_of_a_part_is_named() -> None:
    with pytest.raises(HarnessError, match=r"task\.parts\.facts\.kindz, did you mean 'kinds'"):
        load_job(["experiment=pIK", "task=mixture", "task.parts.facts.kindz=[]", "engine=fake", "tracker=none"])


def test_items_keep_their_content_and_groups_of_different_parts_are_different() -> None:
    class Stories(Arithmetic):
        def load(self) -> list[Item]:
            return [Item({"question": f"{self.name} {i}"}, "", lambda _t, _i: Grade("", None), "g") for i in range(2)]

    mixture = Mixture(name="both", parts={"a": Stories(name="a"), "b": Stories(name="b")})
    assert {(i.fields["question"], i.fields["task"], i.cluster) for i in mixture.load()} == {
        (f"{name} {i}", name, f"{name}:g") for name in "ab" for i in range(2)
    }


def test_items_of_several_groups_keep_them_apart_from_those_of_other_parts() -> None:
    class Years(Arithmetic):
        def load(self) -> list[Item]:
            return [Item({"question": "?"}, "", lambda _t, _i: Grade("", None), ("1990", "2000"))]

    (one, two) = Mixture(name="both", parts={"a": Years(name="a"), "b": Years(name="b")}).load()
    assert {one.clusters, two.clusters} == {("a:1990", "a:2000"), ("b:1990", "b:2000")}


def test_training_items_come_from_the_pool_unless_all_parts_have_their_own() -> None:
    sums = Arithmetic(name="sums", size=30)
    assert Mixture(name="m", parts={"sums": sums}).load_train() is None
    parted = split(Mixture(name="m", parts={"sums": sums}), 20, 10)
    assert {i.id for i in parted.test}.isdisjoint(i.id for i in parted.train)


@pytest.mark.parametrize(("parts", "each"), [({}, None), ({"a": Arithmetic(name="a")}, 0)])
def test_no_parts_and_no_items_of_a_part_are_refused(parts: dict[str, Task], each: int | None) -> None:
    with pytest.raises(HarnessError, match="at least one of task"):
        Mixture(name="m", parts=parts, each=each).load()
