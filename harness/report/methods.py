"""A paragraph of methods for one run or several: what was asked, of whom, how it was graded and how it was tested.

Each sentence follows from the run directory. A fact that the run does not record is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.console import counted
from harness.metrics.labels import column_label
from harness.outcomes import Table, fate_columns
from harness.report.citing import Paper
from harness.report.facts import model_fact, name_of, sentence, version_fact
from harness.runs.records import RunRecord, is_dry
from harness.statistics.clusters import Clusters

_BESIDES = ("_target_", "wording", "fitted")
"""Settings of an experiment that are no numbers for a paragraph: its texts, and where a fit lies."""

_BOOTSTRAP = re.compile(r"(?:\S+-way )?cluster bootstrap, (\d+) replicates, ")

_ENGINES = {"vllm": "vLLM", "transformers": "Hugging Face transformers", "server": "an OpenAI-compatible server"}


def methods(
    runs: Sequence[RunRecord], tables: Sequence[Table], papers: Mapping[str, Sequence[Paper]] | None = None
) -> str:
    """The paragraph: it says once what all runs have in common, and names the runs beside each difference.

    Args:
        tables: the outcomes of each run.
        papers: the papers that each experiment follows, by the experiment's name.
    """
    cited = papers or {}
    told = [
        dict(_sentences(run, table, cited.get(str(run.manifest["experiment"]), ())))
        for run, table in zip(runs, tables, strict=True)
    ]
    seeds = dict.fromkeys(str(run.manifest["seed"]) for run in runs)
    lines = [f"Sampled draws had the seed{'s' if len(seeds) > 1 else ''} {sentence(seeds)}."]
    for topic in dict.fromkeys(topic for one in told for topic in one):
        groups: dict[str, list[str]] = {}
        for run, one in zip(runs, told, strict=True):
            if topic in one:
                groups.setdefault(one[topic], []).append(name_of(run, runs))
        for text, names in groups.items():
            lines.append(text if len(names) == len(runs) else f"{sentence(dict.fromkeys(names))}: {text}")
    return " ".join([*lines[1:], lines[0]])


def _sentences(run: RunRecord, table: Table, papers: Sequence[Paper]) -> Iterator[tuple[str, str]]:
    """The sentences of one run, each under its topic."""
    m = run.manifest
    config = m["config"]
    if papers:
        yield "papers", f"The protocol {m['experiment']} follows {sentence(paper.cited for paper in papers)}."
    yield "items", _items(m, table)
    yield "model", _model(m)
    yield from _prompts(m)
    if settings := _settings(config.get("experiment") or {}):
        yield "settings", f"Settings of the protocol: {settings}."
    if fitted := _fitted(m.get("fitted") or {}):
        yield "fitted", fitted
    yield from _roles(m)
    yield from _grading(config.get("task") or {}, table)
    yield from _intervals(run)
    yield from _claims(run)
    yield "version", f"Runs were made with {version_fact(m)}."


def _items(m: Mapping[str, Any], table: Table) -> str:
    asked, failed = int(m["task"].get("items") or m["items_done"]), int(m.get("items_failed") or 0)
    clusters = Clusters.of(table.columns["group"])
    groups = f"in {counted(clusters.n, 'group')}"
    if clusters.ways > 1:
        sizes = sentence(f"{n:,}" for n in clusters.sizes)
        groups = f"each in up to {clusters.ways} of {sizes} groups"
    print_of = f", fingerprint {m['task']['fingerprint']}" if m["task"].get("fingerprint") else ""
    told = f"The test items were {counted(asked, 'item')} of the task {m['task']['name']}{print_of}"
    told += f", {groups} that the statistics take as independent."
    if m["items_done"] != asked:
        told += f" The run {m['status']} after {m['items_done']} of them."
    return told + (f" {counted(failed, 'item')} failed, and count as missing." if failed else "")


def _model(m: Mapping[str, Any]) -> str:
    engine = m.get("engine") or {}
    if is_dry(m):
        return f"The model was {model_fact(m)}."
    name = _ENGINES.get(str(engine.get("engine")), str(engine.get("engine")))
    told = [f"{name} {engine['version']}" if engine.get("version") else name]
    told += [f"in {engine['dtype']}"] if engine.get("dtype") else []
    told += [{"cuda": "on a GPU", "cpu": "on a CPU"}.get(engine["device"], "")] if engine.get("device") else []
    return f"The model was {model_fact(m)}, run by {' '.join(filter(None, told))}."


def _prompts(m: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    prompts = m.get("prompts") or {}
    if prompts.get("style") == "chat":
        system = "; it adds a system message of its own" if prompts.get("default_system") else ""
        yield "prompts", f"Prompts were written by the model's chat template{system}."
    elif prompts.get("style") == "plain":
        yield "prompts", "Prompts were plain text, without a chat template."
    thinking = prompts.get("thinking") or {}
    if thinking.get("mode") == "off":
        yield "thinking", "The model's thoughts were switched off."
    elif thinking.get("mode"):
        end = {"close": "was closed there", "fail": "counts as failed"}.get(str(thinking.get("overrun")), "ended there")
        most = counted(int(thinking["tokens"]), "token")
        told = f"Before a reply the model could think, in at most {most}; a longer thought {end}."
        yield "thinking", f"{told} Thoughts are not graded."


def _settings(experiment: Mapping[str, Any]) -> str:
    told = []
    for key, value in experiment.items():
        if key in _BESIDES or value is None or value == {}:
            continue
        shown = sentence(map(str, value)) if isinstance(value, list) else _written(value)
        told.append(f"{column_label(key)} {shown}")
    return "; ".join(told)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fitted(fitted: Mapping[str, Any]) -> str:
    items = fitted.get("items") or ()
    if not items:
        return ""
    if fitted.get("run"):
        return f"What the protocol fits was taken from another run, which fitted it on {counted(len(items), 'item')}."
    training = counted(len(items), "training item")
    told = f"What the protocol fits (demonstrations, probes, thresholds) comes from {training}"
    return f"{told}, none of which is a test item or shares a group with one."


def _roles(m: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    config = m["config"].get("roles") or {}
    for name in m.get("roles") or {}:
        model = (config.get(name) or {}).get("model") or {}
        yield f"role {name}", f"The part of the {name} was played by {model.get('name') or 'another model'}."
    for name in m.get("stand_in") or ():
        yield f"role {name}", f"The part of the {name} was played by the model itself."


def _grading(task: Mapping[str, Any], table: Table) -> Iterator[tuple[str, str]]:
    if isinstance(task.get("grader"), str):
        yield "grader", f"Answers were graded by {task['grader']}."
    if "fate" not in fate_columns(table.kinds) or "correct" not in table.columns:
        return
    fates, correct = table.columns["fate"], table.columns["correct"]
    there = np.array([fate not in (None, "answered", "error") for fate in fates], dtype=bool)
    if there.any() and (correct[there] == 0).all():  # what the data say, not what is meant
        counts = Counter(str(fate) for fate in fates[there])
        named = sentence(f"{fate} {n}" for fate, n in counts.most_common())
        told = f"{int(there.sum()):,} of {len(fates):,} rows hold an answer that could not be graded ({named})"
        yield "fates", f"{told}; these count as wrong, except in numbers about gradable answers only."


def _intervals(run: RunRecord) -> Iterator[tuple[str, str]]:
    methods = [e.method for e in run.estimates if e.low is not None]
    drawn = dict.fromkeys(match[1] for text in methods if (match := _BOOTSTRAP.match(text)))
    kinds = dict.fromkeys(_kind(text) for text in methods if _BOOTSTRAP.match(text))
    if drawn:
        told = sentence(f"{int(n):,}" for n in drawn)
        how = f"with {told} replicates ({sentence(kinds)})"
        yield "intervals", f"Numbers have 95 % intervals from a cluster bootstrap, which draws whole groups, {how}."
    if any(e.crossed for e in run.estimates):
        yield "crossed", "A row with several groups counts by the product of how often each of them was drawn."
    if any(text.startswith("binomial bound") for text in methods):
        yield "bounds", "Where all groups agree, a mean has a binomial bound in place of a bootstrap interval."


def _kind(method: str) -> str:
    return re.sub(r"t\(\d+\)", "Student's t with few groups", _BOOTSTRAP.sub("", method))


def _claims(run: RunRecord) -> Iterator[tuple[str, str]]:
    claims = [verdict for verdict in run.verdicts if verdict["published"] is None]
    if not claims or is_dry(run.manifest):
        return
    kinds = Counter(str(verdict.get("kind_holm") or verdict["kind"]) for verdict in claims)
    tests = sum(verdict.get("p") is not None for verdict in claims)
    rule = "A claim is called supported only where its whole 95 % interval lies on the claimed side, and contradicted"
    holm = f", and where its p, adjusted by Holm's method for {counted(tests, 'test')}, is at most 5 %" if tests else ""
    yield "rule", f"{rule} only where it lies wholly on the other{holm}."
    told = sentence(f"{n} came out {kind}" for kind, n in kinds.most_common())
    yield "claims", f"Of {counted(len(claims), 'claim')}, {told}."
