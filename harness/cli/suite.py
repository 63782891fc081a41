"""`run suite=NAME` runs several experiments on one loaded model and one store, and makes one report."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from harness.config import Job, load_job
from harness.console import log
from harness.engines.pool import EnginePool
from harness.errors import BaseHarnessError, HarnessError, nearest
from harness.execution.checks import prepare_items
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.execution.summary import print_summary
from harness.report.several import render_several
from harness.runs.directory import config_digest
from harness.runs.records import load_record
from harness.store.opened import OpenStore


def members(name: str, config_dir: Path | None) -> list[list[str]]:
    """The overrides of every run of a suite, from `suite/NAME.yaml` of the further config folder or of conf.

    Raises:
        HarnessError: no such suite, or a file that is no list of runs.
    """
    from omegaconf import OmegaConf

    import conf

    folders = [*([config_dir] if config_dir else []), Path(next(iter(conf.__path__)))]
    known = {file.stem: file for folder in reversed(folders) for file in sorted((folder / "suite").glob("*.yaml"))}
    if name not in known:
        raise HarnessError(f"there is no suite {name!r}{nearest(name, known)}")
    try:
        content = OmegaConf.to_container(OmegaConf.load(known[name]))
    except Exception as error:  # of YAML's making, or OmegaConf's
        raise HarnessError(f"{known[name]} cannot be read: {str(error).splitlines()[0]}") from error
    runs = content.get("runs") if isinstance(content, dict) and set(content) == {"runs"} else None
    if not isinstance(runs, list) or not runs or not all(isinstance(run, str) for run in runs):
        raise HarnessError(
            f"{known[name]}: a suite is one key `runs`, a list of lines like `experiment=pTrue limit=50`"
        )
    return [_words(run, known[name]) for run in runs]


def _words(run: str, file: Path) -> list[str]:
    """The overrides of one run, quoted as in a shell where one has a space in it."""
    try:
        return shlex.split(run)
    except ValueError as error:
        raise HarnessError(f"{file}: {run!r}: {str(error).lower()}; close the quotes") from error


def load_suite(name: str, overrides: Sequence[str], config_dir: Path | None) -> list[Job]:
    """The jobs of a suite, all checked; what the command line says comes after what the suite says.

    Raises:
        HarnessError: as `load_job`, naming the run; or an override that only one experiment can have.
    """
    for override in overrides:
        if override.lstrip("+").startswith("experiment"):
            raise HarnessError(f"{override}: a suite chooses its experiments; write one of your own in suite/NAME.yaml")
    jobs = []
    for run in members(name, config_dir):
        try:
            jobs.append(load_job([*run, *overrides], config_dir))
            prepare_items(jobs[-1])
        except HarnessError as error:
            raise HarnessError(f"suite {name!r}, run {' '.join(run)!r}: {error}") from error
    return jobs


def run_suite(name: str, overrides: Sequence[str], config_dir: Path | None) -> int:
    """Runs a suite to its report; a run that fails leaves the others going, unless the model cannot be loaded.

    Returns:
        The exit code: 0, or the first one that is not; 2 when a run stopped with an error and has no report;
        130 after Ctrl-C, with the report on what is finished.

    Raises:
        HarnessError: the model of a run cannot be loaded, no run has a report, or the suite's cannot be written.
    """
    jobs = load_suite(name, overrides, config_dir)
    pool, store = EnginePool(), OpenStore()
    sessions: list[Session] = []
    errors: dict[str, BaseHarnessError] = {}
    try:
        for i, job in enumerate(jobs):
            log(f"suite {name}: run {i + 1} of {len(jobs)}")
            players = [(player.engine or job.engine, player.model) for player in job.roles.values()]
            pool.keep_only([(job.engine, job.model), *players])
            try:
                sessions.append(execute(job, pool, store.at(job.store)))
                print_summary(sessions[-1])
            except BaseHarnessError as error:
                if pool.find((job.engine, job.model)) is None:
                    raise
                log(f"{job.name} stopped: {error}")
                errors[job.name] = error
                continue
            if sessions[-1].status == "interrupted":
                break
    finally:
        store.close()
        pool.close()
    for stopped in errors.values() if not sessions else ():
        raise stopped
    digest = hashlib.sha256(orjson.dumps([config_digest(job.config) for job in jobs])).hexdigest()[:8]
    folder = jobs[0].runs / "suites" / f"{name}-{jobs[0].model.name}-{digest}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page = render_several(f"Suite {name}", [load_record(s.run.path) for s in sessions], folder)
        (folder / "report.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot write {folder}: {error.strerror}; set runs=FOLDER to another") from error
    _summarise(sessions, errors, folder)
    return next((s.code for s in sessions if s.code), 2 if errors else 0)


def _summarise(sessions: Sequence[Session], errors: Mapping[str, BaseHarnessError], folder: Path) -> None:
    print(f"\n{'experiment':<24} {'asked':>8} {'shared':>8} {'seconds':>8}  status")
    for s in sessions:
        counts = s.store or {"asked": 0, "shared": 0}
        seconds = s.seconds.get("ask", 0.0)
        print(f"{s.job.name:<24} {counts['asked']:>8} {counts['shared']:>8} {seconds:>8.1f}  {s.status}")
    for name, error in errors.items():
        print(f"{name:<24} stopped without a report: {error}")
    print(f"report: {folder / 'report.html'}")
