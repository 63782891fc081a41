"""`show NAME` describes anything with a name: its settings, and for an experiment one real item with its prompts."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.cli.described import class_settings, print_rows, print_settings
from harness.cli.listing import GROUPS, KINDS, first_line, measures, names
from harness.config import Job, load_job
from harness.config.yaml_files import read_yaml
from harness.console import visible
from harness.engines.fake.engine import dry_engine
from harness.errors import HarnessError, closest
from harness.execution.checks import prepare_items
from harness.execution.loading import make_subject
from harness.execution.runner import run_item
from harness.items import Item
from harness.places.folders import config_files
from harness.places.named import named
from harness.prompting.rendered import PromptStyle
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import Tokenizer
from harness.runs.finished import Finished
from harness.runs.fitted import fit
from harness.statistics.claims import shown_level
from harness.store.store import Store
from harness.study.definition import Study, read_study
from harness.subject.transcript import Exchange

SHOWN = 6
PARTS = ("experiment", "task", "model", "engine", "tracker", "run")
ATTRIBUTES = "\nAttributes:\n"
"""The heading in a docstring before the meanings of the settings, which are printed one by one."""
PUBLISHED = 12
"""Published numbers that are printed at most."""
SHORT, END = 3, 300
"""Prompts that are printed unless --tokens is given, and the characters of their beginnings and ends."""


def show(name: str, overrides: Sequence[str], config_dir: Path | None, *, tokens: bool = False) -> int:
    """Prints everything that is called `name`.

    Args:
        tokens: whether prompts are printed in full, with their tokens.

    Raises:
        HarnessError: nothing has that name; the message gives the nearest.
    """
    if ":" in name:
        return _show_experiment(load_job([f"experiment={name}", *overrides], config_dir), tokens)
    kinds = [kind for kind in KINDS if kind != "metrics" and name in dict(names(kind, config_dir))]
    metric = measures().get(name) if not kinds else None
    if metric is not None:
        print(f"{name}\n\n{metric.doc}")
    elif not kinds:
        meant = closest(name, [one for kind in KINDS for one, _ in names(kind, config_dir)])
        hint = f"did you mean {meant!r}?" if meant else "see python -m harness list"
        raise HarnessError(f"nothing is called {name!r}, {hint}")
    for i, kind in enumerate(kinds):
        if i:
            print("\n---\n")
        if kind == "experiments":
            _show_experiment(load_job([f"experiment={name}", *overrides], config_dir), tokens)
        elif kind == "roles":
            _show_role(name, config_dir)
        elif kind == "studies":
            _show_study(read_study(name, config_dir))
        else:
            _show_part(kind, name, overrides, config_dir)
    return 0


def _show_experiment(job: Job, tokens: bool) -> int:
    experiment = job.experiment
    print(f"{job.name}\n\n{inspect.getdoc(experiment)}\n\nmetrics:")
    for metric in experiment.metrics:
        print(f"  {metric.name}({', '.join(metric.columns)}): {first_line(metric.measure.function)}")
    _print_claims(job)
    print_settings(job, PARTS)
    finished, renderer = asyncio.run(_dry_run(job, job.engine.tokenizer(job.model)))
    item = finished.item
    print(f"\none item of task {job.task.name} (id {item.id}):")
    print(f"  fields {visible(json.dumps(dict(item.fields), ensure_ascii=False))[:1000]}")
    print(f"  gold   {visible(str(item.gold))[:300]}")
    print(f"\nits prompts for {job.model.name}; answers of the model inside them come from a dry run")
    print_style(renderer.prompt_style)
    if tokens:
        print_exchanges(finished.transcript, renderer, most=None)
    else:
        _print_short(finished.transcript)
    return 0


def _print_claims(job: Job) -> None:
    """Prints the claims of the run, and the published numbers beside it."""
    print(f"\nclaims{'' if job.claims else ': none'}")
    for claim in job.claims:
        than = f"{claim.value:g}" if claim.value is not None else claim.than_metric or "other levels"
        print(f"  {claim.text}: {claim.metric}{shown_level(claim.level)} {claim.relation} {than}")
        if claim.provided is not None:
            print(f"    only where this is supported, too: {claim.provided.text}{shown_level(claim.provided.level)}")
    count = f" ({len(job.references)})" if job.references else ": none"
    print(f"\npublished numbers{count}")
    for reference in job.references[:PUBLISHED]:
        print(f"  {reference.text}; {reference.source}, {reference.certainty}")
    if len(job.references) > PUBLISHED:
        print(f"  and {len(job.references) - PUBLISHED} more")


def _print_short(transcript: Sequence[Exchange]) -> None:
    """Prints the beginnings and ends of the first distinct prompts."""
    distinct = list({exchange.prompt: exchange for exchange in transcript}.values())
    for exchange in distinct[:SHORT]:
        text = visible(exchange.prompt)
        if len(text) > 2 * END:
            text = f"{text[:END]}\n[... {len(text) - 2 * END} characters ...]\n{text[-END:]}"
        print(f"\n--- {exchange.prompt_tokens} tokens\n{text}\n--- reply: {visible(exchange.reply)}")
    more = f"{len(distinct) - SHORT} more distinct prompts; " if len(distinct) > SHORT else ""
    print(f"\n({more}--tokens prints prompts in full, with their tokens)")


def _show_part(kind: str, name: str, overrides: Sequence[str], config_dir: Path | None) -> None:
    """Prints a task, model, engine, tracker or launcher: its file, its class and its settings; of a task items, too."""
    group = GROUPS[kind]
    file = config_files(group, config_dir)[name]
    node = read_yaml(file)
    print(f"{group}={name}: {dict(names(kind, config_dir))[name]}\n({file})")
    missing = [key for key, value in node.items() if value == "???"]
    given = not missing or any(word.startswith(f"task.{key}=") for key in missing for word in overrides)
    if kind == "tasks" and given:
        job = load_job([f"task={name}", *overrides], config_dir)
        try:
            return _show_items(job, job.task.load())
        except HarnessError as error:
            if overrides:
                raise
            print(f"\nits items cannot be shown: {error}")
            _show_source(job)
    elif kind == "tasks":
        print(f"\nto be given: {', '.join(f'task.{key}=...' for key in missing)}")
    target = node.get(group, node).get("_target_")
    if not isinstance(target, str):
        raise HarnessError(f"{file}: it has no _target_, so it is no {group} of the harness")
    cls = named(target, f"{file}, _target_")
    print(f"\n{(inspect.getdoc(cls) or '').partition(ATTRIBUTES)[0].rstrip()}")
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):
        print_rows(list(class_settings(group.replace("/", "."), cls, node.get(group, node))))
    return None


def _show_study(study: Study) -> None:
    print(f"study={study.name}: {dict(names('studies')).get(study.name, '')}\n\nruns:")
    for name, words in study.runs.items():
        print(f"  {name}: {' '.join(words)}")
    print(f"\nclaims{'' if study.claims else ': none'}")
    for claim in study.claims:
        print(f"  {claim.text}")
    print(f"\npython -m harness run study={study.name}")


def _show_role(name: str, config_dir: Path | None) -> None:
    print(f"{name}: {dict(names('roles', config_dir))[name]}")
    print("\nThe subject plays the part itself unless another model is named for it:")
    print(f"  +model@roles.{name}.model=ORG/NAME, and its own engine: +engine@roles.{name}.engine=server")


async def _dry_run(job: Job, tokenizer: Tokenizer) -> tuple[Finished, Renderer]:
    items = prepare_items(job)
    engine = dry_engine(tokenizer=tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await fit(job.experiment, items.train, subject)
        return await run_item(job.experiment, items.test[0], subject, fitted), subject.renderer


def print_style(style: PromptStyle) -> None:
    """Prints the form of the prompts, and the notes about it."""
    template = f", template {style.template}" if style.template else ""
    print(f"prompts: {style.style} style{template}, BOS {style.bos or 'none'}")
    if style.default_system is None:  # else the notes have it
        print("no default system message")
    for note in style.notes:
        print(f"note: {note}")


def print_exchanges(transcript: Sequence[Exchange], renderer: Renderer, most: int | None = SHOWN) -> None:
    """Prints distinct prompts: the text, then the tokens one by one with their ids.

    The tokens are the text's. Where a prompt goes on with a reply's own ids, these may be others.
    """
    distinct = list({exchange.prompt: exchange for exchange in transcript}.values())
    for exchange in distinct[:most]:
        ids = renderer.encode(exchange.prompt).ids
        print(f"\n--- {exchange.prompt_tokens} tokens\n{visible(exchange.prompt)}")
        print(f"--- reply: {visible(exchange.reply)}")
        if len(ids) != exchange.prompt_tokens:
            print("--- a reply's own token ids are in this prompt; the tokenizer makes others of its text:")
        print("--- " + " ".join(f"{renderer.tokenizer.decode([i])!r}:{i}" for i in ids))
    if most is not None and len(distinct) > most:
        print(f"\n({len(distinct) - most} more distinct prompts for this item)")


def _show_items(job: Job, items: Sequence[Item]) -> None:
    print(f"\n{job.task.name} (version {job.task.version}), {len(items)} items\n\n{inspect.getdoc(job.task)}")
    _show_source(job)
    print_settings(job, ("task",))
    print()
    for item in items[:3]:
        print(f"{visible(json.dumps(dict(item.fields), ensure_ascii=False))[:1000]}")
        print(f"  gold {visible(str(item.gold))[:300]}\n")


def _show_source(job: Job) -> None:
    if source := job.task.source():
        print(f"\nsource: {visible(source)}")
