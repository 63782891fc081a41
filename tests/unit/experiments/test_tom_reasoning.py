"""tomReasoning on engines of known replies: traces that carry the answer, and traces that do not."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.theory_of_mind.belief_orders.task import BeliefOrders
from experiments.theory_of_mind.rules import OF_PLACES
from experiments.theory_of_mind.tom_choice.rows import right_option
from experiments.theory_of_mind.tom_reasoning.prompts import in_form, last_answer, loosely, named, people, strictly
from experiments.theory_of_mind.tom_reasoning.tom_reasoning import Others, TomReasoning
from harness import Item, Metric
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.runs.finished import Finished
from harness.runs.fitted import load_fitted, save_fitted
from harness.statistics.estimates import estimate
from harness.tasks.base import Split
from harness.tasks.tom.questions import about_story
from harness.testing import fake_subject, simulate
from tests.support.thinking_models import FAMILIES, Family, Thinker, thinking_subject

ITEMS = BeliefOrders(families=6).load()
OTHERS = BeliefOrders(families=3, seed=9).load()
READ = ("own trace", "half trace", "no trace", "swapped trace", "no story", "shuffled story")
LISTED = re.compile(r"The answer is one of these: (.*?)\.")


def options(prompt: str) -> list[str]:
    return LISTED.findall(prompt)[-1].replace(" or ", ", ").split(", ")  # type: ignore[no-any-return]


def about(prompt: str) -> Item:
    """The item that is asked about, by its question."""
    return next(i for i in (*ITEMS, *OTHERS) if f"Question: {i.fields['asked']}\n" in prompt)


def between(prompt: str) -> str:
    """The trace in a prompt."""
    return re.findall(r"<think>\n(.*?)</think>", prompt, re.DOTALL)[-1].strip()  # type: ignore[no-any-return]


def truth(item: Item) -> str:
    return f"I wonder: {item.fields['asked']} I conclude that it must be the {right_option(item)}"


def follower(prompt: str) -> Mapping[str, float]:
    """Answers what its trace concludes; the first option where that is none."""
    if prompt.endswith("<think>\n"):
        item = about(prompt)
        return {f"{truth(item)}\n</think>\n<answer>{right_option(item)}</answer>": 1.0}
    last = (between(prompt).split() or [""])[-1]
    return {last if last in options(prompt) else options(prompt)[0]: 1.0}


def blind(prompt: str) -> Mapping[str, float]:
    """Answers the present place of the thing, whatever its trace says."""
    said = str(about(prompt).fields["places"][-1])
    return {f"Hm.</think><answer>{said}</answer>": 1.0} if prompt.endswith("<think>\n") else {said: 1.0}


def table_of(answer: Any, items: list[Item] = ITEMS, **settings: Any) -> tuple[Table, list[Finished]]:
    table, finished = simulate(TomReasoning(max_tokens=400, **settings), items, answer, train=OTHERS)
    assert not [f.result.errors for f in finished if f.result.errors]
    return table, finished


def values(table: Table, name: str) -> dict[tuple[str, ...], float]:
    (metric,) = (m for m in TomReasoning.metrics if m.name == name)
    found = estimate(metric, table, replicates=2)
    return {tuple(e.level[c] for c in metric.by): e.value for e in found if e.value is not None}


@pytest.mark.parametrize("metric", TomReasoning.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(TomReasoning.columns())


def test_who_follows_its_trace_loses_the_answer_with_it() -> None:
    table, finished = table_of(follower)
    accuracy = values(table, "accuracy")
    assert accuracy["own trace",] == accuracy["whole reply",] == values(table, "accuracy_loose")["whole reply",] == 1.0
    listed_first = sum(right_option(i) == i.fields["choices"][0] for i in ITEMS) / len(ITEMS)
    for arm in ("no trace", "half trace"):
        assert accuracy[arm,] == listed_first
    assert accuracy["swapped trace",] < 0.6
    assert values(table, "p_gold")["own trace",] == values(table, "option_mass")["own trace",] == 1.0
    assert values(table, "format_ok")["whole reply",] == 1.0
    # One trace about every item and every training item, whatever the arms.
    opened = [e for one in finished for e in one.transcript if e.prompt.endswith("<think>\n")]
    assert len(opened) == len(ITEMS)


def test_the_trace_swapped_in_is_about_another_item_of_the_same_order() -> None:
    _, finished = table_of(follower)
    orders = {truth(item): item.fields["order"] for item in OTHERS}
    for one in finished:
        read = [e.prompt for e in one.transcript if e.prompt.endswith("<answer>")]
        (swapped,) = [p for p in read if between(p) in orders]
        assert orders[between(swapped)] == about(swapped).fields["order"]
        assert len([p for p in read if not between(p)]) == 3  # no trace, no story, shuffled story


def test_who_is_blind_to_its_trace_depends_on_none_and_has_no_headroom() -> None:
    table, _ = table_of(blind)
    accuracy, by_order = values(table, "accuracy"), values(table, "accuracy_by_order")
    for arm in ("own trace", "half trace", "no trace", "swapped trace", "whole reply"):
        assert accuracy[arm,] == accuracy["rule: last place",]
        for order in "01234":
            assert by_order[arm, order] == by_order["rule: last place", order]
    assert accuracy["own trace",] <= max(accuracy[f"rule: {rule}",] for rule in OF_PLACES)
    assert values(table, "short_traces")["whole reply",] == 1.0


@pytest.mark.parametrize(
    ("answer", "gold", "strict", "loose"),
    [
        ("red box", "red_box", True, True),
        (" Red  Box. ", "red_box", True, True),
        ("not in the red box ... red box", "red_box", False, True),
        ("not the red box", "red_box", False, True),
        ("in the box", "box", False, True),
        ("box or bag", "box", False, False),
        ("", "box", False, False),
    ],
)
def test_loose_matching_takes_denials_and_strict_matching_does_not(
    answer: str, gold: str, strict: bool, loose: bool
) -> None:
    assert (strictly(answer, gold), loosely(answer, gold)) == (strict, loose)


@pytest.mark.parametrize(
    ("behind", "ok", "answer"),
    [
        ("\n<answer>box</answer>", True, "box"),
        ("<answer>bag</answer> or <answer>box</answer>", False, "box"),
        ("</answer>box<answer>", False, ""),
        ("<think>more</think><answer>box</answer>", False, "box"),
        ("It is the box.", False, ""),
        ("<answer>box", False, "box"),
    ],
)
def test_the_last_answer_counts_and_the_form_wants_each_mark_once(behind: str, ok: bool, answer: str) -> None:
    assert (in_form(behind), last_answer(behind, ended=True)) == (ok, answer)


def row(reply: str, max_tokens: int = 400) -> dict[str, Any]:
    def answer(prompt: str) -> Mapping[str, float]:
        return {reply if prompt.endswith("<think>\n") else options(prompt)[0]: 1.0}

    item = ITEMS[0]
    experiment = TomReasoning(arms=["whole reply", "own trace"], max_tokens=max_tokens)
    done = simulate(experiment, [item], answer)
    return next(one for one in done.rows if one["arm"] == "whole reply")


GOLD = right_option(ITEMS[0])


@pytest.mark.parametrize(
    ("reply", "correct", "ok", "fate", "tokens"),
    [
        (f"I see.\n</think>\n<answer>{GOLD}</answer>", True, True, "answered", True),
        (f"</think><answer>{GOLD}</answer>", True, True, "answered", False),
        (f"I see. <answer>{GOLD}</answer>", True, False, "answered", True),  # the reasoning was never closed
        (f"<answer>{GOLD}</answer>", True, False, "answered", False),
        (f"I see.</think> The {GOLD}.", False, False, "unreadable", True),
        ("I see.</think>", False, False, "empty", True),
        (f"<think>So.</think></think><answer>{GOLD}</answer>", True, False, "answered", True),
    ],
)
def test_whole_replies_are_read_as_they_come(reply: str, correct: bool, ok: bool, fate: str, tokens: bool) -> None:
    found = row(reply)
    assert (found["correct"], found["format_ok"], found["fate"]) == (correct, ok, fate)
    assert bool(found["trace_tokens"]) == tokens


def test_a_reply_that_was_cut_is_wrong() -> None:
    found = row(f"I see. {'More. ' * 50}</think><answer>{GOLD}</answer>", max_tokens=30)
    assert (found["correct"], found["fate"], found["format_ok"]) == (False, "cut", False)


def test_people_are_told_from_other_capitals() -> None:
    story = "Ann and Bob Hall met. Then Cleo came. Cleo saw that the box was open. The box fell, and then Ann left."
    assert people(story) == ["Ann", "Bob", "Cleo", "Hall"]
    assert named("Ann left, and Cleo's box...", story) == 0.5
    assert named("x", "nobody is here.") is None
    for item in ITEMS:
        assert len(people(item.fields["story"])) == 6


def test_a_story_that_does_not_fit_leaves_the_rules() -> None:
    long = about_story(
        "row", story="The key lay in the box. " * 900, asked="Where is it?", choices=["box", "bag"], right=0, group="x",
        order=0, places=["box"],
    )  # fmt: skip
    subject = fake_subject(blind)
    small = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", 5_000))
    experiment = TomReasoning(max_tokens=400)
    finished = asyncio.run(ask_all(experiment, Split((long, ITEMS[0]), tuple(OTHERS), ""), small, window=2))
    table = experiment.table([one.result for one in finished])
    failed = [arm for arm, error in zip(table.columns["arm"], table.columns["error"], strict=True) if error]
    assert failed == ["whole reply", *READ]
    assert Counter(table.columns["arm"][table.columns["item"] == long.id])["rule: last place"] == 1


def test_reasoning_about_other_items_is_kept_with_the_run(tmp_path: Path) -> None:
    found = asyncio.run(TomReasoning(max_tokens=400).prepare(OTHERS, fake_subject(follower)))
    assert [trace.order for trace in found.traces] == [0, 1, 2, 3, 4] * 3
    save_fitted(tmp_path, found)
    assert load_fitted(tmp_path, Others) == found


class Minded(Thinker):
    """Thinks the right answer to everything, and answers what its thought ends with."""

    def __init__(self, family: Family) -> None:
        super().__init__(family, "", {})

    def __call__(self, prompt: str) -> dict[str, float]:
        tail, item = self.family.begun(prompt), about(prompt)
        if not tail:
            return {f"{self.family.open}{truth(item)}{self.family.close}<answer>{right_option(item)}</answer>": 1.0}
        thought, begun, written = tail.partition("<answer>")
        last = (thought.partition("</think>")[0].split() or [""])[-1]
        said = last if last in options(prompt) else options(prompt)[0]
        if not begun:
            return {f"<answer>{said}</answer>": 1.0}
        # An option of several tokens is read token by token.
        return {said.removeprefix(written) if said.startswith(written) else "x": 1.0}


@pytest.mark.parametrize("family", ["qwen3", "r1"])
def test_a_model_that_thinks_by_itself_is_read_after_its_own_thought(family: str) -> None:
    experiment, items = TomReasoning(max_tokens=400), ITEMS[:8]

    async def every() -> list[Finished]:
        subject = thinking_subject(Minded(FAMILIES[family]))
        return await ask_all(experiment, Split(tuple(items), tuple(OTHERS), ""), subject, window=8)

    finished = asyncio.run(every())
    table = experiment.table([one.result for one in finished])
    assert not [one.result.errors for one in finished if one.result.errors]
    accuracy = values(table, "accuracy")
    assert accuracy["own trace",] == accuracy["whole reply",] == 1.0
    listed_first = sum(right_option(i) == i.fields["choices"][0] for i in items) / len(items)
    assert accuracy["no trace",] == accuracy["half trace",] == listed_first
    assert accuracy["swapped trace",] < 0.6
    assert values(table, "format_ok")["whole reply",] == 1.0
    assert not any("between <think>" in e.prompt for one in finished for e in one.transcript)


def test_an_option_may_begin_another_one() -> None:
    item = about_story("row", story="Ann put it away.", asked="Where?", choices=["box", "box lid"], right=1, group="x")

    def answer(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("<think>\n"):
            return {"Hm.</think><answer>box lid</answer>": 1.0}
        return {"box lid</answer>": 0.5, " box lid</answer>": 0.25, "box</answer>": 0.15, "boxes</answer>": 0.1}

    table, _ = table_of(answer, [item], arms=["own trace"])
    assert list(table.columns["p_gold"]) == pytest.approx([0.75 / 0.9])
    assert list(table.columns["mass"]) == pytest.approx([0.9])


def test_the_paper_drops_the_options() -> None:
    def unlisted(prompt: str) -> Mapping[str, float]:
        assert "one of these" not in prompt
        return blind(re.sub(r"(Question: [^\n]*\?)", r"\1\n", prompt))

    listed, _ = table_of(blind, ITEMS[:5], arms=["own trace"])
    table, _ = table_of(unlisted, ITEMS[:5], arms=["own trace"], listed=False)
    assert list(table.columns["answer"]) == list(listed.columns["answer"])
