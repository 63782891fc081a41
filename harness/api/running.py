"""Runs an experiment from Python, as `python -m harness run` does from the command line."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.api.results import Run
from harness.config import GROUPS, Job, load_job
from harness.console import log, silence
from harness.engines.pool import EnginePool
from harness.errors import EngineDied, HarnessError
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.experiment import Experiment
from harness.places.folders import see_working_directory
from harness.processes.own_thread import in_own_thread
from harness.runs.records import load_record

_COMPOSING = threading.Lock()
"""Hydra composes one config at a time: it keeps what it works on in a global variable."""


def run(
    experiment: str | Experiment | type[Experiment],
    *overrides: str,
    engines: EnginePool | None = None,
    quiet: bool = False,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Run:
    """Runs an experiment to its report; what was asked before is answered from the store.

    It works in scripts, in notebooks (also while an event loop runs) and in threads. On Ctrl-C, or when a cell is
    stopped, the run directory first gets the report on the finished items.

    Args:
        experiment: a name in conf/experiment, "package.module:Class", a class of one's own, or an
            object of it, which holds its settings. A class has no YAML file: no claims unless `claims` is given, and
            the default task unless `task` is.
        overrides: further settings as on the command line, "experiment.shots=3" or "task.path=mine.jsonl".
        engines: where loaded models stay for further runs. Without it they are closed at the end.
        quiet: print nothing.
        config_dir: a further folder of config files, as --config-dir.
        settings: settings of conf/config.yaml as Python values: `model="Qwen/Qwen3-0.6B"`, `task="gsm8k"`,
            `limit=100`, `seed=1`, `claims=[{...}]`. A task, model, engine or tracker may be an object, too. Settings
            inside of one have a dot: `**{"model.revision": "main"}`.

    Returns:
        The finished run.

    Raises:
        HarnessError: bad input, with the message of the command line; or more items failed than `max_failed` allows.
        EngineDied: the engine stopped. As for too many failures, the run directory has the report on the finished
            items.
        KeyboardInterrupt: after Ctrl-C, when that report is written.
    """
    with ExitStack() as stack:
        if quiet:
            stack.enter_context(silence())
        folder = Path(config_dir).expanduser() if config_dir is not None else None
        job = _job(overrides, folder, {"experiment": experiment, **settings})
        session = in_own_thread(lambda ended: execute(job, engines, cancelled=ended), "harness.run")
        return _finished(session)


def _job(overrides: Sequence[str], folder: Path | None, settings: Mapping[str, Any]) -> Job:
    words, values, built = [*overrides], dict[str, Any](), dict[str, Any]()
    for key, value in settings.items():
        if key not in GROUPS:
            values[key] = value
        elif isinstance(value, (str, Path)):
            words.append(f"{key}={value}")
        else:
            built[key] = value() if isinstance(value, type) else value
    with _COMPOSING:
        see_working_directory()
        return load_job(words, folder, values=values, built=built)


def _finished(session: Session) -> Run:
    path = session.run.path
    if session.status == "finished":
        log(f"report: {path / 'report.html'}")
        return Run(load_record(path), session.job)
    there = f"what is finished: harness.load_run({str(path)!r})"
    if session.status == "interrupted":
        log(there)
        raise KeyboardInterrupt
    kind = EngineDied if session.status == "engine died" else HarnessError
    raise kind(f"{session.error}; {there}")
