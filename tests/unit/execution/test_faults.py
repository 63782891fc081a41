"""A slip in an author's own protocol is named with its file, line and source, and does not cost a whole run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from harness import Arm, ArmedExperiment, Experiment, Grade, Item, Outcome, Prompt, Subject
from harness.errors import HarnessError, ItemError
from harness.faults import fault_of
from harness.testing import simulate


def items(n: int) -> list[Item]:
    return [Item({"question": f"q{i}"}, str(i), lambda text, item: Grade(text, text == item.gold)) for i in range(n)]


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    answer: str
    correct: bool = True


@dataclass(frozen=True, kw_only=True)
class Slip(Experiment):
    """Trips in the way that is asked for."""

    how: str
    only: tuple[str, ...] = ()

    outcome: ClassVar = Row
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Any:
        name = item.fields["question"]
        if self.only and name not in self.only:
            return Row(answer="fine")
        if self.how == "key":
            return Row(answer=item.fields["questoin"])
        asking: Any = subject.generate(Prompt.user(name), max_tokens=4)
        if self.how == "attribute":
            return Row(answer=asking.text)
        if self.how == "add":
            return Row(answer="x" + asking)
        if self.how == "column":
            return Row(answer=asking)
        asking.close()
        if self.how == "item":
            raise ItemError("too long")
        return {"none": None, "text": "yes", "number": Row(answer="x", correct="yes")}[self.how]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("key", r'KeyError: .questoin. \(at .*test_faults\.py:\d+: return Row\(answer=item\.fields\["questoin"\]\)\)$'),
        ("attribute", r"the coroutine Subject\.generate was never awaited: write await .*: return Row\(answer=asking"),
        ("add", r"a coroutine was never awaited: write await .*\(at .*: return Row\(answer=\"x\" \+ asking\)\)$"),
        ("column", r"column 'answer' holds a coroutine that was never awaited: write await$"),
        ("none", r"it returned 'None'; return Row\(\.\.\.\) or a list of them"),
        ("text", r"it returned 'yes'; return Row"),
        ("number", r"column 'correct' is a label, and holds 'yes'"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_the_line_of_the_slip_is_told_and_the_run_stops_early(
    how: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table, _ = simulate(Slip(how=how), items(19), lambda _: {"0": 1.0})
    assert len(table) == 19
    assert all(re.search(message, error) for error in table.columns["error"])
    told = capsys.readouterr()
    assert len(re.findall("the protocol trips over item", told.out + told.err)) == 1
    with pytest.raises(HarnessError, match="the protocol fails on the first 20 items: ") as raised:
        simulate(Slip(how=how), items(200), lambda _: {"0": 1.0})
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)


def test_a_slip_that_some_items_meet_fails_those_alone() -> None:
    table, _ = simulate(Slip(how="key", only=tuple(f"q{i}" for i in range(0, 60, 2))), items(60), lambda _: {"0": 1.0})
    assert sum(error is not None for error in table.columns["error"]) == 30


def test_items_that_cannot_be_asked_do_not_stop_a_run() -> None:
    table, _ = simulate(Slip(how="item"), items(60), lambda _: {"0": 1.0})
    assert set(table.columns["error"]) == {"too long"}


@dataclass(frozen=True)
class Way(Arm):
    good: bool


@dataclass(frozen=True, kw_only=True)
class Armed(ArmedExperiment[Way]):
    """One arm that works and one that trips."""

    arms: Sequence[str] = ("bad",)
    outcome: ClassVar = Row
    metrics: ClassVar = ()
    all_arms: ClassVar = {"good": Way(good=True), "bad": Way(good=False)}

    async def ask(self, arm: Way, common: Any, item: Item, subject: Subject, fitted: Any) -> Row:
        return Row(answer="x" if arm.good else item.fields["questoin"])


def test_arms_that_trip_are_told_and_stop_a_run_only_where_no_arm_works() -> None:
    table, _ = simulate(Armed(arms=("good", "bad")), items(30), lambda _: {})
    errors = [error for error in table.columns["error"] if error]
    assert len(errors) == 30
    assert re.search(r"test_faults\.py:\d+: return Row\(answer=", errors[0])
    with pytest.raises(HarnessError, match=r"the first 20 items: arm bad: KeyError: 'questoin' \(at "):
        simulate(Armed(), items(30), lambda _: {})


def test_a_slip_in_prepare_is_one_line() -> None:
    class Fitting(Slip):
        async def prepare(self, train: Sequence[Item], subject: Subject) -> Any:
            return train[3]

    with pytest.raises(
        HarnessError, match=r"Fitting\.prepare: IndexError: .* \(at .*test_faults\.py:\d+: return train"
    ):
        simulate(Fitting(how="key"), items(1), lambda _: {})


def test_a_function_that_should_be_a_coroutine_is_named() -> None:
    class Plain(Slip):
        def protocol(self, item: Item, subject: Subject, fitted: Any) -> Any:
            return Row(answer="x")

    table, _ = simulate(Plain(how="key"), items(1), lambda _: {})
    assert "write async def for the function that is awaited" in table.columns["error"][0]


def test_an_exception_without_a_traceback_or_text_is_told() -> None:
    assert fault_of(ValueError()).text == "ValueError"
    assert fault_of(ValueError("a\n b")).text == "ValueError: a b"
