"""Sends a run to W&B while it goes on. The run directory stays the truth; W&B gets a copy of it."""

from __future__ import annotations

import netrc
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlparse

from harness.console import log
from harness.errors import HarnessError
from harness.redaction import without_secrets
from harness.tracker import RunResult, RunStart
from harness.tracking.contents import artifact_of, charts_of, drawings_of, summary_of, table_of, tables_of
from harness.tracking.trouble import first_line, told

Mode = Literal["auto", "online", "offline", "disabled"]

MODES: Mapping[str, Literal["online", "offline", "disabled"]] = {
    "online": "online",
    "run": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
    "shared": "online",
}
"""Names of W&B's modes, present and older ones."""

NAME, TAG = 128, 64
"""Most characters of a name, group or job type, and of a tag, that W&B takes."""

PATIENCE = 3.0
"""Seconds in which the server may learn that a run has ended."""


@dataclass(kw_only=True)
class Wandb:
    """Settings of `tracker=wandb`. No method raises: the run goes on after any error of W&B.

    Attributes:
        project, entity, group: the place of the run at W&B; None leaves it to W&B's own settings.
        name: the run's name; None is the experiment and the run directory's name.
        job_type: the kind of the run; None is the experiment.
        tags: tags besides the model and the task; notes: a text about the run.
        mode: "auto" is online when there is a key (WANDB_API_KEY or netrc) and offline otherwise, never a prompt.
            WANDB_MODE and WANDB_DISABLED, when set, win.
        init_timeout, finish_timeout: seconds after which a server that does not answer is given up.
        fallback: whether a run goes on offline when the server cannot be reached; else nothing is recorded.
        table_rows: rows of the outcome table; the artifact always holds all of them.
        stats: whether W&B samples processors, memory and GPUs while the run goes on.
        console: "wrap" also sends all printed lines. Other libraries' lines are sent as they are: credentials that
            these print are not struck out.
        problems: why something was not sent, empty as long as all is well.
    """

    project: str = "self-evaluation"
    entity: str | None = None
    group: str | None = None
    name: str | None = None
    job_type: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None
    mode: Mode = "auto"
    init_timeout: float = 30.0
    finish_timeout: float = 60.0
    fallback: bool = True
    table_rows: int = 5000
    stats: bool = True
    console: Literal["off", "wrap"] = "off"

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
            # The folder may be relative, and W&B's service process has its own working directory.
            options = {
                "project": self.project,
                "entity": self.entity,
                "group": _cut(self.group, NAME) if self.group else None,
                "job_type": _cut(self.job_type or run.experiment, NAME),
                "tags": list(dict.fromkeys(_cut(tag, TAG) for tag in (run.model, run.task, *self.tags) if tag)),
                "notes": self.notes,
                "id": run.run_id,
                "name": _cut(self.name or run.name, NAME),
                "config": dict(run.config),
                "dir": str(run.folder.resolve()),
                "resume": "allow",
            }
            self._run = self._open(mode, options)
            # The last point of the history is no result.
            self._run.define_metric("progress/items", summary="none")
            self._run.define_metric("progress/*", step_metric="progress/items", summary="none")
            where = self._run.url or f"offline; later: python -m harness wandb sync {run.folder}"
            log(f"W&B run {run.run_id}: {where}")

    @property
    def url(self) -> str:
        """The address of the open run; empty offline and without a run."""
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
            tables = tables_of(result) | table_of(result, self.table_rows)
            self._run.log(drawings_of(result) | tables | charts_of(result))
            self._run.log_artifact(artifact_of(result))
        self._close(0 if result.manifest["status"] == "finished" else 1)

    def abort(self) -> None:
        if self._run is not None:
            self._close(1)

    def _mode(self) -> Literal["online", "offline", "disabled"]:
        asked = forced_mode() or self.mode
        if asked == "auto":
            return "online" if has_key() else "offline"
        return asked

    def _open(self, mode: Literal["online", "offline"], options: Mapping[str, Any]) -> Any:
        import wandb

        settings = wandb.Settings(
            silent=True,
            console=self.console,
            init_timeout=self.init_timeout,
            finish_timeout=self.finish_timeout,
            x_transaction_log_flush_interval=2,  # a killed job keeps all but its last seconds
            x_disable_stats=not self.stats,
        )
        try:
            return _init(mode, settings, options)
        except Exception as error:
            if mode == "offline" or not self.fallback:
                wandb.teardown()
                raise
            self.problems.append(f"W&B cannot be reached ({first_line(error)})")
            log(f"{self.problems[-1]}; going on offline")
            wandb.teardown()  # the failed attempt still holds the run's id
            return _init("offline", settings, options)

    def _close(self, exit_code: int) -> None:
        begin = time.monotonic()
        with self._safely("finish"):
            self._run.finish(exit_code=exit_code)
        # W&B gives up without a word, and its data lie on this machine only.
        if time.monotonic() - begin >= self.finish_timeout:
            self.problems.append(f"the server had not taken everything after finish_timeout={self.finish_timeout:g} s")
            log(f"W&B: {self.problems[-1]}; later: python -m harness wandb sync RUN")
        self._run = None

    def _safely(self, what: str) -> AbstractContextManager[None]:
        return told(self.problems, "W&B", what)


def forced_mode() -> Literal["online", "offline", "disabled"] | None:
    """The mode that W&B's own environment variables ask for, old names of it included; None where they ask for none.

    Raises:
        HarnessError: WANDB_MODE is none of its names. To guess could send what was to stay here.
    """
    if os.environ.get("WANDB_DISABLED", "").strip().lower() in ("true", "1", "yes", "on"):
        return "disabled"
    asked = os.environ.get("WANDB_MODE", "").strip().lower()
    if asked in ("", "auto"):
        return None
    if asked not in MODES:
        raise HarnessError(f"WANDB_MODE={os.environ['WANDB_MODE']} is no mode of W&B: {', '.join(MODES)}")
    return MODES[asked]


def _init(mode: Literal["online", "offline"], settings: Any, options: Mapping[str, Any]) -> Any:
    """W&B's own init. It keeps the command line as the run's "args", and gets it without credentials."""
    import wandb

    real = sys.argv
    sys.argv = [*real[:1], *without_secrets(real[1:])]
    try:
        return wandb.init(**options, mode=mode, settings=settings)
    except Exception as error:
        # W&B's service of the process that started this one, which has ended since.
        if type(error).__name__ != "WandbServiceConnectionError" or os.environ.pop("WANDB_SERVICE", None) is None:
            raise
        return wandb.init(**options, mode=mode, settings=settings)
    finally:
        sys.argv = real


def _cut(text: str, limit: int) -> str:
    """At most so many characters, beginning and end, which often tells texts apart; W&B refuses more."""
    return text if len(text) <= limit else f"{text[: limit - 17]}\N{HORIZONTAL ELLIPSIS}{text[-16:]}"


def has_ended(path: str) -> bool:
    """Whether the server knows the end of a run: its client ends well even where the server refused the data.

    Args:
        path: ENTITY/PROJECT/ID.

    Raises:
        HarnessError: the server does not tell.
    """
    import wandb

    end = time.monotonic() + PATIENCE
    try:
        while (state := wandb.Api(timeout=10).run(path).state) == "running" and time.monotonic() < end:
            time.sleep(0.5)
    except Exception as error:
        raise HarnessError(f"W&B does not say whether all arrived ({first_line(error)})") from error
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
