"""The driver of a sweep: the one process that hands out its cells or submits its jobs."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict

from harness.errors import HarnessError
from harness.store.segments import Header, Origin
from harness.sweep.folder import Sweep, unwritable

NOBODY = Origin("")
"""A driver writes no calls; it only is a process that can be looked up, as the writer of a segment is."""


class Driver:
    """The one process that hands out a sweep's cells; a second one is refused while the first lives.

    Raises:
        HarnessError: another one is at work.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.file = sweep.folder / "driver.json"

    def __enter__(self) -> Driver:
        draft = self.file.with_name(f".driver-{secrets.token_hex(4)}")
        try:
            draft.write_text(json.dumps(asdict(Header.now(NOBODY))), encoding="utf-8")
            try:
                os.link(draft, self.file)
            except FileExistsError:
                self._take_over()
                os.link(draft, self.file)
            finally:
                draft.unlink()
        except OSError as error:
            raise unwritable(self.sweep.folder, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.file.unlink(missing_ok=True)

    def _take_over(self) -> None:
        holder = driver_of(self.sweep)
        if holder is None:
            return
        lives = holder.writer_lives()
        where = f"process {holder.pid} on {holder.host}"
        if lives:
            raise HarnessError(
                f"{self.sweep.folder} is driven by {where}; see `python -m harness sweep status {self.sweep.folder}`"
            )
        if lives is None:
            raise HarnessError(
                f"{self.sweep.folder} may still be driven by {where}, which cannot be seen from here; "
                f"if it is gone, remove {self.file}"
            )
        self.file.unlink(missing_ok=True)


def driver_of(sweep: Sweep) -> Header | None:
    """The process that hands out the cells, or that died doing so; None when there is none."""
    try:
        values = json.loads((sweep.folder / "driver.json").read_bytes())
        return Header(**{**values, "origin": NOBODY})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise HarnessError(f"{sweep.folder / 'driver.json'} is damaged ({error}); remove it") from error
