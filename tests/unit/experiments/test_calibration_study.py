"""The calibration study as a whole: it holds the family, pays for draws once, and survives odd models."""

import asyncio
import math
from pathlib import Path

import pytest

from experiments.calibration.p_true.p_true import POOL
from harness.calls.calls import Call, Generate, Reply
from harness.config import Job
from harness.engines.fake.engine import dry_run
from harness.execution.checks import prepare_items
from harness.execution.runner import run_protocols
from harness.runs.finished import Finished
from harness.statistics.estimates import estimate
from harness.study.definition import read_study
from harness.study.planning import make_plan
from harness.subject.subject import Subject
from harness.tasks.base import Split
from harness.testing import fake_subject

EXPERIMENTS = Path(__file__).parents[3] / "conf/experiment"


@pytest.fixture(scope="module")
def jobs() -> list[tuple[Job, Split]]:
    plan = make_plan(read_study("calibration", None), ["engine=fake", "tracker=none", "limit=3"], None)
    return [(job, prepare_items(job)) for job in plan.jobs.values()]


def ask(job: Job, items: Split, subject: Subject) -> list[Finished]:
    """All items of a job, asked of a subject."""

    async def run() -> list[Finished]:
        done: list[Finished] = []
        fitted = await job.experiment.prepare(items.train, subject.for_item("prepare"))
        await run_protocols(job.experiment, items.test, subject, fitted, window=8, done=done.append)
        return done

    return asyncio.run(run())


def test_the_study_holds_the_whole_family() -> None:
    family = {
        file.stem for file in EXPERIMENTS.glob("*.yaml") if "_target_: experiments.calibration." in file.read_text()
    }
    family.remove("confidenceAlongThought")  # needs a model that thinks
    runs = list(read_study("calibration", None).runs.values())
    assert {word.partition("=")[2] for run in runs for word in run if word.startswith("experiment=")} == family
    assert all("limit=200" in run for run in runs)


def test_answers_to_the_same_questions_are_paid_for_once(jobs: list[tuple[Job, Split]]) -> None:
    subject = fake_subject(dry_run)
    answer, asked = subject.engine.answer, [0]

    async def counting(call: Call) -> Reply:
        asked[0] += isinstance(call, Generate) and call.sampling.temperature > 0
        return await answer(call)

    subject.engine.answer = counting  # type: ignore[method-assign]
    sampled = {}
    for job, items in jobs:
        asked[0] = 0
        assert not any(f.result.errors for f in ask(job, items, subject))
        sampled[job.name] = asked[0]
    assert sampled["semanticEntropy"] == 3 * 4
    # pTrue judges those draws, and samples for its training items alone.
    p_true = next(job for job, _ in jobs if job.name == "pTrue")
    assert sampled["pTrue"] == p_true.experiment.train_items() // POOL * 4


@pytest.mark.parametrize("said", ["I cannot help with that.", "A"])
def test_a_model_that_says_one_thing_only_gives_numbers_or_reasons_and_no_nan(
    jobs: list[tuple[Job, Split]], said: str
) -> None:
    subject = fake_subject(lambda _: {said: 1.0})
    for job, items in jobs:
        results = [f.result for f in ask(job, items, subject)]
        table = job.experiment.table(results)
        for metric in job.experiment.metrics:
            for e in estimate(metric, table, replicates=2):
                assert e.value is not None or e.note, f"{job.name}: {e}"
                assert all(x is None or not math.isnan(x) for x in (e.value, e.low, e.high)), f"{job.name}: {e}"
