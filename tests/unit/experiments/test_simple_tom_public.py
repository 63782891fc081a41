"""SimpleToM on the authors' seed stories, which have the form of the public set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from experiments.theory_of_mind.simple_tom.simple_tom import SimpleToM
from harness.config import load_job
from harness.execution.checks import read_items
from harness.statistics.estimates import estimate
from harness.testing import simulate

RULES = ("rule: never aware", "rule: longest option", "rule: first option")


def test_the_seed_stories_are_asked_by_story_and_a_constant_answer_is_right_on_all_of_them(real_data: Path) -> None:
    words = ["experiment=simpleToM", "engine=fake", "tracker=none", "task=simpletom_stories", "limit=null"]
    job = load_job([*words, f"task.of.path={real_data}/simpletom_seeds/qa.jsonl"])
    items = read_items(job).test
    assert Counter(len(item.fields["questions"]) for item in items) == {3: 30}
    assert len({item.group for item in items}) == 10
    assert {item.fields["severity"] for item in items} == {"1", "2", "3"}
    assert "ODC-BY" in job.task.source()
    table, _ = simulate(SimpleToM(arms=RULES), items, lambda _: "A")
    found = {
        (metric.name, one.level["arm"], one.level["kind"]): one.value
        for metric in SimpleToM.metrics
        if metric.name in ("accuracy_unaware", "gap_unaware")
        for one in estimate(metric, table, replicates=2)
    }
    for kind in ("mental-state", "behavior", "judgment"):
        assert found["accuracy_unaware", "rule: never aware", kind] == 1
    assert found["gap_unaware", "rule: never aware", "behavior"] == 0
    assert found["gap_unaware", "rule: never aware", "judgment"] == 0
    assert found["accuracy_unaware", "rule: longest option", "judgment"] == 0
