"""Finds repositories of the Hugging Face hub as local folders, with errors that name the fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.processes.imports import LARGE

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def is_pointer(file: Path) -> bool:
    """Whether a file is a pointer that Git LFS leaves in place of one that was not loaded."""
    with file.open("rb") as stream:
        return stream.read(24) == b"version https://git-lfs."


def download(key: str, source: str, revision: str | None, wanted: Sequence[str]) -> Path:
    """The folder of a hub repository's top-level files; what is there already is not loaded again.

    Args:
        key: the setting that named it, for messages.
        wanted: patterns of file names.

    Raises:
        HarnessError: no such repository or revision, no access, the hub cannot be reached, or no room.
    """
    with LARGE:
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import (
            GatedRepoError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

    label = f"{key}={source}" + (f" at revision {revision}" if revision else "")
    try:
        # Sub-folders and "consolidated" files hold the same weights once more in other formats.
        place = snapshot_download(
            source, revision=revision, allow_patterns=list(wanted), ignore_patterns=["*/*", "consolidated*"]
        )
    except GatedRepoError as error:
        raise HarnessError(
            f"{label}: access must be asked for on the model's hub page; then set HF_TOKEN to a token of that account"
        ) from error
    except RevisionNotFoundError as error:
        raise HarnessError(f"{label}: the model has no such branch, tag or commit") from error
    except RepositoryNotFoundError as error:
        raise HarnessError(
            f"{label}: no such folder here and no such model on the hub; check the spelling, or, for a private model, "
            "set HF_TOKEN"
        ) from error
    except LocalEntryNotFoundError as error:
        offline = "HF_HUB_OFFLINE is set" if constants.is_offline_mode() else "the hub cannot be reached"
        raise HarnessError(
            f"{label}: not downloaded yet, and {offline}; go online once, or give a local folder as {key}"
        ) from error
    except HFValidationError as error:
        raise HarnessError(f"{label}: neither a folder here nor a hub id; {error}") from error
    except OSError as error:
        raise HarnessError(
            f"{label}: download failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}); "
            "the same command goes on from what is there"
        ) from error
    return Path(place)
