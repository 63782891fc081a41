"""SimpleToM on models of known behaviour: constant answers, readers of minds, and ones that know and do not use it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from experiments.theory_of_mind.simple_tom.arms import ARMS
from experiments.theory_of_mind.simple_tom.rows import gap
from experiments.theory_of_mind.simple_tom.simple_tom import SimpleToM
from experiments.theory_of_mind.simple_tom.task import AwarenessStories, Stories
from harness import HarnessError, Item, Task
from harness.config import load_job
from harness.metrics.columns import Labels
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.base import split
from harness.tasks.rows import ReadItems
from harness.tasks.tom.questions import about_story
from harness.tasks.tom.simpletom import KINDS
from harness.testing import simulate

ASKED = ("options", "free", "swapped options")
Says = Callable[[Mapping[str, object], str], str]
"""Takes the fields of a question and its right option; gives the option said."""


def stories(families: int = 10) -> list[Item]:
    return AwarenessStories(families=families).load()


def answering(items: Sequence[Item], says: Says) -> Callable[[str], str]:
    """A model that says the same option in both orders, found by the story and the question in its prompt."""
    said: dict[tuple[str, str], str] = {}
    for item in items:
        for fields, gold in zip(item.fields["questions"], item.gold, strict=True):
            said[fields["story"], fields["asked"]] = says(fields, gold[4:])

    def reply(prompt: str) -> str:
        story = re.findall(r"Story:\n(.*?)\n\n", prompt)
        asked = re.findall(r"Question: (.*)", prompt)[-1]
        options = dict(re.findall(r"\((\w)\) (.*)", prompt.rsplit(f"Question: {asked}", maxsplit=1)[-1])[:2])
        option = said.get((story[0], asked)) if story else None
        letter = next((at for at, text in options.items() if text == option), "A")
        return letter if prompt.endswith("(") else f"({letter})"

    return reply


def run(items: Sequence[Item], says: Says, arms: Sequence[str] = ASKED) -> Table:
    table, finished = simulate(SimpleToM(arms=arms), items, answering(items, says))
    assert not [one.result.errors for one in finished if one.result.errors]
    return table


def values(table: Table, name: str) -> dict[tuple[str, ...], float | None]:
    (metric,) = (m for m in SimpleToM.metrics if m.name == name)
    return {tuple(e.level[c] for c in metric.keys): e.value for e in estimate(metric, table, replicates=2) if e.n}


def unaware(fields: Mapping[str, object], gold: str) -> str:
    """ "No", the careless act, "Reasonable", whoever knows what."""
    choices, at = fields["choices"], fields["unaware"]
    assert isinstance(choices, list)
    assert isinstance(at, int)
    return str(choices[at])


def right(fields: Mapping[str, object], gold: str) -> str:
    return gold


def only_mental_states(fields: Mapping[str, object], gold: str) -> str:
    """Knows who is aware, and behaves and judges as if everybody were."""
    choices = fields["choices"]
    assert isinstance(choices, list)
    return gold if fields["ability"] == KINDS[0] else next(c for c in choices if c != unaware(fields, gold))


@pytest.mark.parametrize("metric", SimpleToM.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(SimpleToM.columns())


def test_the_default_stories_are_many_and_all_different() -> None:
    items = AwarenessStories().load()
    assert len(items) == len({item.id for item in items}) == 240
    assert len(split(AwarenessStories(), None, 0).test) == 240
    assert len({item.group for item in items}) == 80
    assert {item.fields["severity"] for item in items} == {"1", "2", "3"}
    assert len({item.fields["scenario"] for item in items}) == 10
    assert AwarenessStories(families=5).load() == items[:15]
    assert AwarenessStories(seed=1).load()[0] != items[0]
    for item in items:
        assert item.fields["other"] not in {question["story"] for question in item.fields["questions"]}


def test_the_right_answers_flip_where_the_person_knows_and_nothing_else_does() -> None:
    for item in AwarenessStories().load():
        asked = [
            (q["condition"], q["ability"], q, gold) for q, gold in zip(item.fields["questions"], item.gold, strict=True)
        ]
        cells = {(twin, kind): (q, gold) for twin, kind, q, gold in asked}
        for kind in KINDS:
            hidden, gold = cells["unaware", kind]
            assert "AB".index(gold[1]) == hidden["unaware"]
            for twin, flips in (("aware", True), ("told other", False), ("seen", True), ("irrelevant", False)):
                other, theirs = cells[twin, kind]
                assert other["choices"] == hidden["choices"]
                assert (theirs != gold) == flips
        told, otherwise, seen = (cells[twin, "behavior"][0]["story"] for twin in ("aware", "told other", "seen"))
        assert otherwise.count(". ") == told.count(". ") == 2
        assert otherwise != told
        first, *_, last = cells["unaware", "behavior"][0]["story"].split(". ")
        for story in (told, otherwise, seen):
            assert story.startswith(first)
            assert story.endswith(last)
            assert len(story) > len(first) + len(last) + 20
        assert "{" not in told + seen + last


def test_right_options_stand_in_either_place() -> None:
    golds = [gold[1] for item in AwarenessStories().load() for gold in item.gold]
    assert 0.45 < golds.count("A") / len(golds) < 0.55


def test_a_constant_answer_is_perfect_on_the_public_form_and_half_right_over_twins() -> None:
    table = run(stories(), unaware, (*ASKED, "rule: never aware"))
    over_twins, by_kind = values(table, "accuracy_over_twins"), values(table, "accuracy_by_kind")
    known, joint = values(table, "accuracy_unaware"), values(table, "joint_of_three")
    gaps = [values(table, name) for name in ("gap_unaware", "gap_over_twins")]
    for arm in (*ASKED, "rule: never aware"):
        for kind in KINDS:
            assert (known[arm, kind], over_twins[arm, kind]) == (1, 0.5)
            assert [by_kind[arm, kind, twin] for twin in ("aware", "seen", "irrelevant")] == [0, 0, 1]
        for kind in KINDS[1:]:
            assert [gap[arm, kind] for gap in gaps] == [0, 0]
        assert joint[arm, "unaware"] == 1
        assert values(table, "joint_over_twins")[arm,] == 0


def test_a_reader_of_minds_gets_everything_right() -> None:
    table = run(stories(), right)
    assert (table.columns["correct"] == 1).all()
    for arm in ASKED:
        assert values(table, "joint_over_twins")[arm,] == 1
        assert {value for (a, *_), value in values(table, "accuracy_given_mental_state").items() if a == arm} == {1}
    assert values(table, "p_gold")["options", "behavior", "aware"] == pytest.approx(1)
    assert values(table, "listed_first")["options",] == pytest.approx(0.5)


def by_length(fields: Mapping[str, object], gold: str) -> str:
    """Takes a person of whom a story tells more for one who knows."""
    choices, told = fields["choices"], str(fields["story"]).count(". ") == 2
    assert isinstance(choices, list)
    return str(next(c for c in choices if (c == unaware(fields, gold)) != told))


def never_aware_but_acts(fields: Mapping[str, object], gold: str) -> str:
    """ "No" to the first question, whoever is asked about, and the careful act."""
    choices = fields["choices"]
    assert isinstance(choices, list)
    first = fields["ability"] == KINDS[0]
    return unaware(fields, gold) if first else next(c for c in choices if c != unaware(fields, gold))


def test_who_looks_for_a_sentence_of_telling_is_half_right_over_twins() -> None:
    """Over the twins with and without such a sentence it was right on all questions."""
    table = run(stories(), by_length, ["options"])
    for kind in KINDS:
        assert values(table, "accuracy_over_twins")["options", kind] == 0.5
        by_twin = values(table, "accuracy_by_kind")
        assert by_twin["options", kind, "unaware"] == by_twin["options", kind, "aware"] == 1


def test_one_who_knows_and_does_not_use_it_has_a_gap() -> None:
    table = run(stories(), only_mental_states)
    for arm in ASKED:
        assert values(table, "accuracy_over_twins")[arm, "mental-state"] == 1
        for kind in KINDS[1:]:
            assert values(table, "gap_unaware")[arm, kind] == 1
            assert values(table, "gap_over_twins")[arm, kind] == 0.5
            assert values(table, "accuracy_given_mental_state")[arm, kind, "unaware"] == 0
            assert values(table, "accuracy_given_mental_state")[arm, kind, "aware"] == 1


def test_rules_without_minds_are_near_half_over_twins() -> None:
    rules = [name for name in ARMS if name.startswith("rule:")]
    table, _ = simulate(SimpleToM(arms=rules), AwarenessStories().load(), lambda _: "A")
    for (arm, kind), value in values(table, "accuracy_over_twins").items():
        assert value == pytest.approx(0.5, abs=0.2 if arm == "rule: least in story" else 1e-9), (arm, kind)


@pytest.mark.parametrize(
    ("arm", "shown"), [("remind own", {"Yes"}), ("remind gold", {"Yes", "No"}), ("remind wrong", {"Yes", "No"})]
)
def test_a_reminder_shows_the_answer_that_its_arm_names(arm: str, shown: set[str]) -> None:
    """The model says Yes to everything: its own answer is wrong where nobody knows, and is shown all the same."""
    items = stories(4)
    golds = {
        (q["story"], q["asked"]): gold[4:]
        for item in items
        for q, gold in zip(item.fields["questions"], item.gold, strict=True)
    }
    reply = answering(items, lambda fields, gold: "Yes" if fields["ability"] == KINDS[0] else gold)
    table, finished = simulate(SimpleToM(arms=[arm]), items, reply)
    prompts = [e.prompt for one in finished for e in one.transcript if e.prompt.count("Question: ") == 2]
    found = set()
    for prompt in prompts:
        reminder = prompt.split("\n\n")[2]
        options = dict(re.findall(r"^\((\w)\) (.*)", reminder, re.MULTILINE))
        said = options[re.findall(r"Answer: \((\w)\)", reminder)[0]]
        story = re.findall(r"Story:\n(.*?)\n\n", prompt)[0]
        gold = golds[story, re.findall(r"Question: (.*)", reminder)[0]]
        assert {"remind own": said == "Yes", "remind gold": said == gold, "remind wrong": said != gold}[arm]
        found.add(said)
    assert len(prompts) == len(items) * 10 * 2
    assert found == shown
    # The mental state that is carried along is the model's own answer in every arm.
    knows = np.isin(table.columns["twin"], ["aware", "seen"])
    assert (table.columns["correct_ms"] == knows).all()
    assert set(table.columns["kind"]) == set(KINDS[1:])
    assert values(table, "joint_of_three") == {}


def test_without_the_story_nothing_tells_the_twins_apart() -> None:
    items = stories(4)
    table, finished = simulate(SimpleToM(arms=["no story", "shuffled story"]), items, answering(items, right))
    assert {value for (_, _), value in values(table, "accuracy_over_twins").items()} == {0.5}
    own = [question["story"] for item in items for question in item.fields["questions"]]
    assert not any(story in e.prompt for one in finished for e in one.transcript for story in own)


def test_the_release_finds_an_answer_in_a_reply_that_was_cut() -> None:
    items = stories(2)
    table, _ = simulate(
        SimpleToM(arms=["cot"], max_tokens_reasoned=12), items, lambda _: "(B) no, (A) no, or else (B) ..."
    )
    assert set(table.columns["fate"]) == {"cut"}
    assert (table.columns["correct"] == 0).all()
    golds = [gold[1] for item in items for gold in item.gold]
    assert golds.count("A") != golds.count("B")
    assert table.columns["released"].mean() == pytest.approx(golds.count("A") / len(golds))
    assert values(table, "unread_released")["cot",] == 0
    assert values(table, "answered") == {("cot",): 0}


@dataclass(frozen=True, kw_only=True)
class Public(Task):
    """The public form: single questions, one telling."""

    version: ClassVar[str] = "1"
    name: str = "public"
    broken: bool = False

    def load(self) -> list[Item]:
        items = []
        for n in range(12):
            for kind, pair in zip(
                KINDS, (("No", "Yes"), ("pay", "complain"), ("Reasonable", "Not reasonable")), strict=True
            ):
                choices = [*pair, "both"] if self.broken and (n, kind) == (0, "judgment") else list(pair)
                turned = n % 2 == 1 and len(choices) == 2
                one = about_story(
                    f"{n}",
                    story=f"Story {n}.",
                    asked=f"Question {kind}?",
                    choices=choices[::-1] if turned else choices,
                    right=int(turned),
                    group=f"family {n // 3}",
                    ability=kind,
                    unit=f"story {n}",
                )
                items.append(replace(one, fields={**one.fields, "severity": str(n % 3 + 1), "scenario": "shop"}))
        return items


def test_the_public_form_is_asked_by_story_and_has_no_twins() -> None:
    items = Stories(of=Public()).load()
    assert [len(item.fields["questions"]) for item in items] == [3] * 12
    assert {item.group for item in items} == {f"family {n}" for n in range(4)}
    assert items[0].fields["other"] == "Story 3."
    assert items[-1].fields["other"] == "Story 0."
    table = run(items, unaware)
    assert set(table.columns["twin"]) == {""}
    assert values(table, "accuracy_unaware")["options", "judgment"] == 1
    assert values(table, "joint_of_three")["options", ""] == 1
    assert values(table, "accuracy_over_twins") == values(table, "gap_over_twins") == {}


def test_a_question_with_other_than_two_options_is_named_and_the_rest_is_asked() -> None:
    items = Stories(of=Public(broken=True)).load()
    assert ReadItems.of(items).broken == ("story story 0, judgment: 3 options; the experiment asks for 2",)
    assert [len(item.fields["questions"]) for item in items] == [2] + [3] * 11
    table = run(items, right)
    assert len(table) == 35 * len(ASKED)
    joint = values(table, "joint_of_three")
    assert joint["options", ""] == 1


def test_a_set_of_another_form_is_refused_by_name() -> None:
    with pytest.raises(HarnessError, match=r"task.of='awareness_stories' has an item without a story"):
        Stories(of=AwarenessStories(families=1)).load()


@pytest.mark.parametrize("settings", [{"families": 0}, {"twins": ()}, {"twins": ("aware", "aware")}])
def test_a_task_without_stories_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(HarnessError, match="give at least one family and one twin"):
        AwarenessStories(**settings)  # type: ignore[arg-type]


def test_the_gap_is_the_difference_of_two_accuracies() -> None:
    explicit, applied = Labels(np.array([1.0, 1, 0, 1])), Labels(np.array([1.0, 0, 1, 0]))
    w = np.array([[1.0, 1, 1, 1], [2, 0, 0, 2], [0, 0, 0, 0]])
    assert gap(explicit, applied, w=w)[:2] == pytest.approx([3 / 4 - 2 / 4, 1 / 2])
    assert math.isnan(gap(explicit, applied, w=w)[2])


@pytest.mark.parametrize(
    ("says", "kinds"),
    [
        # The constant answer: no gap, no skill; with its own reminder it does as without.
        (unaware, ["undecided"] * 10),
        # Says "No" and acts as if it knew: a gap on the public form, and none over twins.
        (never_aware_but_acts, ["supported"] + ["undecided"] * 9),
        (by_length, ["undecided"] * 10),
        # A reader of minds: no gap, and better than all rules; it does not follow a reminder against the story.
        (right, ["undecided"] * 4 + ["supported"] * 3 + ["undecided"] * 3),
        # Knows and does not use it: wrong on behavior and judgment wherever nobody knows.
        (only_mental_states, ["supported", "undecided", "supported", "undecided", "supported"] + ["undecided"] * 5),
    ],
    ids=["constant", "no and acts", "sentence of telling", "reader", "knows only"],
)
def test_the_claims_about_models_of_known_behaviour(says: Says, kinds: list[str]) -> None:
    job = load_job(["experiment=simpleToM", "engine=fake", "tracker=none"])
    items = stories(12)
    arms = dict.fromkeys(str(level["arm"]) for claim in job.claims for _, level in claim.sides)
    table, _ = simulate(SimpleToM(arms=tuple(arms)), items, answering(items, says))
    named = {name for claim in job.claims for name, _ in claim.sides} | {"option_mass"}
    wanted = [metric for metric in SimpleToM.metrics if metric.name in named]
    estimates = [one for metric in wanted for one in estimate(metric, table, replicates=200)]
    verdicts = [
        judge_claim(claim, estimates, wanted, table, replicates=200, gates=SimpleToM.gates) for claim in job.claims
    ]
    assert [verdict.kind for verdict in verdicts] == kinds, [verdict.reason for verdict in verdicts]


def test_an_arm_needs_only_what_it_asks() -> None:
    assert SimpleToM(arms=["free"]).capabilities() == {"generate"}
    assert SimpleToM(arms=["options", "no story"]).capabilities() == {"choose"}
    assert SimpleToM(arms=["rule: never aware"]).capabilities() == set()
    # The model's own answer is carried along after any reminder.
    assert SimpleToM(arms=["remind own, cot star"]).capabilities() == {"choose", "generate"}
    assert SimpleToM(arms=["remind gold"]).capabilities() == {"choose"}


def test_every_arm_runs_and_every_estimate_is_finite() -> None:
    items = stories(10)
    table, finished = simulate(SimpleToM(arms=tuple(ARMS)), items, answering(items, right))
    assert not [one.result.errors for one in finished if one.result.errors]
    for metric in SimpleToM.metrics:
        found = estimate(metric, table, replicates=20)
        assert found
        assert all(one.value is not None and math.isfinite(one.value) for one in found), metric.name
