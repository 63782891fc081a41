"""Submits packs to SLURM as arrays of jobs, and reads from SLURM's queue what has become of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, ClassVar

from harness.console import log
from harness.errors import HarnessError
from harness.sweep.folder import Pack, Status, Sweep
from harness.sweep.launch.base import Launcher
from harness.sweep.launch.queue import NoAnswer, cancel_jobs, check_slurm, ends, in_queue
from harness.sweep.launch.supervisor import Supervisor
from harness.sweep.status import Seen, View

LARGEST_ARRAY = 1000
"""Jobs in an array at most; SLURM's own default limit (MaxArraySize) is 1001."""


@dataclass(frozen=True, kw_only=True)
class Slurm(Launcher):
    """Settings of `hydra/launcher=slurm`: an array of jobs for each engine setting; names as sbatch has them.

    Attributes:
        partition, account, qos, constraint: options of sbatch; None leaves them to the cluster.
        timeout_min: minutes that a job may take; one that takes longer is stopped and queued again.
        max_num_timeout: how often a job is queued again after it took too long. 0 would also refuse to requeue
            preempted jobs of ten minutes or less, which submitit cannot tell from timed-out ones.
        signal_delay_s: seconds before the limit at which a job is told to stop.
        gpus_per_node: None is as many as the models need: tensor times pipeline parallel size for vLLM, none for a
            server.
        cpus_per_task: processors of a job.
        mem_gb: memory of a job in GB; None leaves it to the cluster.
        array_parallelism: jobs of an array at work at once.
        setup: shell lines before the job, as `module load cuda`.
        additional: any other option of sbatch, {"reservation": "eval"}.
        retries: how often a cell whose worker was killed is started again within its job.
        poll_s: seconds between two looks at the queue while the launching process waits.
    """

    detached: ClassVar[bool] = True

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    timeout_min: int = 240
    max_num_timeout: int = 20
    signal_delay_s: int = 120
    gpus_per_node: int | None = None
    cpus_per_task: int = 8
    mem_gb: float | None = None
    array_parallelism: int = 256
    setup: tuple[str, ...] = ()
    additional: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 1
    poll_s: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_num_timeout < 1:
            raise HarnessError(
                f"hydra.launcher.max_num_timeout={self.max_num_timeout}: give 1 or more; with 0 a preempted job would "
                "not come back either"
            )
        if not 0 < self.signal_delay_s < 60 * self.timeout_min:
            raise HarnessError(
                f"hydra.launcher.signal_delay_s={self.signal_delay_s}: give more than 0 and less than the "
                f"{60 * self.timeout_min} s of hydra.launcher.timeout_min={self.timeout_min}"
            )

    @property
    def look_every(self) -> float:
        return self.poll_s

    def check(self, packs: Sequence[Pack]) -> None:
        check_slurm()

    def start(self, sweep: Sweep, packs: Sequence[Pack]) -> None:
        refused = None
        alike = sorted(packs, key=lambda pack: (pack.engine, pack.gpus))
        for (_, gpus), group in groupby(alike, key=lambda pack: (pack.engine, pack.gpus)):
            array = list(group)
            for i in range(0, len(array), LARGEST_ARRAY):
                try:
                    self._submit(sweep, array[i : i + LARGEST_ARRAY], gpus)
                except HarnessError as error:
                    refused = error
                    for index in (index for pack in array[i : i + LARGEST_ARRAY] for index in pack.cells):
                        sweep.change(index, state="failed", reason=str(error))
        if refused is not None:
            raise refused

    def states(self, sweep: Sweep) -> View:
        return by_queue(sweep)

    def stop(self, sweep: Sweep) -> None:
        try:
            queue = in_queue()
        except NoAnswer as error:
            raise HarnessError(f"{error}; running cells stop by themselves, waiting ones when they start") from error
        if jobs := [job for job in sweep.jobs() if job in queue]:
            cancel_jobs(jobs)

    def _submit(self, sweep: Sweep, packs: Sequence[Pack], gpus: int) -> None:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        executor = SlurmExecutor(sweep.folder / "submitit", max_num_timeout=self.max_num_timeout)
        executor.update_parameters(
            **self._parameters(sweep, gpus if self.gpus_per_node is None else self.gpus_per_node)
        )
        try:
            with executor.batch():
                jobs = [executor.submit(Supervisor(str(sweep.folder), pack.cells, self.retries)) for pack in packs]
        except (FailedJobError, FailedSubmissionError) as error:
            lines = [line.removeprefix("sbatch: error: ") for line in str(error).strip().splitlines()]
            raise HarnessError(f"SLURM refuses the jobs: {'; '.join(lines)}; see hydra.launcher.*") from error
        sweep.add_jobs({job.job_id: pack.cells for job, pack in zip(jobs, packs, strict=True)})
        log(f"{len(packs)} job(s) submitted to SLURM as {jobs[0].job_id.partition('_')[0]}")

    def _parameters(self, sweep: Sweep, gpus: int) -> dict[str, Any]:
        given = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "gpus_per_node": gpus or None,
            "mem": None if self.mem_gb is None else f"{round(self.mem_gb * 1024)}MB",
        }
        return {
            "job_name": sweep.name,
            "time": self.timeout_min,
            "cpus_per_task": self.cpus_per_task,
            "signal_delay_s": self.signal_delay_s,
            "array_parallelism": self.array_parallelism,
            "setup": list(self.setup),
            # Else a cluster may neither requeue a timed-out job nor one whose node died.
            "additional_parameters": {"requeue": True, **self.additional},
            **{name: value for name, value in given.items() if value is not None},
        }


def by_queue(sweep: Sweep) -> View:
    """The state of every cell: its own file, corrected by SLURM's word about its job.

    SLURM is asked first and the files are read afterwards: a job that has left the queue has written its last state.
    """
    try:
        queue = in_queue()
    except NoAnswer as error:
        return _as_written(sweep, str(error))
    jobs = sweep.jobs()
    job_of = {cell: job for job, cells in jobs.items() for cell in cells}
    statuses = [sweep.status(cell.index) for cell in sweep.cells]
    # A whole cell is in no pack: the job that had its last shard makes it.
    names = [job_of.get(cell.index, status.job) for cell, status in zip(sweep.cells, statuses, strict=True)]
    gone = {name for name, s in zip(names, statuses, strict=True) if name and not s.settled and name not in queue}
    how = ends(gone) if gone else {}
    seen = []
    for cell, status, name in zip(sweep.cells, statuses, names, strict=True):
        if name in queue:
            waits = any(not statuses[i].settled for i in jobs.get(name, ()) if i < cell.index)
            state = "behind other cells of its job" if waits else queue[name]
            seen.append(Seen(cell, _in_job(status, name, state), True))
        elif status.settled or sweep.shards(cell.index):
            seen.append(Seen(cell, status, False))
        else:
            reason = _lost(sweep, status, name, how.get(name)) if name else "no job was submitted for it"
            seen.append(Seen(cell, replace(status, state="failed", job=name, reason=reason), False))
    return View(tuple(seen))


def _as_written(sweep: Sweep, why: str) -> View:
    """The cells as their files have them while SLURM tells nothing; of one that is not settled no more is known."""
    job_of = {cell: job for job, cells in sweep.jobs().items() for cell in cells}
    seen = []
    for cell in sweep.cells:
        status = sweep.status(cell.index)
        if status.settled:
            seen.append(Seen(cell, status, False))
        else:
            last = f"last written: {status.state}{f' ({status.reason})' if status.reason else ''}"
            job = job_of.get(cell.index, status.job)
            seen.append(Seen(cell, replace(status, state="unknown", reason=last, job=job), True))
    return View(tuple(seen), "" if all(one.status.settled for one in seen) else why)


def _in_job(status: Status, job: str, state: str) -> Status:
    if status.state != "queued":
        return status
    return replace(status, job=job, reason=status.reason or ("starting" if state == "running" else state))


def _lost(sweep: Sweep, status: Status, job: str, how: str | None) -> str:
    if sweep.cancelled:
        return "cancelled"
    ended = f"job {job} is over ({how})" if how else f"job {job} is gone from SLURM's queue"
    did = "did not come to this cell" if status.state == "queued" and not status.host else "left it unfinished"
    file = sweep.folder / "submitit" / f"{job}_0_log.err"
    hint = f"see {file}" if file.exists() else f"no log: do the compute nodes see {sweep.folder}?"
    return f"{ended} and {did}; {hint}"
