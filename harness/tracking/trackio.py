"""Sends a run to Trackio: a database on this machine, or a server. The run directory stays the truth."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.console import log
from harness.tracker import RunResult, RunStart
from harness.tracking.numbers import claims_of, course_of, headline_of, numbers_table, settings_of, verdicts_table
from harness.tracking.trouble import told


@dataclass(kw_only=True)
class Trackio:
    """Settings of `tracker=trackio`. No method raises: the run goes on after any error of Trackio.

    Needs the package: pip install 'self-evaluation-harness[trackio]'. `trackio show` opens the pages; TRACKIO_DIR says
    where the databases lie.

    Attributes:
        project: where the run appears.
        name: the run's name; None is the experiment and the run directory's name.
        group: a group for the runs of a sweep; tags: labels of the run; notes: a text about it.
        server: address of a server of one's own; None is this machine. Its token is TRACKIO_WRITE_TOKEN.
        stats: whether processors and GPUs are sampled while the run goes on, where Trackio can.
        problems: why something was not recorded, empty as long as all is well.
    """

    project: str = "self-evaluation"
    name: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None
    server: str | None = None
    stats: bool = True

    def __post_init__(self) -> None:
        self._run: Any = None
        self.problems: list[str] = []

    def start(self, run: RunStart) -> None:
        with self._safely("start"):
            import trackio

            about = {"experiment": run.experiment, "model": run.model, "task": run.task, "run_id": run.run_id}
            about |= {"tags": ", ".join(self.tags), "notes": self.notes or ""}
            self._run = trackio.init(
                project=self.project,
                name=self.name or run.name,
                group=self.group,
                config=dict(settings_of(run.config)) | about,
                server_url=self.server,
                resume="allow",
                embed=False,
                auto_log_gpu=None if self.stats else False,
                auto_log_cpu=None if self.stats else False,
            )
            log(f"Trackio run {self._run.name} of project {self.project}; see: trackio show --project {self.project}")

    def progress(self, values: Mapping[str, float]) -> None:
        if self._run is not None:
            with self._safely("log progress"):
                self._run.log({f"progress/{name}": value for name, value in values.items()})

    def finish(self, result: RunResult) -> None:
        if self._run is None:
            return
        with self._safely("log results"):
            import trackio

            point: dict[str, Any] = {name: e.value for name, e in headline_of(result) if e.value is not None}
            point |= {f"claims/{text}": kind for text, kind in claims_of(result).items()}
            tables = {"numbers": numbers_table(result), "verdicts": verdicts_table(result)}
            point |= {
                name: trackio.Table(columns=columns, data=rows) for name, (columns, rows) in tables.items() if rows
            }
            self._run.log(point | course_of(result))
            if (result.folder / "report.html").exists():
                self._run.log_artifact(result.folder / "report.html", name=f"report-{result.manifest['run_id']}")
        self._close()

    def abort(self) -> None:
        if self._run is not None:
            with self._safely("log the end"):
                self._run.log({"status": "failed"})
            self._close()

    def _close(self) -> None:
        with self._safely("finish"):
            import trackio

            trackio.finish()
        self._run = None

    @contextmanager
    def _safely(self, what: str) -> Iterator[None]:
        """Without Trackio's own lines on stdout, where results go."""
        with told(self.problems, "Trackio", what), contextlib.redirect_stdout(io.StringIO()):
            yield
