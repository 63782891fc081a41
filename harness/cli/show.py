"""`show NAME` prints what an experiment, task or metric is, its settings, and one real item with its prompt tokens."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import conf
from harness.cli.listing import GROUPS, config_names, first_line, measures
from harness.config import Job, load_job, written
from harness.console import visible
from harness.engines.fake.engine import dry_engine
from harness.errors import HarnessError, nearest
from harness.execution.checks import prepare_items
from harness.execution.loading import make_subject
from harness.execution.runner import run_item
from harness.prompting.rendered import PromptStyle
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import Tokenizer
from harness.redaction import without_secrets
from harness.runs.finished import Finished
from harness.runs.fitted import fit
from harness.store.store import Store
from harness.subject.transcript import Exchange

SHOWN = 6
PARTS = ("experiment", "task", "model", "engine", "tracker", "run")
NEEDED = ""
"""In place of the default of a setting that has none."""
LONGEST = 100
"""Characters of a value that are printed."""


def show(name: str, overrides: Sequence[str], config_dir: Path | None) -> int:
    """Prints what `name` is.

    Raises:
        HarnessError: nothing has that name; the message gives the nearest.
    """
    if ":" in name:
        return _show_experiment(load_job([f"experiment={name}", *overrides], config_dir))
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
    print_settings(job, PARTS)
    finished, renderer = asyncio.run(_dry_run(job, job.engine.tokenizer(job.model)))
    item = finished.item
    print(f"\none item of task {job.task.name} (id {item.id}):")
    print(f"  fields {json.dumps(dict(item.fields), ensure_ascii=False)[:1000]}\n  gold   {str(item.gold)[:300]}")
    print(f"\nits prompts for {job.model.name}; answers of the model inside them come from a dry run")
    print_style(renderer.prompt_style)
    print_exchanges(finished.transcript, renderer)
    return 0


def print_settings(job: Job, parts: Sequence[str]) -> None:
    """Prints every setting with its value, and the default of those that have another value.

    Args:
        parts: of the job; without "run" its own settings are left out.
    """
    rows = [row for part in parts if part != "run" for row in _settings(part, getattr(job, part))]
    if "run" in parts:
        rows += _run_settings(job)
    width = max(len(name) for name, _, _ in rows)
    print("\nsettings (* is not the default):")
    for name, value, default in rows:
        other = f"   (default {default})" if default not in (value, NEEDED) else ""
        print(f"{'*' if other else ' '} {name:<{width}}  {value}{other}")


def _settings(part: str, settings: Any) -> Iterator[tuple[str, str, str]]:
    """Name, value and default of every field of a dataclass, and of every key of a mapping or field inside of one."""
    yield f"{part}._target_", f"{type(settings).__module__}.{type(settings).__qualname__}", NEEDED
    fields = dataclasses.fields(settings)
    needed = [f for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    # Of an object and not of its class: a class may complete what it is given, as an experiment does its wording.
    usual = type(settings)(**{f.name: getattr(settings, f.name) for f in needed})
    for f in fields:
        value, default = getattr(settings, f.name), getattr(usual, f.name)
        if isinstance(value, Mapping) and isinstance(default, Mapping) and f not in needed:
            for key in {**default, **value}:
                yield f"{part}.{f.name}.{key}", _value(value.get(key)), _value(default.get(key))
        elif dataclasses.is_dataclass(default) and type(value) is type(default):
            for key, one in vars(value).items():
                yield f"{part}.{f.name}.{key}", _value(one), _value(getattr(default, key))
        else:
            yield f"{part}.{f.name}", _value(value), NEEDED if f in needed else _value(default)


def _run_settings(job: Job) -> Iterator[tuple[str, str, str]]:
    """As `_settings`, of those that belong to no part; their defaults are in conf/config.yaml."""
    from omegaconf import OmegaConf

    defaults: Any = OmegaConf.load(Path(next(iter(conf.__path__))) / "config.yaml")
    for name, value in job.config.items():
        if not isinstance(value, (dict, list)):
            yield name, _value(value), _value(defaults[name])


def _value(value: Any) -> str:
    """A setting in one line; what could be a credential is struck out."""
    plain = without_secrets({"value": written(value, "")})["value"]
    text = plain if isinstance(plain, str) and plain and plain.isprintable() else json.dumps(plain, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


async def _dry_run(job: Job, tokenizer: Tokenizer) -> tuple[Finished, Renderer]:
    items = prepare_items(job)
    engine = dry_engine(tokenizer=tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await fit(job.experiment, items.train, subject)
        return await run_item(job.experiment, items.test[0], subject, fitted), subject.renderer


def print_style(style: PromptStyle) -> None:
    """Prints how prompts are written, and what was noticed about it."""
    template = f", template {style.template}" if style.template else ""
    print(f"prompts: {style.style} style{template}, BOS {style.bos or 'none'}")
    if style.default_system is None:  # else the notes have it
        print("no default system message")
    for note in style.notes:
        print(f"note: {note}")


def print_exchanges(transcript: Sequence[Exchange], renderer: Renderer) -> None:
    """Prints distinct prompts: the text, then the tokens one by one with their ids.

    The tokens are those of the text. Where a prompt goes on with a reply's own ids, these may be others.
    """
    distinct = list({exchange.prompt: exchange for exchange in transcript}.values())
    for exchange in distinct[:SHOWN]:
        ids = renderer.encode(exchange.prompt).ids
        print(f"\n--- {exchange.prompt_tokens} tokens\n{visible(exchange.prompt)}")
        print(f"--- reply: {visible(exchange.reply)}")
        if len(ids) != exchange.prompt_tokens:
            print("--- a reply's own token ids are in this prompt; the tokenizer makes others of its text:")
        print("--- " + " ".join(f"{renderer.tokenizer.decode([i])!r}:{i}" for i in ids))
    if len(distinct) > SHOWN:
        print(f"\n({len(distinct) - SHOWN} more distinct prompts for this item)")


def _show_task(job: Job) -> int:
    items = job.task.load()
    print(f"{job.task.name} (version {job.task.version}), {len(items)} items\n\n{inspect.getdoc(job.task)}")
    print_settings(job, ("task",))
    print()
    for item in items[:3]:
        print(f"{json.dumps(dict(item.fields), ensure_ascii=False)[:1000]}\n  gold {str(item.gold)[:300]}\n")
    return 0
