"""Known replies in place of a model: tables, functions, distributions, other parts, and rows as a user reads them."""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from harness import Add, Array, Experiment, HarnessError, Item, Outcome, Part, Prompt, Subject, metrics, yes_no
from harness.testing import Answer, item, simulate
from tests.unit.api.own import Sure

PARIS = item("What is the capital of France?", "Paris")
OSLO = item("What is the capital of Norway?", "Oslo")


def says(prompt: str) -> str:
    return "Yes" if "sure" in prompt else "Paris"


@pytest.mark.parametrize(
    ("answer", "p"),
    [
        (says, 1.0),
        ({"capital of": "Paris", "Are you sure": "Yes"}, 1.0),
        (lambda prompt: {" Yes": 0.8, " No": 0.2} if "sure" in prompt else "Paris", 0.8),
        (lambda prompt: {" Yes": 0.8, " No": 0.2} if "sure" in prompt else {" Paris": 1.0}, 0.8),
    ],
    ids=["function", "table", "mixed", "distributions"],
)
def test_replies_are_known(answer: Answer, p: float) -> None:
    found = simulate(Sure(), [PARIS, OSLO], answer)
    rows = {row["item"]: row for row in found.rows}
    assert rows[PARIS.id]["correct"] is True
    assert rows[OSLO.id]["correct"] is False
    assert rows[PARIS.id]["answer"] == "Paris"
    assert rows[PARIS.id]["p"] == pytest.approx(p)
    assert rows[PARIS.id]["error"] is None
    assert all(len(one.transcript) == 2 for one in found.finished)


def test_it_works_while_a_loop_runs() -> None:
    async def cell() -> int:
        return len(simulate(Sure(), [PARIS], says).rows)

    assert asyncio.run(cell()) == 1


def test_a_prompt_that_nothing_answers_is_named() -> None:
    with pytest.raises(HarnessError, match="no key for the prompt ending"):
        simulate(Sure(), [PARIS], {"Are you sure": "Yes"})


@dataclass(frozen=True, kw_only=True)
class Agreed(Outcome):
    agreed: bool | None


@dataclass(frozen=True, kw_only=True)
class Judged(Experiment):
    """A judge agrees."""

    parts: ClassVar = {"critic": Part()}
    outcome: ClassVar = Agreed
    metrics: ClassVar = metrics.rates("agreed")

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Agreed:
        heard = await yes_no(subject.role("critic"), Prompt.user(item.fields["question"], "Answer:"))
        return Agreed(agreed=None if item is OSLO else heard.p["yes"] > 0.5)


def test_other_parts_have_replies_of_their_own() -> None:
    assert [row["agreed"] for row in simulate(Judged(), [PARIS], lambda _: "No").rows] == [False]
    found = simulate(Judged(), [PARIS, OSLO], lambda _: "No", roles={"critic": lambda _: "Yes"})
    assert sorted(map(str, (row["agreed"] for row in found.rows))) == ["None", "True"]
    assert {one.role for one in found.finished[0].transcript} == {"critic"}


@dataclass(frozen=True, kw_only=True)
class Steered(Experiment):
    """A vector that is read from the model and added moves its answer."""

    outcome: ClassVar = Agreed
    metrics: ClassVar = metrics.rates("agreed")

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Agreed:
        prompt = Prompt.user(item.fields["question"], "Answer:")
        found = await subject.read(prompt, layers=[0], positions=[-1])
        added = Add(0, "resid_post", Array.of(found.numpy()[0, 0]), 1.0, (0,))
        heard = await yes_no(subject, prompt, interventions=[added])
        return Agreed(agreed=heard.p["yes"] > 0.5)


def test_activations_and_the_effect_of_interventions_are_known() -> None:
    def intervened(call: Any, odds: Any) -> dict[str, float]:
        return {" Yes": float(call.interventions[0].vector.numpy()[0]), " No": 0.0}

    known = simulate(Steered(), [PARIS], lambda _: "No", activations=lambda *_: [1.0, 0.0], intervened=intervened)
    assert [row["agreed"] for row in known.rows] == [True]
    with pytest.raises(HarnessError, match=r"can .intervene."):
        simulate(Steered(), [PARIS], lambda _: "No")
