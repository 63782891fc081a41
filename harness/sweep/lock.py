"""Lets only one process at a time hand out the cells of a sweep."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict

from harness.errors import HarnessError
from harness.processes import ProcessId
from harness.sweep.folder import Sweep, unwritable


class Lock:
    """Held while a sweep's cells are handed out; a second holder is refused while the first lives.

    Raises:
        HarnessError: another process holds it.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.file = sweep.folder / "driver.json"

    def __enter__(self) -> Lock:
        draft = self.file.with_name(f".driver-{secrets.token_hex(4)}")
        try:
            draft.write_text(json.dumps(asdict(ProcessId.now())), encoding="utf-8")
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
        holder = holder_of(self.sweep)
        if holder is None:
            return
        lives = holder.lives()
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


def holder_of(sweep: Sweep) -> ProcessId | None:
    """The process that hands out the cells, or that died doing so; None when there is none.

    Raises:
        HarnessError: the file is damaged.
    """
    file = sweep.folder / "driver.json"
    try:
        return ProcessId(**json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise HarnessError(f"{file} is damaged ({error}); remove it") from error
