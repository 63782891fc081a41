"""What a paper has to say of a run, in sentences that its manifest bears out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.runs.loaded import Loaded
from harness.runs.records import RunRecord, is_dry

NAME = "self-evaluation-harness"


def sentence(names: Iterable[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def model_fact(manifest: Mapping[str, Any]) -> str:
    """The model of a run: its name, where it is from, and which revision and weights."""
    config = manifest["config"].get("model") or {}
    engine = manifest.get("engine") or {}
    name, source = str(manifest["model"]["name"]), str(manifest["model"].get("source") or "")
    if is_dry(manifest):
        return f"{name} (a dry run: no model was asked, and its numbers mean nothing)"
    local = source.startswith(("/", "~", "."))  # a path of somebody's machine says nothing to a reader
    told = [] if local or source == name or not source else [source]
    told += [f"revision {config['revision']}"] if config.get("revision") else []
    told += [f"adapter {config['adapter']}"] if config.get("adapter") else []
    weights = engine.get("fingerprint") or (engine.get("model") if engine.get("engine") != "server" else None)
    told += [f"weights {weights}"] if weights else []
    return f"{name} ({', '.join(told)})" if told else name


def model_facts(runs: Sequence[Loaded]) -> list[str]:
    """The models of some runs, each once."""
    facts = dict.fromkeys(model_fact(run.record.manifest) for run in runs)
    return [f"{'Models' if len(facts) > 1 else 'Model'}: {'; '.join(facts)}."]


def harness_version(runs: Sequence[Loaded]) -> str:
    """The version of the harness that made some runs."""
    return f"Made with {sentence(dict.fromkeys(version_fact(run.record.manifest) for run in runs))}."


def version_fact(manifest: Mapping[str, Any]) -> str:
    """The version of the harness that made a run, as far as the run knows it."""
    git, version = manifest.get("git") or {}, (manifest.get("packages") or {}).get(NAME)
    told = f"{NAME} {version}" if version else NAME
    if not git.get("commit"):
        return told
    changed = ", with uncommitted changes" if git.get("changed") else ""
    return f"{told} (commit {git['commit'][:10]}{changed})"


def name_of(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    """The words that tell a run from the others in a sentence: its differing settings, else its folder."""
    parts = {
        one.path: [
            str(one.manifest["experiment"]),
            str(one.manifest["task"]["name"]),
            str(one.manifest["model"]["name"]),
            f"seed {one.manifest['seed']}",
        ]
        for one in runs
    }
    differ = [i for i in range(4) if len({told[i] for told in parts.values()}) > 1]
    names = {path: ", ".join(told[i] for i in differ) for path, told in parts.items()}
    alone = list(names.values()).count(names[run.path]) == 1
    return names[run.path] if alone and names[run.path] else run.path.name
