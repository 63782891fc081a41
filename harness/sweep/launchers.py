"""Where packs run: in this process, on the GPUs of this machine, or as SLURM jobs; the last two through submitit."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from queue import SimpleQueue
from typing import Any, Protocol

from harness.console import log
from harness.errors import HarnessError
from harness.sweep.folder import Submission, Sweep
from harness.sweep.jobs import PackJob
from harness.sweep.slurm import check_slurm
from harness.sweep.work import work

LARGEST_ARRAY = 1000
"""Jobs in an array at most; SLURM's own default limit (MaxArraySize) is 1001."""

FOR_EVER = 60 * 24 * 365
"""Minutes; submitit wants a limit where there is none."""


@dataclass(frozen=True)
class Load:
    """A pack as it is handed out.

    Attributes:
        cells: still to be run, in this order. gpus: that their models need.
        engine: the same number for packs with the same engine settings.
    """

    cells: tuple[int, ...]
    gpus: int
    engine: int


class Launcher(Protocol):
    """Settings of `hydra/launcher`.

    Attributes:
        pack_by, pack_size: see `harness.sweep.packing.pack`.
        shards: engines that share the items of every cell; 1 is no sharing.
        waits: whether `start` comes back only when everything is over.
    """

    @property
    def pack_by(self) -> str: ...
    @property
    def pack_size(self) -> int | None: ...
    @property
    def shards(self) -> int: ...
    @property
    def waits(self) -> bool: ...

    def check(self, loads: Sequence[Load]) -> None:
        """Refuses what cannot work, before anything is written.

        Raises:
            HarnessError: naming what is lacking.
        """

    def start(self, sweep: Sweep, loads: Sequence[Load]) -> None:
        """Runs the packs, or hands them over.

        Raises:
            HarnessError: nothing, or not everything, could be started.
        """


@dataclass(frozen=True, kw_only=True)
class _Packing:
    """What all launchers can do: see `Launcher`."""

    pack_by: str = "engine"
    pack_size: int | None = None
    shards: int = 1

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise HarnessError(f"hydra.launcher.shards={self.shards}: at least one engine is needed")


@dataclass(frozen=True, kw_only=True)
class Local(_Packing):
    """Settings of `hydra/launcher=local`: all cells one after another in this process; what is loaded stays loaded."""

    waits = True

    def check(self, loads: Sequence[Load]) -> None:
        pass

    def start(self, sweep: Sweep, loads: Sequence[Load]) -> None:
        if not work(sweep, [index for load in loads for index in load.cells], f"process {os.getpid()}"):
            raise KeyboardInterrupt


@dataclass(frozen=True, kw_only=True)
class Gpus(_Packing):
    """Settings of `hydra/launcher=gpus`: a worker on each GPU of this machine, packs queued to them.

    A pack is cut in two as long as a GPU would have nothing to do.

    Attributes:
        devices: the GPUs to use; None is CUDA_VISIBLE_DEVICES where it is set, or all.
        gpus_per_job: None is what the largest model of the sweep needs, and at least one.
        retries: how often a cell whose worker was killed is started again.
    """

    waits = True

    devices: tuple[int, ...] | None = None
    gpus_per_job: int | None = None
    retries: int = 1

    def check(self, loads: Sequence[Load]) -> None:
        self._slots(loads)

    def start(self, sweep: Sweep, loads: Sequence[Load]) -> None:
        slots = self._slots(loads)
        free: SimpleQueue[tuple[int, ...]] = SimpleQueue()
        for slot in slots:
            free.put(slot)

        def run(load: Load) -> None:
            slot = free.get()
            try:
                if not sweep.cancelled:
                    self._run(sweep, load, slot)
            finally:
                free.put(slot)

        loads = spread(loads, len(slots))
        log(f"{len(loads)} jobs on {len(slots)} workers of {len(slots[0])} GPU(s)")
        with ThreadPoolExecutor(len(slots)) as threads:
            list(threads.map(run, loads))

    def _run(self, sweep: Sweep, load: Load, slot: tuple[int, ...]) -> None:
        from submitit import LocalExecutor

        executor = LocalExecutor(sweep.folder / "submitit")
        executor.update_parameters(gpus_per_node=len(slot), visible_gpus=slot, timeout_min=FOR_EVER)
        job: Any = executor.submit(PackJob(str(sweep.folder), load.cells, self.retries))
        log(f"cells {', '.join(map(str, load.cells))} on GPU {', '.join(map(str, slot))}; log: {job.paths.stderr}")
        while not job.done():
            time.sleep(0.1)

    def _slots(self, loads: Sequence[Load]) -> list[tuple[int, ...]]:
        devices = self.devices if self.devices is not None else _visible_gpus()
        size = self.gpus_per_job or max(1, *(load.gpus for load in loads), 1)
        if len(set(devices)) != len(devices) or len(devices) < size:
            raise HarnessError(
                f"hydra/launcher=gpus: {size} GPU(s) are needed for a job, and there are {len(devices)} "
                f"({', '.join(map(str, devices)) or 'nvidia-smi shows none'}); set hydra.launcher.devices=[0,1,...]"
            )
        return [tuple(devices[i : i + size]) for i in range(0, len(devices) - size + 1, size)]


@dataclass(frozen=True, kw_only=True)
class Slurm(_Packing):
    """Settings of `hydra/launcher=slurm`: an array of jobs for each engine setting; names as sbatch has them.

    Attributes:
        timeout_min: minutes that a job may take; one that takes longer is stopped and queued again.
        max_num_timeout: how often it is. 0 would also refuse to requeue preempted jobs of ten minutes or less, which
            submitit cannot tell from timed-out ones.
        signal_delay_s: how long before the limit a job is told to stop.
        gpus_per_node: None is what the models need: tensor times pipeline parallel size for vLLM, none for a server.
        mem_gb: None leaves it to the cluster.
        array_parallelism: jobs of an array at work at once.
        setup: shell lines before the job, as `module load cuda`.
        additional: any other option of sbatch, {"reservation": "eval"}.
        retries: how often a cell whose worker was killed is started again within its job.
        poll_s: seconds between two looks at the queue while the launching process waits.
    """

    waits = False

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

    def check(self, loads: Sequence[Load]) -> None:
        check_slurm()

    def start(self, sweep: Sweep, loads: Sequence[Load]) -> None:
        refused = None
        alike = sorted(loads, key=lambda load: (load.engine, load.gpus))
        for (_, gpus), group in groupby(alike, key=lambda load: (load.engine, load.gpus)):
            array = list(group)
            for i in range(0, len(array), LARGEST_ARRAY):
                try:
                    self._submit(sweep, array[i : i + LARGEST_ARRAY], gpus)
                except HarnessError as error:
                    refused = error
                    for index in (index for load in array[i : i + LARGEST_ARRAY] for index in load.cells):
                        sweep.change(index, state="failed", reason=str(error))
        if refused is not None:
            raise refused

    def _submit(self, sweep: Sweep, loads: Sequence[Load], gpus: int) -> None:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        executor = SlurmExecutor(sweep.folder / "submitit", max_num_timeout=self.max_num_timeout)
        executor.update_parameters(
            **self._parameters(sweep, gpus if self.gpus_per_node is None else self.gpus_per_node)
        )
        try:
            with executor.batch():
                jobs = [executor.submit(PackJob(str(sweep.folder), load.cells, self.retries)) for load in loads]
        except (FailedJobError, FailedSubmissionError) as error:
            lines = [line.removeprefix("sbatch: error: ") for line in str(error).strip().splitlines()]
            raise HarnessError(f"SLURM refuses the jobs: {'; '.join(lines)}; see hydra.launcher.*") from error
        sweep.add_submission(Submission({job.job_id: load.cells for job, load in zip(jobs, loads, strict=True)}))
        log(f"{len(loads)} job(s) submitted to SLURM as {jobs[0].job_id.partition('_')[0]}")

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


def spread(loads: Sequence[Load], workers: int) -> list[Load]:
    """Halves the largest packs until every worker has one, or every pack one cell."""
    loads = list(loads)
    while len(loads) < workers:
        largest = max(loads, key=lambda load: len(load.cells), default=None)
        if largest is None or len(largest.cells) < 2:
            break
        at, half = loads.index(largest), (len(largest.cells) + 1) // 2
        loads[at : at + 1] = [replace(largest, cells=part) for part in (largest.cells[:half], largest.cells[half:])]
    return loads


def _visible_gpus() -> tuple[int, ...]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if visible:
        try:
            return tuple(int(number) for number in visible.split(","))
        except ValueError as error:
            raise HarnessError(
                f"CUDA_VISIBLE_DEVICES={visible} names no GPUs by number; set hydra.launcher.devices=[0,1,...]"
            ) from error
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(range(sum(line.startswith("GPU ") for line in done.stdout.splitlines())))
