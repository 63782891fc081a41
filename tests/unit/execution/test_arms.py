"""Arms: asked side by side, labelled, their factors as columns, and failing one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from harness import Grade, Item, Prompt, Subject
from harness.arms import Arm, ArmedExperiment, Shared, together
from harness.errors import HarnessError, ItemError
from harness.outcomes import JudgedAnswer, Outcome, column_kinds
from harness.testing import simulate


@dataclass(frozen=True, kw_only=True)
class Manner(Arm):
    """How politely, in what tone, and how often."""

    please: bool = False
    tone: Literal["plain", "urgent"] = "plain"
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Polite(ArmedExperiment[Manner]):
    """Asks in several manners."""

    arms: Any = ("bare", "polite", "insistent")

    texts: ClassVar = {"ask": "Question: $question", "please": "Please! "}
    outcome: ClassVar = JudgedAnswer
    metrics: ClassVar = ()
    all_arms: ClassVar = {
        "bare": Manner(),
        "polite": Manner(please=True),
        "insistent": Manner(please=True, tone="urgent", times=3),
    }

    async def begin(self, item: Item, subject: Subject, fitted: None) -> str:
        return self.text("ask", question=item.fields["question"])

    async def ask(self, arm: Manner, common: str, item: Item, subject: Subject, fitted: None) -> list[JudgedAnswer]:
        if arm.times == 3 and item.gold == "too long":
            raise ItemError("the prompt does not fit")
        if arm.times == 3 and item.gold == "trips":
            raise KeyError("gone")
        question = self.text("please") * arm.times * arm.please + common
        texts = await subject.draws(Prompt.user(question), arm.times, max_tokens=4, temperature=1.0)
        return [JudgedAnswer(answer=text.text, correct=True, fate="answered") for text in texts]


def items(*golds: str) -> list[Item]:
    return [Item({"question": f"Is it {g}?"}, g, lambda text, item: Grade(text, True)) for g in golds]


def yes(text: str) -> Mapping[str, float]:
    return {"yes": 1.0}


def test_rows_are_labelled_and_have_their_factors_as_columns() -> None:
    table, finished = simulate(Polite(), items("one"), yes)
    assert list(table.columns["arm"]) == ["bare", "polite", "insistent", "insistent", "insistent"]
    np.testing.assert_array_equal(table.columns["please"], [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(table.columns["times"], [1, 1, 3, 3, 3])
    assert list(table.columns["tone"]) == ["plain", "plain", "urgent", "urgent", "urgent"]
    assert (table.kinds["please"], table.kinds["tone"], table.kinds["times"]) == ("label", "text", "number")
    assert finished[0].transcript[-1].prompt.startswith("<user> Please! Please! Please! Question: Is it one?")


@pytest.mark.parametrize(("gold", "message"), [("too long", "the prompt does not fit"), ("trips", "KeyError: 'gone'")])
def test_an_arm_fails_alone_and_says_which_it_is(gold: str, message: str) -> None:
    table, finished = simulate(Polite(), items("one", gold), yes)
    failed = table.where(np.array([str(error).startswith(message) for error in table.columns["error"]]))
    assert list(failed.columns["arm"]) == ["insistent"]
    np.testing.assert_array_equal(failed.columns["times"], [3])
    assert len(table) == 5 + 3
    ((error,),) = (f.result.errors for f in finished if f.result.errors)
    assert error.startswith(f"arm insistent: {message}")
    assert sum(len(f.transcript) for f in finished) == 5 + 2  # nothing that was asked is lost


def test_what_stops_a_run_is_no_arm_that_failed() -> None:
    def broken(text: str) -> Mapping[str, float]:
        return {"yes": 0.5}  # does not sum to 1: the engine refuses

    with pytest.raises(HarnessError, match="do not sum to 1"):
        simulate(Polite(), items("one"), broken)


def test_what_arms_share_is_asked_once_and_its_error_reaches_those_that_wanted_it() -> None:
    asked: list[str] = []

    async def ask(key: str) -> str:
        asked.append(key)
        await asyncio.sleep(0)
        if key == "long":
            raise ItemError("the prompt does not fit")
        return key.upper()

    async def get(shared: Shared[str, str], key: str) -> str:
        try:
            return await shared.get(key)
        except ItemError as error:
            return str(error)

    async def run() -> list[str]:
        shared = Shared(ask)
        found = await together(get(shared, key) for key in ("long", "short", "long", "short"))
        return [*found, await get(shared, "short"), await get(shared, "long")]

    expected = ["the prompt does not fit", "SHORT"]
    assert asyncio.run(run()) == [*expected, *expected, *reversed(expected)]
    assert asked == ["long", "short"]


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([], "experiment.arms is empty; choose among bare, polite, insistent"),
        (["pollite"], "there is no arm 'pollite', did you mean 'polite'?"),
        (["bare", "bare"], "'bare' is named twice"),
    ],
)
def test_arms_that_cannot_run_are_refused(arms: list[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message.replace("?", r"\?")):
        Polite(arms=arms)


def test_single_texts_can_be_replaced() -> None:
    experiment = Polite(arms=["polite"], wording={"please": "I beg you, for $$5: "})
    _, finished = simulate(experiment, items("{one} $x"), yes)
    assert finished[0].transcript[0].prompt == "<user> I beg you, for $5: Question: Is it {one} $x?\n<assistant> "
    assert dict(experiment.wording) == {"ask": "Question: $question", "please": "I beg you, for $$5: "}


@pytest.mark.parametrize(
    ("wording", "message"),
    [
        ({"pleas": ""}, r"there is no setting experiment\.wording\.pleas, did you mean 'please'\?"),
        ({"ask": "Q: $questoin"}, r"experiment\.wording\.ask: nothing fills \$questoin, did you mean 'question'\?"),
        ({"ask": "Q: $question for 5$"}, r"experiment\.wording\.ask: .* is written \$\$"),
    ],
)
def test_a_text_that_cannot_be_filled_is_refused(wording: Mapping[str, str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Polite(wording=wording)


def test_a_factor_may_not_have_the_name_of_an_outcome_column() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Clashing(Arm):
        answer: str = ""

    @dataclass(frozen=True, kw_only=True)
    class Wrong(Polite):
        """Two columns of one name."""

        all_arms: ClassVar = {"bare": Clashing()}
        arms: Any = ("bare",)

    with pytest.raises(TypeError, match="factor and outcome column have the same name: answer"):
        Wrong().table([])


@pytest.mark.parametrize("name", ["item", "group", "error"])
def test_a_column_may_not_have_the_name_of_one_that_every_table_has(name: str) -> None:
    """A column "error" with numbers would turn every row into one that failed."""
    row = make_dataclass("Row", [(name, str, "")], bases=(Outcome,), frozen=True, kw_only=True)
    factor = make_dataclass("Factor", [(name, str, "")], bases=(Arm,), frozen=True, kw_only=True)
    for kind in (row, factor):
        with pytest.raises(TypeError, match=f"{kind.__name__}.{name}: every table has a column '{name}' of its own"):
            column_kinds(kind)
