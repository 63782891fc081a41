"""Makes jobs of the runs of a study: all are composed and checked before anything is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from harness.config import Job, load_job
from harness.errors import HarnessError
from harness.execution.checks import check_fields, check_parts, prepare_items, read_items, run_folder
from harness.execution.loading import models
from harness.files import as_name, user_path
from harness.runs.directory import config_digest
from harness.study.definition import Study
from harness.study.order import in_order, resolve
from harness.study.tables import check_table
from harness.study.verdicts import check
from harness.tasks.run import RunTask


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study whose jobs are known.

    Attributes:
        jobs: by the name of the run, in the order in which they are executed.
    """

    study: Study
    jobs: Mapping[str, Job]

    @property
    def folder(self) -> Path:
        """The folder of the study's report. Its name covers everything that can change a result."""
        content = [
            {name: config_digest(job.config) for name, job in sorted(self.jobs.items())},
            repr(self.study.claims),
        ]
        digest = hashlib.sha256(orjson.dumps(content)).hexdigest()[:8]
        job = next(iter(self.jobs.values()))
        models = dict.fromkeys(job.model.name for job in self.jobs.values())
        of = next(iter(models)) if len(models) == 1 else f"{len(models)}-models"
        return job.runs / "studies" / f"{self.study.name}-{as_name(of)}-{digest}"


def make_plan(study: Study, overrides: Sequence[str], config_dir: Path | None) -> Plan:
    """Composes and checks every run; overrides of the command line come after the study's.

    Some things only finished runs tell, and are not checked. Of a run about the outcomes of another (task=run): whether
    the texts of task.where occur, and how many items there are. Of a run that uses the fit of another
    (experiment.fitted): that fit. Of a claim or a table: whether its levels occur.

    Raises:
        HarnessError: as `load_job` and `prepare_items`, naming the run; an override that cannot be meant for all runs;
            two runs that are the same; or a claim or a table that names something unknown.
    """
    _check_overrides(study, overrides)
    jobs: dict[str, Job] = {}
    folders: dict[str, str] = {}
    fields: dict[str, set[str]] = {}
    for name in in_order(study.needs):
        try:
            job = load_job([*resolve(study.runs[name], folders), *overrides], config_dir)
            fields[name] = _check_run(job, jobs, folders, fields)
        except HarnessError as error:
            raise HarnessError(f"study {study.name!r}, run {name!r}: {error}") from error
        folder = str(run_folder(job))
        for other, taken in folders.items():
            if taken == folder:
                raise HarnessError(f"study {study.name!r}: runs {other!r} and {name!r} have the same settings")
        jobs[name], folders[name] = job, folder
    try:
        for claim in study.claims:
            check(claim, jobs)
        for table in study.tables:
            check_table(table, jobs)
    except HarnessError as error:
        raise HarnessError(f"study {study.name!r}: {error}") from error
    order = in_order(study.needs, lambda one, two: models(jobs[one]) == models(jobs[two]))
    return Plan(study=study, jobs={name: jobs[name] for name in order})


def _check_overrides(study: Study, overrides: Sequence[str]) -> None:
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0].partition(".")[0]
        if key == "experiment":
            raise HarnessError(f"{override}: a study chooses its experiments; write one of your own in study/NAME.yaml")
        if key == "task" and any(study.needs.values()):
            raise HarnessError(
                f"{override}: runs of study {study.name!r} take their items from other runs; write a study of your own "
                "in study/NAME.yaml"
            )


def _check_run(
    job: Job, jobs: Mapping[str, Job], folders: Mapping[str, str], fields: Mapping[str, set[str]]
) -> set[str]:
    """Checks a job, and gives the fields of its items."""
    earlier = next((name for name, folder in folders.items() if _reads(job, folder)), None)
    if earlier is None:
        fitted_here = job.experiment.fitted is not None and str(job.experiment.fitted) in folders.values()
        check_parts(job)
        items = read_items(job) if fitted_here else prepare_items(job)
        return {name for item in items.test for name in item.fields}
    assert isinstance(job.task, RunTask)
    check_parts(job)
    job.task.check(jobs[earlier].experiment.table(()).kinds, fields[earlier], f"run {earlier!r}")
    names = job.task.names(fields[earlier])
    check_fields(job, names)
    return names


def _reads(job: Job, folder: str) -> bool:
    return isinstance(job.task, RunTask) and user_path(job.task.run) == Path(folder)
