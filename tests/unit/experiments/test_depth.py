"""Calls of an item that do not depend on each other are in flight together, in every experiment of conf/experiment."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import load_job
from harness.engines.fake.engine import dry_run
from harness.execution.execute import make_subject, prepare_items
from harness.execution.runner import run_item
from harness.store.store import Store
from tests.support.rounds import Rounds

CONF = Path(__file__).parents[3] / "conf" / "experiment"

PARTS = {
    # words of the command line: (rounds of an item's protocol, rounds of `prepare`)
    "pTrue": (2, 1),
    "pTrue experiment.judged=null": (2, 1),
}


@pytest.fixture(params=[])
def x() -> None: ...


def rounds(words: str) -> tuple[list[int], list[int]]:
    """Sizes of the rounds of `prepare`, and of the protocol of one item after it."""
    job = load_job([f"experiment={words.split()[0]}", *words.split()[1:], "engine=fake", "tracker=none", "limit=1"])
    items = prepare_items(job)
    engine = Rounds(dry_run)

    async def run(folder: str) -> tuple[list[int], list[int]]:
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await job.experiment.prepare(items.train, subject.for_item("prepare"))
        preparing, engine.sizes = engine.sizes, []
        finished = await run_item(job.experiment, items.test[0], subject, fitted)
        assert finished.result.error is None
        return preparing, engine.sizes

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(folder))
