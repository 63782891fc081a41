"""Asks SLURM about its jobs with its own commands; works with and without accounting."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Collection

from harness.errors import HarnessError

OVER = {
    *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"),
    *("PREEMPTED", "REVOKED"),
}
"""States of jobs that will not run any more."""

PATIENCE = 60
"""Seconds that SLURM may take for an answer."""


class NoAnswer(HarnessError):
    """SLURM's controller is silent: nothing is known of a job then, not even that it is gone."""


def check_slurm() -> None:
    """Refuses a machine from which nothing can be submitted.

    Raises:
        HarnessError: a command is missing.
    """
    for command in ("sbatch", "srun", "squeue", "scontrol"):
        if shutil.which(command) is None:
            raise HarnessError(
                f"hydra/launcher=slurm: there is no {command} on the path; run this on a login node of the cluster "
                "(perhaps after `module load slurm`), or take hydra/launcher=gpus or local"
            )


def in_queue() -> dict[str, str]:
    """The user's jobs that are waiting or at work: state, and the reason for waiting, by job id ("12_0" in an array).

    Raises:
        NoAnswer: SLURM does not answer.
    """
    # By its number: a user of a container may have no name. A sweep may be looked at on Windows, where nobody has one.
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    out = _answer("squeue", "--noheader", "--array", "--user", user, "--format", "%i|%T|%r")
    jobs = {}
    for line in out.splitlines():
        job, state, reason = line.split("|", 2)
        if state not in OVER:
            jobs[job] = f"{state.lower()} ({reason})" if reason not in ("None", "") else state.lower()
    return jobs


def ends(jobs: Collection[str]) -> dict[str, str]:
    """How jobs ended, in words, as far as anybody knows: accounting where there is some, else SLURM's memory."""
    found: dict[str, str] = {}
    for array in {job.partition("_")[0] for job in jobs}:
        out = _ask("sacct", "-X", "-n", "-P", "-j", array, "-o", "JobID,State,ExitCode") or ""
        fields = [line.split("|") for line in out.splitlines() if line.count("|") == 2]
        found |= {job: _words(state, code) for job, state, code in fields}
        if not fields:
            found |= _remembered(array)
    return {job: end for job, end in found.items() if job in jobs}


def cancel_jobs(jobs: Collection[str]) -> None:
    """Takes jobs out of the queue, running ones too.

    Raises:
        HarnessError: SLURM refuses or does not answer.
    """
    try:
        subprocess.run(["scancel", *jobs], capture_output=True, text=True, check=True, timeout=PATIENCE)
    except subprocess.CalledProcessError as error:
        raise HarnessError(f"scancel failed: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"scancel failed: {error}") from error


def _remembered(array: str) -> dict[str, str]:
    found = {}
    for line in (_ask("scontrol", "show", "job", "--oneliner", array) or "").splitlines():
        fields = dict(re.findall(r"(\w+)=(\S*)", line))
        job = f"{fields['ArrayJobId']}_{fields['ArrayTaskId']}" if "ArrayTaskId" in fields else fields.get("JobId", "")
        if fields.get("JobState") in OVER:
            found[job] = _words(fields["JobState"], fields.get("ExitCode", "0:0"))
    return found


def _words(state: str, exit_code: str) -> str:
    code, _, number = exit_code.partition(":")
    how = f", signal {number}" if number not in ("", "0") else f", exit code {code}" if code != "0" else ""
    return f"{state.partition(' ')[0].lower().replace('_', ' ')}{how}"


def _ask(*words: str) -> str | None:
    try:
        return _answer(*words)
    except NoAnswer:
        return None


def _answer(*words: str) -> str:
    """The words that a command of SLURM prints."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    except subprocess.CalledProcessError as error:
        why = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        why = f"nothing within {PATIENCE} s"
    except OSError as error:
        why = error.strerror or str(error)
    raise NoAnswer(f"SLURM does not answer ({words[0]}: {why.removeprefix(f'{words[0]}: ')})")
