"""Reads sets of the Hugging Face hub, or of a local folder in the hub's layout."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.processes.imports import LARGE
from harness.tasks.rows import Rows

UNKNOWN = "not known here"
"""The licence of a set without a card on this machine."""

_COMMIT = re.compile(r"@([0-9a-f]{40})/")


def read_hub(hub: str, config: str | None, split: str, revision: str | None) -> Rows:
    """Reads one split of a set on the hub, of the local cache of it, or of a local folder.

    Args:
        hub: "ORG/NAME", or a folder with Parquet, JSONL or CSV files whose names or folders name their splits.

    Raises:
        HarnessError: the set cannot be had, or a revision of a local folder is asked for.
    """
    with LARGE:
        import datasets

    place = _place(hub)
    if revision is not None and Path(place).is_dir():
        raise HarnessError(f"task.revision={revision}: {place} is a local folder, which has no revisions; leave it out")
    try:
        data = datasets.load_dataset(place, config, split=split, revision=revision)
        table = data.with_format("arrow")[:]
    except Exception as error:  # connection, missing set, config, split or revision, broken file: each its own type
        raise HarnessError(
            f"data set {hub!r} (config {config!r}, split {split!r}, revision {revision!r}) cannot be had: "
            f"{_reason(error)}{_help(error)}"
        ) from error
    if not table.num_rows:
        raise HarnessError(f"data set {hub!r}: split {split!r} has no rows; set task.split to another one")
    origin = f"{hub} ({', '.join(part for part in (config, split) if part)})"
    numbers = range(1, table.num_rows + 1)
    return Rows(origin, tuple(table.column_names), numbers, table, revision=_commit(data.info) or revision or "")


def licence(hub: str, revision: str | None) -> str:
    """The licence of a set as its card (README.md) names it; "not known here" without a card on this machine.

    The card is fetched from the hub where that can be reached.
    """
    from huggingface_hub import DatasetCard, hf_hub_download

    place = _place(hub)
    try:
        local = Path(place, "README.md")
        inside = Path(place).is_dir()
        card = local if inside else Path(hf_hub_download(hub, "README.md", repo_type="dataset", revision=revision))
        named = DatasetCard.load(card).data.to_dict().get("license")
    except Exception:  # no connection, no card, a card that is no YAML: the licence is not known, and nothing stops
        named = None
    names = named if isinstance(named, list) else [named] if named else []
    return ", ".join(map(str, names)) or UNKNOWN


def _place(hub: str) -> str:
    """A folder's path, with "~" spelled out; any other name as it is."""
    try:
        return str(Path(hub).expanduser()) if hub.startswith("~") else hub
    except RuntimeError as error:
        raise HarnessError(f"task.hub={hub}: {error}") from error


def _reason(error: Exception) -> str:
    """The first line of the error that says most: pyarrow's lies behind one that only says that something failed."""
    while type(error).__name__ == "DatasetGenerationError" and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _help(error: Exception) -> str:
    if isinstance(error, ConnectionError):
        offline = [name for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE") if os.environ.get(name)]
        why = f" ({' and '.join(offline)} set)" if offline else ""
        return f"; without a connection{why}, task.path=FILE takes a local file and task.hub=FOLDER a local folder"
    return "; without a connection, task.path=FILE takes a local file"


def _commit(info: Any) -> str | None:
    """The commit that the files of a set were read at, which their addresses name (hf://datasets/ORG/NAME@COMMIT/...)."""
    found = (_COMMIT.search(str(address)) for address in info.download_checksums or ())
    return next((match[1] for match in found if match), None)
