"""The W&B tracker: one more reader of what a run leaves. The run directory stays the truth."""

from __future__ import annotations

import netrc
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

import numpy as np

from harness.errors import HarnessError
from harness.figures import Drawing, Figure
from harness.outcomes import Table
from harness.statistics.estimates import Estimate
from harness.tracking.series import Chart, chart

Mode = Literal["auto", "online", "offline", "disabled"]

ARTIFACT = ("manifest.json", "outcomes.parquet", "estimates.json", "verdicts.json", "calls.jsonl", "report.html")
"""What the artifact holds of the run directory: everything that the table was cut from."""


@dataclass(kw_only=True)
class Wandb:
    """Settings of `tracker=wandb`. No method raises: whatever W&B does, the run goes on.

    Attributes:
        project, entity, group: where the run appears; None leaves it to W&B's own settings.
        mode: "auto" is online when there is a key (WANDB_API_KEY or netrc) and offline otherwise, never a prompt.
            WANDB_MODE, when set, wins.
        init_timeout, finish_timeout: seconds after which a server that does not answer is given up.
        fallback: whether a run goes on offline when the server cannot be reached; else nothing is recorded.
        table_rows: rows of the outcome table; the artifact always holds all of them.
        problems: why something was not sent, empty as long as all is well.
    """

    project: str = "self-evaluation"
    entity: str | None = None
    group: str | None = None
    mode: Mode = "auto"
    init_timeout: float = 30.0
    finish_timeout: float = 60.0
    fallback: bool = True
    table_rows: int = 5000

    def __post_init__(self) -> None:
        self._run: Any = None
        self.problems: list[str] = []

    def start(
        self, *, run_dir: Path, run_id: str, name: str, config: Mapping[str, Any], job_type: str, tags: Sequence[str]
    ) -> None:
        with self._safely("start"):
            mode = self._mode()
            if mode == "disabled":
                return
            os.environ["WANDB_SILENT"] = "true"  # its hints and links; what matters is said in one line below
            # Artifacts and tables are staged outside of the run directory otherwise, and lost with the machine.
            for variable in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ARTIFACT_DIR"):
                os.environ[variable] = str(run_dir / ("" if variable == "WANDB_DIR" else "wandb"))
            # What was given as the folder may be relative; W&B's service process has a working directory of its own.
            options = {
                "project": self.project,
                "entity": self.entity,
                "group": self.group,
                "job_type": job_type,
                "tags": [tag[:64] for tag in tags if tag],  # W&B refuses a run with others
                "id": run_id,
                "name": name,
                "config": dict(config),
                "dir": str(run_dir.resolve()),
                "resume": "allow",
            }
            self._run = self._open(mode, options)
            self._run.define_metric("progress/items")
            self._run.define_metric("progress/*", step_metric="progress/items")
            where = self._run.url or f"offline; later: python -m harness wandb sync {run_dir}"
            print(f"harness: W&B run {run_id}: {where}", file=sys.stderr)

    @property
    def url(self) -> str:
        """Where the run that is open is to be seen; empty offline and without one."""
        return str(self._run.url or "") if self._run is not None else ""

    @property
    def path(self) -> str:
        """ENTITY/PROJECT/ID of the run that is open; empty without one."""
        return str(self._run.path) if self._run is not None else ""

    def progress(self, values: Mapping[str, float]) -> None:
        if self._run is not None:
            with self._safely("log progress"):
                self._run.log({f"progress/{name}": value for name, value in values.items()})

    def finish(
        self,
        run_dir: Path,
        manifest: Mapping[str, Any],
        table: Table,
        estimates: Sequence[Estimate],
        drawings: Sequence[Drawing],
        *,
        figures: Sequence[Figure] = (),
    ) -> None:
        if self._run is None:
            return
        with self._safely("log results"):
            self._run.summary.update(_summary(manifest, estimates))
            self._run.log(self._media(table, drawings) | _charts(figures, table))
            self._run.log_artifact(_artifact(run_dir, manifest))
        self._close(0 if manifest["status"] == "finished" else 1)

    def abort(self) -> None:
        if self._run is not None:
            self._close(1)

    def _mode(self) -> Literal["online", "offline", "disabled"]:
        asked = os.environ.get("WANDB_MODE") or self.mode
        if os.environ.get("WANDB_DISABLED", "").lower() in ("true", "1"):
            return "disabled"
        if asked in ("online", "offline", "disabled"):
            return asked  # type: ignore[return-value]
        return "online" if has_key() else "offline"

    def _open(self, mode: Literal["online", "offline"], options: Mapping[str, Any]) -> Any:
        import wandb

        settings = wandb.Settings(
            silent=True,
            console="off",
            init_timeout=self.init_timeout,
            finish_timeout=self.finish_timeout,
            x_transaction_log_flush_interval=2,  # a killed job keeps all but its last seconds
            x_disable_stats=True,
        )
        try:
            return wandb.init(**options, mode=mode, settings=settings)
        except Exception as error:
            if mode == "offline" or not self.fallback:
                wandb.teardown()
                raise
            self.problems.append(f"W&B cannot be reached ({_first_line(error)})")
            _warn(f"{self.problems[-1]}; going on offline")
            wandb.teardown()  # the failed attempt still holds the run's id
            return wandb.init(**options, mode="offline", settings=settings)

    def _media(self, table: Table, drawings: Sequence[Drawing]) -> dict[str, Any]:
        import io

        import wandb
        from PIL import Image

        media: dict[str, Any] = {}
        for drawing in drawings:
            picture = Image.open(io.BytesIO(drawing.png))
            media[f"figures/{drawing.name}"] = wandb.Image(picture, caption=drawing.title)
        shown = table.where(np.arange(len(table)) < self.table_rows)
        if len(shown) < len(table):
            _warn(f"W&B's outcome table shows {len(shown)} of {len(table)} rows; the artifact holds all")
        names = list(shown.columns)
        rows = zip(*(_plain(shown.columns[name], shown.kinds[name]) for name in names), strict=True)
        media["outcomes"] = wandb.Table(columns=names, data=[list(row) for row in rows])
        return media

    def _close(self, exit_code: int) -> None:
        begin = time.monotonic()
        with self._safely("finish"):
            self._run.finish(exit_code=exit_code)
        # W&B gives up without a word, and its data lie on this machine only.
        if time.monotonic() - begin >= self.finish_timeout:
            self.problems.append(f"the server had not taken everything after finish_timeout={self.finish_timeout:g} s")
            _warn(f"W&B: {self.problems[-1]}; later: python -m harness wandb sync RUN")
        self._run = None

    @contextmanager
    def _safely(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.problems.append(f"W&B could not {what} ({type(error).__name__}: {_first_line(error)})")
            _warn(f"{self.problems[-1]}; the run directory has everything")


def has_ended(path: str, patience: float = 3.0) -> bool:
    """Whether the server knows the end of a run: its client ends well even where the server refused the data.

    Args:
        path: ENTITY/PROJECT/ID; patience: seconds to wait for it.

    Raises:
        HarnessError: the server does not tell.
    """
    import wandb

    end = time.monotonic() + patience
    try:
        while (state := wandb.Api(timeout=10).run(path).state) == "running" and time.monotonic() < end:
            time.sleep(0.5)
    except Exception as error:
        raise HarnessError(f"W&B does not say whether all arrived ({_first_line(error)})") from error
    return bool(state != "running")


def has_key() -> bool:
    """Whether W&B would find a key without asking for one: WANDB_API_KEY, or netrc for the server in use."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb

    host = urlparse(os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _summary(manifest: Mapping[str, Any], estimates: Sequence[Estimate]) -> dict[str, Any]:
    # Keys without dots, which W&B would take for nesting: metric/level, metric/level/low, ...
    summary: dict[str, Any] = {
        "status": manifest["status"],
        "items_done": manifest["items_done"],
        "items_failed": manifest["items_failed"],
        "seconds": manifest.get("seconds", {}),
        "engine_busy": manifest.get("engine_busy"),
    }
    for e in estimates:
        key = "/".join([e.metric, *e.level.values()]).replace(".", "_")
        parts = {"": e.value, "/low": e.low, "/high": e.high, "/n": e.n, "/n_failed": e.n_failed}
        summary |= {f"{key}{part}": value for part, value in parts.items() if value is not None}
    return summary


def _charts(figures: Sequence[Figure], table: Table) -> dict[str, Any]:
    """Charts that W&B draws, and with reliability diagrams a table of their points and intervals."""
    import wandb

    made: dict[str, Any] = {}
    for one in filter(None, (chart(figure, table) for figure in figures)):
        made[f"charts/{one.name}"] = wandb.plot.line_series(
            xs=[list(line.x) for line in one.lines],
            ys=[list(line.y) for line in one.lines],
            keys=[line.name for line in one.lines],
            title=one.title,
            xname=one.x_name,
        )
        points = _points(one)
        if points:
            columns = ["line", one.x_name, one.y_name, "low", "high", "n"]
            made[f"points/{one.name}"] = wandb.Table(columns=columns, data=points)
    return made


def _points(one: Chart) -> list[list[Any]]:
    columns = ((line, zip(line.x, line.y, line.low, line.high, line.n, strict=True)) for line in one.lines if line.n)
    return [[line.name, *values] for line, rows in columns for values in rows]


def _artifact(run_dir: Path, manifest: Mapping[str, Any]) -> Any:
    import wandb

    artifact = wandb.Artifact(f"run-{manifest['run_id']}", type="run", metadata={"status": manifest["status"]})
    for name in ARTIFACT:
        if (run_dir / name).exists():
            artifact.add_file(str(run_dir / name), name=name)
    return artifact


def _plain(values: np.ndarray, kind: str) -> list[Any]:
    if kind == "text":
        return list(values)
    if kind == "label":
        return [None if np.isnan(v) else bool(v) for v in values]
    return [None if np.isnan(v) else float(v) for v in values]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]


def _warn(text: str) -> None:
    print(f"harness: {text}", file=sys.stderr)
