"""`validate` asks the real model about 8 items, prints prompts, tokens and outcomes, and keeps nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from pathlib import Path

from harness.cli.show import print_exchanges, print_style
from harness.config import Job
from harness.console import counted
from harness.engines.pool import EnginePool
from harness.execution.checks import prepare_items
from harness.execution.choosing import choose_engines, has_choice
from harness.execution.loading import Cast, begin, load_cast, make_subject
from harness.execution.runner import ask_all
from harness.prompting.rendering import Renderer
from harness.runs.finished import Finished
from harness.store.store import Store
from harness.tasks.base import Split

ITEMS = 8


def validate(job: Job) -> int:
    """Asks the model about 8 items.

    Returns:
        0 when every protocol went through, 1 otherwise.
    """
    notes = prepare_items(job).notes()  # the same notes as a run has
    job = dataclasses.replace(job, limit=min(ITEMS, job.limit or ITEMS))
    items = prepare_items(job)
    if has_choice(job):
        job, _ = choose_engines(job, items)
    pool = EnginePool()
    try:
        cast = load_cast(job, pool, begin(job, pool, job.store).result())
        finished, renderer = asyncio.run(_ask(job, items, cast))
    finally:
        pool.close()
    first = min(finished, key=lambda f: f.item.id)
    print_style(renderer.prompt_style)
    print_exchanges(first.transcript, renderer)
    print("\noutcomes:")
    for f in sorted(finished, key=lambda f: f.item.id):
        for row in f.result.rows[:4]:
            print(f"  {f.item.id} {row}")
        for error in f.result.errors:
            print(f"  {f.item.id} failed: {error}")
    failed = sum(bool(f.result.errors) for f in finished)
    calls = sum(len(f.transcript) for f in finished)
    for note in notes:
        print(note)
    print(f"\n{counted(len(finished), 'item')}, {counted(calls, 'question')}, {counted(failed, 'item')} failed")
    return 1 if failed else 0


async def _ask(job: Job, items: Split, cast: Cast) -> tuple[list[Finished], Renderer]:
    with tempfile.TemporaryDirectory() as folder:
        subject = make_subject(job, cast.engine, Store(Path(folder)), cast.roles)
        return await ask_all(job.experiment, items, subject, ITEMS, patience=1), subject.renderer
