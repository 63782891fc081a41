"""Reads a file of labels: what tables and figures write in place of a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import HarnessError, nearest


def read_labels(file: Path | None, known: Iterable[str]) -> Mapping[str, str]:
    """The labels of a YAML file of lines like `few-shot: own examples`; none without a file.

    Args:
        known: names that can be given a label.

    Raises:
        HarnessError: the file cannot be read, is no mapping of texts, or labels what is not there.
    """
    if file is None:
        return {}
    import yaml

    try:
        found = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # all values are texts
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise HarnessError(f"--labels {file}: cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise HarnessError(f"--labels {file}: write lines like `few-shot: own examples`")
    names = dict.fromkeys(known)
    for name in found:
        if name not in names:
            raise HarnessError(f"--labels {file}: nothing here is called {name!r}{nearest(str(name), names)}")
    return found
