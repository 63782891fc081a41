"""Keeps credentials out of a sweep's files: overrides name variables of the environment, which the workers inherit."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.redaction import struck, words_replaced
from harness.sweep.folder import Sweep

VARIABLE = "HARNESS_SECRET_"
_USE = re.compile(r"\$\{oc\.env:([^},]+)\}")


def hide(overrides: Sequence[str]) -> list[str]:
    """Overrides with `${oc.env:NAME}` in the place of every credential, which this process's environment then holds.

    A credential that the environment has already keeps its variable; others get HARNESS_SECRET_1 and so on. Hydra puts
    them in when a worker composes the config. The environment is inherited by local workers and, unless the cluster
    forbids it, by SLURM's jobs.
    """
    return [words_replaced(word, lambda secret: f"${{oc.env:{_variable(secret)}}}") for word in overrides]


def refuse_shown(launcher: Sequence[str]) -> None:
    """Refuses credentials in the launcher's own settings, which go into job scripts.

    Raises:
        HarnessError: one of them holds one.
    """
    for word in launcher:
        if struck(word) != word:
            raise HarnessError(
                f"{word}: a credential would stand in the sweep's folder and in the job's script; export the variable "
                "in the shell that launches the sweep, whose environment the jobs inherit"
            )


def check_present(sweep: Sweep) -> None:
    """Checks that the environment has the credentials of a sweep, which its folder does not hold.

    Raises:
        HarnessError: one is missing.
    """
    for cell in sweep.cells:
        for word in cell.overrides:
            for name in _USE.findall(word):
                if name.startswith(VARIABLE) and name not in os.environ:
                    raise HarnessError(
                        f"{word}: the credential is not kept in {sweep.folder}; export {name}=..., or give the "
                        "command that launched the sweep again"
                    )


def _variable(secret: str) -> str:
    """The environment's variable that holds a credential."""
    known = next((name for name, value in os.environ.items() if value == secret and name.isidentifier()), None)
    if known is None:
        known = next(f"{VARIABLE}{n}" for n in range(1, len(os.environ) + 2) if f"{VARIABLE}{n}" not in os.environ)
        os.environ[known] = secret
    return known
