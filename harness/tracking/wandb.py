"""Sends a run to W&B while it goes on. The run directory stays the truth; W&B gets a copy of it."""

from __future__ import annotations

import netrc
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlparse

from harness.console import log
from harness.errors import HarnessError
from harness.tracker import RunResult, RunStart
from harness.tracking.contents import artifact_of, charts_of, drawings_of, summary_of, table_of, verdicts_of

Mode = Literal["auto", "online", "offline", "disabled"]


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

    def start(self, run: RunStart) -> None:
        with self._safely("start"):
            mode = self._mode()
            if mode == "disabled":
                return
            os.environ["WANDB_SILENT"] = "true"  # its hints and links; what matters is said in one line below
            # Artifacts and tables are staged outside of the run directory otherwise, and lost with the machine.
            for variable in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ARTIFACT_DIR"):
                os.environ[variable] = str(run.folder / ("" if variable == "WANDB_DIR" else "wandb"))
            # What was given as the folder may be relative; W&B's service process has a working directory of its own.
            options = {
                "project": self.project,
                "entity": self.entity,
                "group": self.group,
                "job_type": run.experiment,
                "tags": [tag[:64] for tag in (run.model, run.task) if tag],  # W&B refuses a run with others
                "id": run.run_id,
                "name": run.name,
                "config": dict(run.config),
                "dir": str(run.folder.resolve()),
                "resume": "allow",
            }
            self._run = self._open(mode, options)
            self._run.define_metric("progress/items")
            self._run.define_metric("progress/*", step_metric="progress/items")
            where = self._run.url or f"offline; later: python -m harness wandb sync {run.folder}"
            log(f"W&B run {run.run_id}: {where}")

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

    def finish(self, result: RunResult) -> None:
        if self._run is None:
            return
        with self._safely("log results"):
            self._run.summary.update(summary_of(result))
            tables = table_of(result, self.table_rows) | verdicts_of(result)
            self._run.log(drawings_of(result) | tables | charts_of(result))
            self._run.log_artifact(artifact_of(result))
        self._close(0 if result.manifest["status"] == "finished" else 1)

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
            log(f"{self.problems[-1]}; going on offline")
            wandb.teardown()  # the failed attempt still holds the run's id
            return wandb.init(**options, mode="offline", settings=settings)

    def _close(self, exit_code: int) -> None:
        begin = time.monotonic()
        with self._safely("finish"):
            self._run.finish(exit_code=exit_code)
        # W&B gives up without a word, and its data lie on this machine only.
        if time.monotonic() - begin >= self.finish_timeout:
            self.problems.append(f"the server had not taken everything after finish_timeout={self.finish_timeout:g} s")
            log(f"W&B: {self.problems[-1]}; later: python -m harness wandb sync RUN")
        self._run = None

    @contextmanager
    def _safely(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.problems.append(f"W&B could not {what} ({type(error).__name__}: {_first_line(error)})")
            log(f"{self.problems[-1]}; the run directory has everything")


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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
