"""Outcomes are a function of the answers, never of the order in which they come: that is what makes replay resume."""

import asyncio
import random
from dataclasses import replace

import numpy as np
import pytest

from harness.calls.calls import Call, Reply
from harness.config import load_job
from harness.engines.fake.engine import dry_run
from harness.execution.runner import run_protocols
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.tasks.base import split
from harness.testing import fake_subject


def outcomes(words: list[str], shuffle: int | None) -> tuple[Table, list[Finished]]:
    """A run whose engine answers at once, or after delays that reverse and mix the order of asking."""
    job = load_job([*words, "engine=fake", "tracker=none"])
    items = split(job.task, 6, job.experiment.train_items())

    async def run() -> list[Finished]:
        subject = fake_subject(dry_run)
        answer = subject.engine.answer

        async def late(call: Call) -> Reply:
            await asyncio.sleep(0.01 * random.Random(f"{shuffle}{call}").random())
            return await answer(call)

        if shuffle is not None:
            subject.engine.answer = late  # type: ignore[method-assign]
        subject = replace(subject, players=dict.fromkeys(["judge", *job.experiment.needed_parts()], (subject,)))
        done: list[Finished] = []
        fitted = await job.experiment.prepare(items.train, subject.for_item("prepare"))
        await run_protocols(job.experiment, items.test, subject, fitted, window=4, done=done.append)
        return done

    done = sorted(asyncio.run(run()), key=lambda f: f.item.id)
    return job.experiment.table([f.result for f in done]), done


@pytest.mark.parametrize(
    "words",
    [
        ["experiment=pTrue", "experiment.shots=4"],
        ["experiment=pIK", "experiment.train=15", "experiment.folds=2", "experiment.depths=[1.0]"],
        ["experiment=pIKContexts", "experiment.train=15", "experiment.folds=2", "experiment.depths=[1.0]"],
        ["experiment=mcCalibration", "experiment.tuning=4", "experiment.arms=[few-shot,few-shot cyclic]"],
        ["experiment=selfCorrection", "experiment.turns=3", "experiment.chains=2"],
        ["experiment=critique"],
        ["experiment=criticRole"],
        ["experiment=falseBelief", "task.families=8"],
        ["experiment=deception"],
        ["experiment=deceptionBench"],
        ["experiment=identity"],
        ["experiment=semanticEntropy"],
        [
            "experiment=verbalizedConfidence",
            "experiment.arms=[percent one,words two,percent two reasoned]",
            "experiment.reasoning_tokens=8",
        ],
        ["experiment=selfCritiqueConfidence"],
        ["experiment=selfKnowledge"],
        ["experiment=selfFamiliarity", "experiment.basic=20"],
    ],
    ids=lambda words: words[0],
)
def test_outcomes_and_transcripts_do_not_depend_on_the_order_of_answers(words: list[str]) -> None:
    table, done = outcomes(words, shuffle=None)
    assert not any(f.result.errors for f in done)
    for shuffle in (1, 2):
        again, redone = outcomes(words, shuffle)
        for name, values in table.columns.items():
            np.testing.assert_array_equal(values, again.columns[name], err_msg=name)
        for f, g in zip(done, redone, strict=True):
            # Which arm asks next may depend on the answers' order, what is asked and answered may not.
            asked = [sorted((e.prompt, e.reply, e.prompt_tokens, e.new_tokens) for e in x.transcript) for x in (f, g)]
            assert asked[0] == asked[1]
