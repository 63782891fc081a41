"""Accuracy against the length of thoughts: bins of known members, and tokens as calls.jsonl has them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import Metric, metrics
from harness.config import load_job
from harness.metrics.correctness import correctness
from harness.metrics.levels import check_where
from harness.outcomes import GradedAnswer, ItemResult, Outcome, Table
from harness.report.thinking import BinAccuracy, accuracies, noting
from tests.support.helpers import needed

CONF = Path(__file__).parents[3] / "conf/experiment"
CORRECT = [{"metric": "accuracy", "column": "correct", "where": {}}]


def table(right: dict[str, list[bool]], arm: str = "a") -> Table:
    results = [
        ItemResult(item, item, tuple(GradedAnswer(arm=arm, answer="x", correct=c, fate="answered") for c in some))
        for item, some in right.items()
    ]
    return Table.build(GradedAnswer, [*results, ItemResult("broken", "g", error="no")])


def test_items_of_one_length_are_in_one_bin_and_each_counts_once() -> None:
    right = {"a": [True, True], "b": [True], "c": [False, True], "d": [False], "e": [True], "unthought": [True]}
    lengths = {"a": 1.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 9.5, "broken": 4.0}
    assert accuracies(table(right), lengths, CORRECT) == [
        BinAccuracy("accuracy", "a", 1.0, 1.0, 2, 1.0),
        BinAccuracy("accuracy", "a", 2.0, 2.0, 1, 0.5),
        BinAccuracy("accuracy", "a", 3.0, 3.0, 1, 0.0),
        BinAccuracy("accuracy", "a", 9.5, 9.5, 1, 1.0),
    ]


def test_bins_have_equally_many_items() -> None:
    right = {f"{i:02}": [i < 10] for i in range(20)}
    found = accuracies(table(right), {item: float(item) for item in right}, CORRECT)
    assert [(one.items, one.low, one.high, one.accuracy) for one in found] == [
        (5, 0, 4, 1.0), (5, 5, 9, 1.0), (5, 10, 14, 0.0), (5, 15, 19, 0.0),
    ]  # fmt: skip


def test_where_all_thoughts_are_as_long_there_is_nothing_to_compare() -> None:
    assert accuracies(table({"a": [True], "b": [False]}), {"a": 5.0, "b": 5.0}, CORRECT) == []
    assert accuracies(table({"a": [True]}), {}, CORRECT) == []


def test_tokens_of_an_item_are_a_reply_and_of_the_subject() -> None:
    def asked(key: str, tokens: int, role: str = "", further: bool = False) -> dict[str, Any]:
        part = {"ended": "closed", "tokens": tokens, "characters": 1, "empty": False, "further": further}
        return {
            "prompt": "p", "reply": "r", "keys": [key], "cached": True, "prompt_tokens": 1, "new_tokens": 1,
            "role": role, "thought": part,
        }  # fmt: skip

    lines = [
        {"item": "a", "exchanges": [asked("0", 10), asked("0", 10), asked("1", 5), asked("2", 3, further=True)]},
        {"item": "b", "exchanges": [asked("3", 99, "judge")]},
    ]
    tokens: dict[str, float] = {}
    assert list(noting(lines, tokens)) == lines
    assert tokens == {"a": pytest.approx(9.0)}


def test_accuracy_is_read_of_the_rows_and_the_column_that_a_metric_names() -> None:
    """Of multiple choice: a row an option, of which the one that is picked says whether the item is right."""

    @dataclass(frozen=True, kw_only=True)
    class Option(Outcome):
        right: bool
        picked: bool

    rows = {"a": [(True, True), (False, False)], "b": [(True, False), (False, True)]}
    made = [ItemResult(i, i, tuple(Option(arm="x", right=r, picked=p) for r, p in some)) for i, some in rows.items()]
    read = [asdict(one) for one in correctness((Metric("acc", metrics.accuracy, ("right",), where={"picked": True}),))]
    assert accuracies(Table.build(Option, made), {"a": 1.0, "b": 2.0}, read) == [
        BinAccuracy("acc", "x", 1.0, 1.0, 1, 1.0),
        BinAccuracy("acc", "x", 2.0, 2.0, 1, 0.0),
    ]


EXPERIMENTS = {
    "beliefUpdating": {},
    "bestOfN": {"accuracy": "correct"},
    "blackjack": {"accuracy": "correct"},
    "characters": {"accuracy": "correct"},
    "confidenceAlongThought": {"accuracy": "correct"},
    "deception": {},
    "deceptionBench": {},
    "criticRole": {"accuracy_before": "before", "accuracy_after": "after"},
    "critique": {"accuracy_before": "before", "accuracy_after": "after", "verdict_accuracy": "verdict_right"},
    "exploration": {},
    "falseBelief": {"accuracy": "correct"},
    "identity": {},
    "firstPerson": {"accuracy": "correct"},
    "influence": {},
    "iterativeDeepening": {"accuracy": "correct"},
    "judge": {"exact": "correct"},
    "injectedThoughts": {},
    "internalConsistency": {},
    "lastToken": {"accuracy": "correct"},
    "mcCalibration": {"accuracy": "right"},
    "neurofeedback": {"accuracy": "correct"},
    "numberGuessing": {"accuracy": "correct"},
    "pIK": {"accuracy": "correct"},
    "pIKContexts": {},
    "pTrue": {"accuracy": "correct"},
    "perceptualScale": {"accuracy": "correct"},
    "recordedDynamics": {},
    "revise": {"accuracy": "correct"},
    "secondOpinion": {"accuracy": "correct"},
    "selfCorrection": {"accuracy_before": "before", "accuracy_after": "after"},
    "selfCorrectionBench": {"accuracy": "correct"},
    "selfCritiqueConfidence": {"accuracy": "correct", "accuracy_before": "before", "accuracy_after": "after"},
    "selfExplanation": {"accuracy": "correct"},
    "selfFamiliarity": {"accuracy": "right"},
    "selfGrid": {"accuracy_before": "before", "accuracy_after": "after", "filter_kept_rate": "kept"},
    "selfKnowledge": {"agreement": "agrees", "answerable_accuracy": "correct"},
    "selfPrediction": {"accuracy": "correct"},
    "selfPreference": {"agreement": "agrees"},
    "selfRecognition": {},
    "semanticEntropy": {"accuracy": "correct"},
    "simpleToM": {"accuracy": "correct"},
    "stepCorrection": {"accuracy": "correct", "marked_accuracy_before": "before"},
    "temporalCognition": {},
    "tomChoice": {"accuracy": "correct"},
    "tomReasoning": {"accuracy": "correct"},
    "unitDynamics": {},
    "verbalizedConfidence": {"accuracy": "correct"},
}


@pytest.mark.parametrize("name", sorted(file.stem for file in CONF.glob("*.yaml")))
def test_of_every_experiment_the_columns_that_say_right_are_known(name: str) -> None:
    job = load_job([f"experiment={name}", "engine=fake", "tracker=none", *needed(name)])
    found = correctness(job.experiment.metrics)
    assert {one.metric: one.column for one in found} == EXPERIMENTS[name]
    for one in found:
        check_where(name, one.where, job.experiment.columns())
    assert not any("fate" in column for one in found for column in one.where)
