"""`show NAME` prints what an experiment, task or metric is, with one real item and its exact prompt tokens."""

from __future__ import annotations

import asyncio
import inspect
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.cli.listing import GROUPS, config_names, first_line, measures
from harness.config import Job, load_job
from harness.engines.fake.engine import Fake, WordTokenizer, dry_engine
from harness.engines.server.dialects import Messages
from harness.engines.server.engine import Server
from harness.errors import HarnessError, nearest
from harness.execution.checks import prepare_items
from harness.execution.loading import make_subject
from harness.execution.runner import run_item
from harness.prompting.rendering import Renderer, Wording
from harness.prompting.tokens import HFTokenizer, Tokenizer
from harness.runs.finished import Finished
from harness.runs.fitted import fit
from harness.store.store import Store
from harness.subject.transcript import Exchange

SHOWN = 6


def show(name: str, overrides: Sequence[str], config_dir: Path | None) -> int:
    """Prints what `name` is.

    Raises:
        HarnessError: nothing has that name; the message gives the nearest.
    """
    names = {group: [n for n, _ in config_names(group)] for group in GROUPS.values()}
    if name in names["task"]:
        return _show_task(load_job([f"task={name}", *overrides], config_dir))
    if name in measures():
        print(f"{name}\n\n{measures()[name].doc}")
        return 0
    if name not in names["experiment"] and config_dir is None:
        known = [*names["experiment"], *names["task"], *measures()]
        raise HarnessError(f"nothing is called {name!r}{nearest(name, known)}; see python -m harness list")
    return _show_experiment(load_job([f"experiment={name}", *overrides], config_dir))


def _show_experiment(job: Job) -> int:
    experiment = job.experiment
    print(f"{job.name}\n\n{inspect.getdoc(experiment)}\n\nmetrics:")
    for metric in experiment.metrics:
        print(f"  {metric.name}({', '.join(metric.columns)}): {first_line(metric.measure.function)}")
    tokenizer: Tokenizer = WordTokenizer()
    if isinstance(job.engine, Server) and job.engine.api == "chat":
        tokenizer = Messages()
    elif not isinstance(job.engine, Fake):
        tokenizer = HFTokenizer.load(job.model.resolve_tokenizer().path, job.model.trust_remote_code)
    finished, renderer = asyncio.run(_dry_run(job, tokenizer))
    item = finished.item
    print(f"\none item of task {job.task.name} (id {item.id}):")
    print(f"  fields {json.dumps(dict(item.fields), ensure_ascii=False)[:1000]}\n  gold   {str(item.gold)[:300]}")
    print(f"\nits prompts for {job.model.name}; answers of the model inside them come from a dry run")
    print_wording(renderer.wording)
    print_exchanges(finished.transcript, renderer)
    return 0


async def _dry_run(job: Job, tokenizer: Tokenizer) -> tuple[Finished, Renderer]:
    items = prepare_items(job)
    engine = dry_engine(tokenizer=tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await fit(job.experiment, items.train, subject)
        return await run_item(job.experiment, items.test[0], subject, fitted), subject.renderer


def print_wording(wording: Wording) -> None:
    """Prints how prompts are written, and what was noticed about it."""
    template = f", template {wording.template}" if wording.template else ""
    print(f"prompts: {wording.style} style{template}, BOS {wording.bos or 'none'}")
    if wording.default_system is None:  # else the notes have it
        print("no default system message")
    for note in wording.notes:
        print(f"note: {note}")


def print_exchanges(transcript: Sequence[Exchange], renderer: Renderer) -> None:
    """Prints distinct prompts: the text, then the tokens one by one with their ids.

    The tokens are those of the text. Where a prompt goes on with a reply's own ids, these may be others.
    """
    distinct = list({exchange.prompt: exchange for exchange in transcript}.values())
    for exchange in distinct[:SHOWN]:
        ids = renderer.encode(exchange.prompt).ids
        print(f"\n--- {exchange.prompt_tokens} tokens\n{exchange.prompt}\n--- reply: {exchange.reply}")
        if len(ids) != exchange.prompt_tokens:
            print("--- a reply's own token ids are in this prompt; the tokenizer makes others of its text:")
        print("--- " + " ".join(f"{renderer.tokenizer.decode([i])!r}:{i}" for i in ids))
    if len(distinct) > SHOWN:
        print(f"\n({len(distinct) - SHOWN} more distinct prompts for this item)")


def _show_task(job: Job) -> int:
    items = job.task.load()
    print(f"{job.task.name} (version {job.task.version}), {len(items)} items\n\n{inspect.getdoc(job.task)}\n")
    for item in items[:3]:
        print(f"{json.dumps(dict(item.fields), ensure_ascii=False)[:1000]}\n  gold {str(item.gold)[:300]}\n")
    return 0
