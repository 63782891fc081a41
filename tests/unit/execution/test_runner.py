"""The loop: continuous, order-free, failures as rows, fatal errors fatal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from harness import Experiment, Grade, Item, Outcome, Probability, Prompt, Subject
from harness.errors import EngineDied, HarnessError, ItemError
from harness.execution.runner import run_protocols
from harness.outcomes import ItemResult, Table
from harness.runs.finished import Finished
from harness.testing import fake_subject, simulate


def items(n: int) -> list[Item]:
    return [Item({"question": f"q{i}"}, str(i), lambda text, item: Grade(text, text == item.gold)) for i in range(n)]


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    question: str
    correct: bool | None
    p: Probability | None = None


@dataclass(frozen=True, kw_only=True)
class Two(Experiment):
    """Asks twice; trips where told."""

    trip: str = ""
    error: type[Exception] = ValueError

    outcome: ClassVar = Row
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Sequence[Row]:
        name = item.fields["question"]
        first = await subject.generate(Prompt.user(name), max_tokens=4)
        if name == self.trip:
            raise self.error("tripped")
        second = await subject.generate(Prompt.user(name).then(first.text, "again"), max_tokens=4)
        return [
            Row(arm=arm, question=name, correct=item.grade(text.text).correct)
            for arm, text in (("1", first), ("2", second))
        ]


def test_results_do_not_depend_on_the_order_of_items() -> None:
    forward, _ = simulate(Two(), items(30), lambda text: {text[7:9].strip(): 1.0})
    backward, _ = simulate(Two(), items(30)[::-1], lambda text: {text[7:9].strip(): 1.0})
    assert len(forward) == 60
    assert all(
        (forward.columns[name] == backward.columns[name]).all() for name in ("item", "arm", "question", "correct")
    )


def test_one_tripping_protocol_fails_its_own_item_only() -> None:
    table, finished = simulate(Two(trip="q3"), items(5), lambda _: {"0": 1.0})
    errors = [e for e in table.columns["error"] if e is not None]
    assert len(errors) == 1
    assert errors[0].startswith("ValueError: tripped (at ")
    assert len(table) == 9
    failed = next(f for f in finished if f.result.error)
    assert len(failed.transcript) == 1  # what was asked before the error is still shown
    at = table.columns["error"] != None  # noqa: E711
    assert np.isnan(table.columns["correct"][at]).all()
    assert table.columns["arm"][at].tolist() == [None]


def test_an_item_error_is_shown_without_its_class_name() -> None:
    table, _ = simulate(Two(trip="q0", error=ItemError), items(1), lambda _: {"0": 1.0})
    assert table.columns["error"].tolist() == ["tripped"]


@pytest.mark.parametrize("error", [EngineDied, HarnessError])
def test_what_concerns_every_item_stops_the_run(error: type[Exception]) -> None:
    with pytest.raises(error, match="tripped"):
        simulate(Two(trip="q3", error=error), items(50), lambda _: {"0": 1.0})


def test_the_window_bounds_the_items_in_flight_and_is_refilled_without_barriers() -> None:
    flying = most = 0
    order: list[str] = []

    class Slow(Two):
        async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Sequence[Row]:
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            name = item.fields["question"]
            await asyncio.sleep(0.05 if name == "q0" else 0.001)
            flying -= 1
            order.append(name)
            return []

    async def run() -> None:
        done: list[Finished] = []
        await run_protocols(Slow(), items(12), fake_subject(lambda _: {}), None, window=3, done=done.append)
        assert len(done) == 12

    asyncio.run(run())
    assert most == 3
    assert order[-1] == "q0"  # eleven others went past the slow one


def test_stopping_keeps_what_is_finished() -> None:
    async def run() -> list[str]:
        stop = asyncio.Event()
        done: list[Finished] = []

        class Blocking(Two):
            async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Sequence[Row]:
                if item.fields["question"] == "q2":
                    stop.set()
                    await asyncio.sleep(60)
                return []

        await run_protocols(
            Blocking(), items(9), fake_subject(lambda _: {}), None, window=1, done=done.append, stop=stop
        )
        return [f.item.fields["question"] for f in done]

    assert asyncio.run(run()) == ["q0", "q1"]


def test_a_table_survives_parquet_with_kinds_and_missing_values(tmp_path: Any) -> None:
    rows = (Row(arm="a", question="é\0", correct=True, p=Probability(0.25)), Row(arm="b", question="", correct=None))
    table = Table.build(Row, [ItemResult("i2", "g", rows), ItemResult("i1", "g", error="broken")])
    table.save(tmp_path / "t.parquet")
    again = Table.load(tmp_path / "t.parquet")
    assert again.kinds == table.kinds
    own = list(again.kinds.items())[3:]
    assert own == [("arm", "text"), ("question", "text"), ("correct", "label"), ("p", "probability")]
    assert again.columns["item"].tolist() == ["i1", "i2", "i2"]
    assert again.columns["question"].tolist() == [None, "é\0", ""]
    np.testing.assert_array_equal(again.columns["correct"], [np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(again.columns["p"], [np.nan, 0.25, np.nan])


def test_a_probability_outside_its_range_is_refused_by_name() -> None:
    row = Row(arm="a", question="q", correct=True, p=Probability(1.5))
    with pytest.raises(HarnessError, match=r"item i: column 'p' is declared a Probability but holds 1\.5"):
        Table.build(Row, [ItemResult("i", "i", (row,))])


def test_a_column_of_no_known_type_is_refused() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Bad(Outcome):
        bag: dict[str, int]

    with pytest.raises(TypeError, match=r"Bad\.bag"):
        Table.build(Bad, [])
