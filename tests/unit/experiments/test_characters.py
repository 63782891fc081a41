"""Characters of novels: readers, guessers, judges and masks of known behaviour."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.theory_of_mind.characters.characters import Characters
from experiments.theory_of_mind.characters.judging import CLEAR, TEXTS, check, cut_words, read_defect, read_included
from experiments.theory_of_mind.characters.masks import MASKS, masked, masks_for, names_in
from experiments.theory_of_mind.characters.plots import PLOTS
from experiments.theory_of_mind.characters.questions import QUESTIONS
from experiments.theory_of_mind.characters.rows import ARMS
from experiments.theory_of_mind.characters.task import CharacterQuestions
from harness import Item
from harness.config import load_job
from harness.execution.checks import read_items
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.estimates import estimate
from harness.testing import fake_subject, simulate

ITEMS = CharacterQuestions().load()


def answering(items: Sequence[Item], right: Callable[[str], bool] = lambda _: True) -> Callable[[str], str]:
    """A reader that chooses the right option of a prompt, or else another, and a judge that reads well."""
    answers = {item.fields["answer_text"] for item in items}

    def reply(prompt: str) -> str:
        if "[Included Bonus Points]" in prompt:
            points = re.findall(r"^\((\d+)\) (.*)$", prompt, re.MULTILINE)
            answer = re.findall(r"Answer to assess: (.*)", prompt)[0]
            return f'[Included Bonus Points]: "{",".join(at for at, point in points if point in answer) or "None"}"'
        if "[Defects]" in prompt:
            return "[Defects]: None"
        if not prompt.endswith("("):
            return "Somebody believes something."
        options = re.findall(r"^\((\w)\) (.*)$", prompt, re.MULTILINE)
        return next((at for at, text in options if (text in answers) == right(prompt)), "A")

    return reply


def run(items: Sequence[Item], arms: Sequence[str], reply: Callable[[str], str]) -> Table:
    table, finished = simulate(Characters(arms=arms), items, reply)
    assert not [one.result.errors for one in finished if one.result.errors]
    return table


def values(table: Table, name: str) -> dict[tuple[str, ...], float | None]:
    (metric,) = (m for m in Characters.metrics if m.name == name)
    return {tuple(e.level[c] for c in metric.keys): e.value for e in estimate(metric, table, replicates=2) if e.n}


@pytest.mark.parametrize("metric", Characters.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(Characters.columns())


def test_every_question_has_a_passage_a_background_and_points() -> None:
    assert len(ITEMS) == len({item.id for item in ITEMS}) == 24
    assert len({item.group for item in ITEMS}) == 12
    assert {item.fields["ability"] for item in ITEMS} == {"belief", "intention", "emotion", "desire"}
    for item in ITEMS:
        short, long = item.fields["contexts"]["0"], item.fields["contexts"]["1000"]
        assert item.fields["story"] == short
        assert long.endswith(short)
        assert 350 < len(long.split()) < 600
        assert len(item.fields["choices"]) == 4
        assert str(item.gold)[4:] == item.fields["answer_text"]
        assert len(item.fields["bonus_points"]) == 3
        assert item.fields["elsewhere"] not in long
    assert set(PLOTS) == set(QUESTIONS)
    for seed in (0, 1):
        places = [item.gold[1] for item in CharacterQuestions(seed=seed).load()]
        assert [places.count(letter) for letter in "ABCD"] == [6, 6, 6, 6]


def test_the_right_option_has_no_favoured_length() -> None:
    ranks = [sorted((q.answer, *q.wrong), key=len).index(q.answer) for some in QUESTIONS.values() for q in some]
    assert max(ranks.count(rank) for rank in range(4)) <= len(ranks) / 3


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ('[Included Bonus Points]: "1,2"', {1, 2}),
        ("[Included Bonus Points]: 1, 2", {1, 2}),
        ("[Included Bonus Points]: (2)", {2}),
        ("[Included Bonus Points]: (1), (4)", {1, 4}),
        ("[Included Bonus Points]: None", set()),
        ('Let me see.\n\n[included bonus points]: "3".', {3}),
        ("**[Included Bonus Points]:** 2", {2}),
        ('[Included Bonus Points]: "1,5"', None),  # there are four
        ('[Included Bonus Points]: "0"', None),
        ("[Included Bonus Points]: all of them", None),
        ("[Included Bonus Points]:", None),
        ("1,2", None),
        ("Null", None),
        ("[Included Bonus Points]: 1\n[Included Bonus Points]: 2", None),
        ("", None),
    ],
)
def test_a_line_of_the_judge_is_read_in_its_form_or_not_at_all(reply: str, read: set[int] | None) -> None:
    assert read_included(reply, 4) == read


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("[Defects]: None", False),
        ("[Defects]: none.", False),
        ("[Defects]: It names the wrong man.", True),
        ("[Defects]:\nIt names the wrong man.", True),
        ("[Defects]: Nonetheless it is wrong.", True),
        ("The answer is fine.", None),
        ("Null", None),
    ],
)
def test_a_defect_is_read_in_its_form_or_not_at_all(reply: str, read: bool | None) -> None:
    assert read_defect(reply) is read


@pytest.mark.parametrize(("n", "kept"), [(1, 6), (4, 9), (9, 14), (11, 16), (13, 19), (20, 30)])
def test_an_answer_is_cut_to_the_words_of_the_paper(n: int, kept: int) -> None:
    text = " ".join(f"w{at}" for at in range(100))
    assert cut_words(text, " ".join(["word"] * n)).split() == text.split()[:kept]


def four_points(item: Item) -> Item:
    return replace(item, fields={**item.fields, "bonus_points": ["a", "b", "c", "d"]})


def test_points_of_a_line_count_over_all_points_and_a_broken_line_is_no_point() -> None:
    items = [four_points(item) for item in ITEMS]
    broken = {item.fields["asked"] for item in items[:4]}

    def reply(prompt: str) -> str:
        if "[Included Bonus Points]" in prompt:
            return "Null" if any(asked in prompt for asked in broken) else '[Included Bonus Points]: "1,2"'
        return "[Defects]: It is wrong." if "[Defects]" in prompt else "Words."

    table = run(items, ["written"], reply)
    assert values(table, "points_included") == {("0",): 0.5, ("1000",): 0.5}
    assert values(table, "judge_failed") == {(): 4 / 24}
    assert values(table, "penalty_rate") == {("0",): 1, ("1000",): 1}
    assert np.isnan(table.columns["included"]).sum() == 8
    assert np.isnan(table.columns["correct"]).all()


def test_an_empty_answer_includes_nothing_and_is_no_failure_of_the_judge() -> None:
    def reply(prompt: str) -> str:
        return "[Included Bonus Points]: 1" if "Bonus" in prompt else ""

    table = run(ITEMS, ["written"], reply)
    assert set(table.columns["fate"]) == {"empty"}
    assert values(table, "points_included") == {("0",): 0, ("1000",): 0}
    assert values(table, "judge_failed") == {(): 0}
    assert values(table, "penalty_rate") == {}


def test_a_judge_that_reads_well_is_found_reliable_and_one_that_names_all_is_not() -> None:
    assert sum(gold for _, gold in CLEAR) == len(CLEAR) / 2 == 9
    good = asyncio.run(check(TEXTS, fake_subject(answering(ITEMS))))
    assert list(good.columns.values()) == pytest.approx([1, 1, 1])
    every = asyncio.run(check(TEXTS, fake_subject(lambda _: "[Included Bonus Points]: 1,2,3")))
    assert list(every.columns.values()) == pytest.approx([0.5, 1, 1])
    silent = asyncio.run(check(TEXTS, fake_subject(lambda _: "Null")))
    assert list(silent.columns.values()) == pytest.approx([0, 0, 0])


def test_the_judge_is_asked_only_where_an_answer_is_written() -> None:
    assert Characters(arms=["options"]).needed_parts() == {}
    assert set(Characters().needed_parts()) == {"judge"}
    assert Characters(arms=["options", "rule: first option"]).capabilities() == {"choose"}
    assert Characters(arms=["written"]).capabilities() == {"generate"}


def test_a_reader_who_needs_the_background_gains_by_it_and_not_by_length() -> None:
    """Right only where the paragraph before the passage is shown."""
    before = [re.escape(paragraph[:40]) for plot in PLOTS.values() for paragraph in plot[4:6]]

    def knows(prompt: str) -> bool:
        return len(re.findall("|".join(before), prompt)) >= 1 and len(prompt.split()) > 300 and "Marker" not in prompt

    items = [replace(item, fields={**item.fields, "elsewhere": "Marker " * 900}) for item in ITEMS]
    table = run(items, ["options", "other passage", "no story", "shuffled story"], answering(items, knows))
    found = values(table, "accuracy_by_context")
    assert found["options", "0"] == 0
    assert found["options", "1000"] == 1
    assert found["other passage", "elsewhere"] == found["shuffled story", "elsewhere"] == found["no story", "none"] == 0
    assert values(table, "context_gain") == {("options", "1000"): 1}


def test_another_passage_is_as_long_as_the_context_that_it_stands_for() -> None:
    _, finished = simulate(Characters(arms=["options", "other passage", "shuffled story"]), ITEMS[:1], lambda _: "A")
    fields = ITEMS[0].fields
    short, long = (len(fields["contexts"][at].split()) for at in ("0", "1000"))
    texts = {e.prompt.split("\n\nQuestion:")[0].split("\n\n", 1)[1] for e in finished[0].transcript}
    assert sorted(len(text.split()) for text in texts) == [short, short, long, long]


def test_a_set_without_another_passage_loses_that_arm_alone() -> None:
    items = [replace(item, fields={**item.fields, "elsewhere": ""}) for item in ITEMS[:2]]
    table, finished = simulate(Characters(arms=["options", "other passage"]), items, answering(items))
    assert [len(one.result.errors) for one in finished] == [1, 1]
    assert "no text from elsewhere of that length" in finished[0].result.errors[0]
    assert values(table, "accuracy_by_context")["options", "1000"] == 1


def test_contexts_of_the_public_set_are_asked_in_the_order_of_their_length() -> None:
    item = ITEMS[0]
    contexts = {"2000": "b " * 90 + "a", "0": "a", "1000": "b " * 40 + "a"}
    table = run([replace(item, fields={**item.fields, "contexts": contexts})], ["options"], answering([item]))
    assert list(table.columns["context"]) == ["0", "1000", "2000"]
    assert list(table.columns["longer"]) == [0, 1, 1]


def test_a_file_of_the_public_set_is_asked_in_every_arm(tmp_path: Path) -> None:
    def row(n: int) -> dict[str, object]:
        passage = f"Then Anna told Boris of door number {n}. " * 6
        return {
            "book_name": f"Book {n % 2}",
            "tom_dimension": ("belief", "desire")[n % 2],
            "context_0": passage,
            "context_1000": f"Before {n}. " * 40 + passage,
            "context_2000": f"Before {n}. " * 80 + passage,
            "question": f"What does Anna want at door {n}?",
            "answer": "To go home",
            "bonus_points": ["She wants to leave."] * (1 + n),
            "misleading_choices": ["To stay", "To sing", "To eat something"],
        }

    pq.write_table(pa.Table.from_pylist([row(n) for n in range(4)]), tmp_path / "data.parquet")
    words = ["experiment=characters", "engine=fake", "tracker=none", "task=chartom", "limit=null"]
    items = read_items(load_job([*words, f"task.path={tmp_path / 'data.parquet'}"])).test
    table = run(items, tuple(ARMS), answering(items))
    found = values(table, "accuracy_by_context")
    assert [found["options", context] for context in ("0", "1000", "2000")] == [1, 1, 1]
    assert found["other passage", "elsewhere"] == 1
    written = table.where(table.columns["arm"] == "written")
    assert sorted(written.columns["points"]) == sorted([1, 2, 3, 4] * 3)


def test_where_the_right_option_is_always_the_longest_the_rule_finds_it() -> None:
    def longest(item: Item) -> Item:
        choices = [
            choice + " indeed" * 30 * (f"({at}) {choice}" == item.gold)
            for at, choice in zip("ABCD", item.fields["choices"], strict=True)
        ]
        return replace(item, fields={**item.fields, "choices": choices}, gold=item.gold + " indeed" * 30)

    table = run([longest(item) for item in ITEMS], ["rule: longest option", "rule: first option"], lambda _: "A")
    assert values(table, "accuracy")["rule: longest option",] == 1
    assert values(table, "accuracy")["rule: first option",] == [item.gold[1] for item in ITEMS].count("A") / 24


def test_who_goes_by_the_place_in_the_list_is_found_out() -> None:
    table = run(ITEMS, ["options"], lambda _: "A")
    assert values(table, "listed_first")["options",] == 1
    assert values(table, "p_gold")["options", "0"] == pytest.approx(0.25)


def test_names_are_those_capitalised_within_a_sentence() -> None:
    text = "Later Mr. Darcy met Jane in London on Monday. Some said that I was there. Later still, Jane's aunt left."
    assert names_in([text]) == ["Darcy", "Jane", "London"]


def test_masks_are_the_same_everywhere_and_no_name_is_left() -> None:
    for item in ITEMS:
        texts = [*item.fields["contexts"].values(), item.fields["asked"], *item.fields["choices"]]
        masks = masks_for(texts, random.Random(item.id))
        assert len(set(masks.values())) == len(masks)
        assert set(masks.values()) <= set(MASKS)
        hidden = " ".join(masked(text, masks) for text in texts)
        for word in item.fields["book"].split():
            assert not re.search(rf"\b{word}\b", hidden) or word.lower() in ("and", "of", "the", "great", "count"), word
        assert not set(names_in([hidden])) & set(masks)
    masks = masks_for(
        [f"So it was Name{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]} then." for n in range(100)], random.Random(0)
    )
    assert len(set(masks.values())) == 100


def test_the_masked_arm_names_neither_the_book_nor_anybody_in_it() -> None:
    _, finished = simulate(Characters(arms=["masked names"]), ITEMS[:1], lambda _: "A")
    shown = " ".join(e.prompt for e in finished[0].transcript)
    assert len(finished[0].transcript) == 2 * 4
    for name in ("Pride", "Darcy", "Elizabeth", "Bennet", "Wickham"):
        assert name not in shown


def test_the_whole_experiment_runs_and_every_estimate_is_finite() -> None:
    table = run(ITEMS, tuple(ARMS), answering(ITEMS))
    assert values(table, "judge_gold") == {(): 1}
    for metric in Characters.metrics:
        found = estimate(metric, table, replicates=20)
        assert found
        assert all(one.value is not None and math.isfinite(one.value) for one in found), metric.name
