"""Lets one process at a time change a run directory, and puts new results in the place of old ones as a whole.

New results are written into a folder of their own inside of the run directory. When they are complete and on the disk,
one rename says that they hold. Then each takes its place; the directory's next owner completes what a killed process
has begun. Meanwhile manifest.json says "replacing", so that nobody takes a mixture for results.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.errors import HarnessError
from harness.files import flush, json_of, refused, write_whole
from harness.processes.lock import Holder, Lock, holder_of

OWNER = "owner.json"
"""Names the process that may change the directory, or that died while it did."""

REPLACING = "replacing"
"""The status of a run whose results are being replaced."""

FIX = "set runs=FOLDER, then run the same command again: what was answered is kept"

_READY = ".results"
"""Complete new results, some of which may be in their place already."""


class Owned:
    """A run directory that only this process may change, until it is released.

    Args:
        run: must exist.
        doing: the work of this process, for others that want the directory: "run", "report".
        patience: seconds to wait at most for another process.
        ended: looked at while waiting; once true, `KeyboardInterrupt` is raised.
        fix: advice for the user when the directory cannot be written; ends the message.

    Attributes:
        stage: the folder of new results.
        waited: whether another process had the directory first.

    Raises:
        HarnessError: there is no such directory, it cannot be written, or another process has it.
    """

    def __init__(
        self,
        run: Path,
        doing: str,
        *,
        patience: float = math.inf,
        ended: Callable[[], bool] = lambda: False,
        fix: str = FIX,
    ) -> None:
        if not run.is_dir():
            raise HarnessError(f"{run}: no such run directory")
        self.run, self._fix = run, fix
        self._lock = Lock(run / OWNER, f"the run directory {run}", doing)
        try:
            self._lock.take(patience, ended)
            try:
                self._settle()
                self._tidy()
                self.stage = run / f".new-{self._lock.key}"
                self.stage.mkdir()
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise self._refused(error) from error

    @property
    def waited(self) -> bool:
        """Whether another process had the directory first, whose results may answer everything."""
        return self._lock.waited

    def _tidy(self) -> None:
        """Removes what killed processes have left; one that waits at this moment can do without its own."""
        for left in self.run.glob(".new-*"):
            shutil.rmtree(left)
        for pattern in (".clock-*", f".{OWNER}-*", ".*.part"):
            for file in self.run.glob(pattern):
                file.unlink(missing_ok=True)

    def publish(self) -> None:
        """Puts everything in `stage` in its place.

        Raises:
            HarnessError: the directory cannot be written, or was taken over by another process.
        """
        try:
            for file in sorted(self.stage.rglob("*")):
                flush(file)
            flush(self.stage)
            self.check()
            self.stage.rename(self.run / _READY)
            flush(self.run)
            self._settle()
        except OSError as error:
            raise self._refused(error) from error

    def check(self) -> None:
        """Raises HarnessError: another process took this one for dead, and owns the directory now."""
        if not self._lock.mine:
            holder = holder_of(self.run / OWNER)
            raise HarnessError(
                f"the run directory {self.run} was taken over by {holder or 'another process'} while this one gave no "
                "sign of life; what was answered is kept, the same command goes on from there"
            )

    def release(self) -> None:
        """Releases the directory to others, and removes unpublished files."""
        shutil.rmtree(self.stage, ignore_errors=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.release()

    def _settle(self) -> None:
        """Puts complete new results in their places, the manifest last; goes on where a killed process has stopped."""
        ready = self.run / _READY
        if not ready.is_dir():
            return
        if (ready / "manifest.json").is_file():
            try:
                manifest = dict(json_of((ready / "manifest.json").read_bytes()))
            except (ValueError, TypeError) as error:
                raise HarnessError(
                    f"{ready / 'manifest.json'} is damaged: {error}; remove {ready}, then run the same command again"
                ) from error
            self.write("manifest.json", json.dumps({**manifest, "status": REPLACING}, indent=2, ensure_ascii=False))
        for new in sorted(ready.iterdir(), key=lambda one: (one.name == "manifest.json", one.name)):
            place = self.run / new.name
            if new.is_dir() and place.is_dir():
                shutil.rmtree(place)
            if new.name == "manifest.json":
                flush(self.run)
            new.replace(place)
        ready.rmdir()
        flush(self.run)

    def write(self, name: str, text: str) -> None:
        """Writes a file of the directory itself, whole or not at all.

        Raises:
            HarnessError: it cannot be written.
        """
        write_whole(self.run / name, text, self._fix, f"the run directory {self.run}")

    def _refused(self, error: OSError) -> HarnessError:
        return refused(f"the run directory {self.run}", error, self._fix)


def without_results(run: Path, manifest: Any) -> str:
    """Why a run has no results that can be read now, and the remedy; "" where nothing stands against reading them."""
    holder: Holder | None = None
    with suppress(HarnessError):
        holder = holder_of(run / OWNER)
    status = manifest.get("status") if isinstance(manifest, dict) else None
    at_work = holder is not None and holder.lives
    if status == REPLACING:
        if at_work:
            return f"{run}: its results are being replaced by {holder}; wait for its end"
        return (
            f"{run}: its results were being replaced when the process died; `python -m harness report {run}` "
            "completes that, without a model"
        )
    if (run / "estimates.json").is_file():
        return ""
    if at_work:
        return f"{run}: the run has no results yet (it is at work: {holder}); wait for its end"
    again = "run its command again: what was answered is kept"
    if status == "running":
        who = (
            f"process {holder.process.pid} on {holder.process.host} died" if holder is not None else "its process died"
        )
        return f"{run}: the run has no results ({who}); {again}"
    why = manifest.get("error") if isinstance(manifest, dict) else None
    return f"{run}: the run has no results (it is {status}{f': {why}' if why else ''}); {again}"
