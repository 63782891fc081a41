"""Writes a run as an Inspect log, one item after the other, so that a large run never lies in memory as a whole."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from harness.files import whole
from harness.interop.inspect_header import inspect_header
from harness.interop.inspect_sample import inspect_sample, summary_of
from harness.item_lines import damaged, item_lines
from harness.outcomes import Table
from harness.runs.records import RunRecord, load_record, load_table

FIX = "give another place with --output FILE"

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that one run always gives one and the same file."""


def write_inspect(run: Path, output: Path) -> int:
    """Writes the log of a run: a .eval file (a zip of JSON), or one JSON file, by the name of `output`.

    Returns:
        The number of samples.

    Raises:
        HarnessError: the run has no results or is damaged, or the file cannot be written.
    """
    record = load_record(run)
    table = load_table(record, [])
    try:
        header = inspect_header(record, table)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(str(run / "manifest.json"), error) from error
    samples = _samples(record, table)
    with whole(output, FIX, folder=True) as draft:
        if output.suffix == ".json":
            with draft.open("wb") as file:
                return _write_json(file, header, samples)
        with zipfile.ZipFile(draft, "w") as archive:
            return _write_zip(archive, header, samples)


def _samples(record: RunRecord, table: Table) -> Iterator[dict[str, Any]]:
    """The samples in the order of the task. An item stands in them as often as the run asked about it: once."""
    model = str(record.manifest["model"]["name"])
    rows: dict[str, list[int]] = {}
    for i, item in enumerate(table.columns["item"]):
        rows.setdefault(item, []).append(i)
    for line in item_lines(record.path):
        try:
            sample = inspect_sample(line, table, rows.get(line["item"], ()), model)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged(f"{record.path / 'calls.jsonl'}, item {line['item']}", error) from error
        yield sample


def _write_json(file: IO[bytes], header: dict[str, Any], samples: Iterator[dict[str, Any]]) -> int:
    file.write(_json(header)[:-1] + b',"samples":[')
    count = 0
    for sample in samples:
        file.write((b",\n" if count else b"\n") + _json(sample))
        count += 1
    file.write(b"\n]}\n")
    return count


def _write_zip(archive: zipfile.ZipFile, header: dict[str, Any], samples: Iterator[dict[str, Any]]) -> int:
    """The layout of the format: header.json, summaries.json, and a file for each sample."""

    def add(name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, _LONG_AGO)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)

    start = {key: header[key] for key in ("version", "eval", "plan")}
    add("_journal/start.json", _json(start))
    summaries: list[bytes] = []
    for sample in samples:
        add(f"samples/{sample['id']}_epoch_1.json", _json(sample))
        summaries.append(_json(summary_of(sample)))
    add("summaries.json", b"[" + b",".join(summaries) + b"]")
    add("header.json", _json(header))
    return len(summaries)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
