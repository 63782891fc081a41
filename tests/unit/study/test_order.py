"""The order of a study's runs, and what stands in place of ${run:NAME}."""

import pytest

from harness.errors import HarnessError
from harness.study.order import check_references, in_order, references, resolve


def test_a_run_comes_after_those_that_it_needs_and_else_where_it_stands() -> None:
    needs = {"c": ("a",), "b": (), "a": ("b",), "d": ()}
    assert in_order(needs) == ["b", "a", "c", "d"]
    assert in_order({"x": (), "y": ()}) == ["x", "y"]


def test_runs_of_one_model_follow_each_other_so_that_it_is_loaded_once() -> None:
    needs = {"ask x": (), "ask y": (), "judge x": ("ask y",), "judge y": ("ask x",)}
    alike = lambda one, two: one[-1] == two[-1]  # noqa: E731
    assert in_order(needs, alike) == ["ask x", "ask y", "judge y", "judge x"]


def test_a_circle_names_its_runs_only() -> None:
    with pytest.raises(HarnessError, match=r"in a circle: a <- b <- a$"):
        in_order({"free": (), "after": ("a",), "a": ("b",), "b": ("a",)})
    with pytest.raises(HarnessError, match=r"in a circle: a <- a$"):
        in_order({"a": ("a",)})


def test_an_unknown_run_is_told_with_the_nearest_one() -> None:
    with pytest.raises(HarnessError, match=r"run 'b': there is no run 'anwers' for .*, did you mean 'answers'\?"):
        check_references({"answers": (), "b": ("anwers",)})


def test_references_are_found_once_each_and_replaced() -> None:
    words = ["task=run", "task.run=${run:a}", "experiment.from=[${run:b},${run:a}]"]
    assert references(words) == ("a", "b")
    assert resolve(words, {"a": "runs/x-1", "b": "my runs/it's"}) == [
        "task=run",
        "task.run=runs/x-1",
        "experiment.from=['my runs/it\\'s',runs/x-1]",
    ]
