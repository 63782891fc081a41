"""Replaces `engine=auto` by an engine before any call is looked up, because keys depend on the engine."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from harness.config import Job
from harness.console import log
from harness.engines.auto import Auto
from harness.engines.fake.engine import dry_engine
from harness.execution.loading import make_subject
from harness.execution.runner import run_item
from harness.runs.fitted import fit
from harness.store.store import Store
from harness.tasks.base import Split


def has_choice(job: Job) -> bool:
    """Whether an engine is still to be chosen."""
    return any(isinstance(one, Auto) for one in (job.engine, *(player.engine for player in job.roles.values())))


def choose_engines(job: Job, items: Split) -> tuple[Job, str]:
    """The job with an engine in every place of `engine=auto`, and why that one; says so.

    Its config stays: on another machine the same run may choose another engine.
    """
    needed = job.experiment.capabilities().union(*(p.capabilities for p in job.experiment.needed_parts().values()))
    auto = next(one for one in (job.engine, *(p.engine for p in job.roles.values())) if isinstance(one, Auto))
    engine, why = auto.choose(needed, _words(job, items))
    log(f"engine=auto: {why}")
    roles = {
        name: replace(player, engine=engine) if isinstance(player.engine, Auto) else player
        for name, player in job.roles.items()
    }
    return replace(job, engine=engine if isinstance(job.engine, Auto) else job.engine, roles=roles), why


def _words(job: Job, items: Split) -> int | None:
    """About how many words a run's prompts hold, by a dry run of the fit and of one item; None is unknown."""
    try:
        return asyncio.run(_dry_run(job, items))
    except Exception:  # a protocol may need a real model's answers; the run itself will tell
        return None


async def _dry_run(job: Job, items: Split) -> int | None:
    engine = dry_engine()
    with tempfile.TemporaryDirectory() as folder:
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await fit(job.experiment, items.train, subject)
        before = engine.usage.prompt_tokens
        finished = await run_item(job.experiment, items.test[0], subject, fitted)
    each = engine.usage.prompt_tokens - before
    return None if finished.result.errors else before + each * len(items.test)
