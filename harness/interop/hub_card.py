"""Writes the card of a data set that holds runs: a section for each, and how their rows are loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.errors import HarnessError
from harness.report.facts import model_fact, version_fact
from harness.report.markdown import claim_rows, in_markdown
from harness.report.results import result_of
from harness.runs.records import RunRecord

MOST_CLAIMS = 30

_MARK = "<!-- run {} -->"
"""Stands above the section of a run, so that a later push finds the sections of other runs."""


def folder_of(record: RunRecord) -> str:
    """The folder of a run in the repository, which is also the name of its configuration."""
    return f"{record.manifest['experiment']}-{record.path.resolve().name}"


def sections_of(card: str, place: str) -> dict[str, str]:
    """The sections of a card that this module wrote, by the folders of their runs.

    Raises:
        HarnessError: somebody else wrote it.
    """
    _, *parts = re.split(_MARK.format(r"(\S+)"), card)
    if not parts:
        raise HarnessError(f"{place} has a README.md that is not of the harness; give another repository")
    return {folder: text.strip() for folder, text in zip(parts[::2], parts[1::2], strict=True)}


def card(repo: str, sections: Mapping[str, str]) -> str:
    """README.md of a repository over the sections of runs, by their folders."""
    from huggingface_hub import DatasetCardData

    configs = [
        {"config_name": folder, "data_files": [{"split": "test", "path": f"{folder}/outcomes.parquet"}]}
        for folder in sorted(sections)
    ]
    data = DatasetCardData(pretty_name="Runs of the self-evaluation harness", tags=["llm-evaluation"], configs=configs)
    first = min(sections)
    parts = [
        f"---\n{data.to_yaml()}\n---\n\n# Runs of the self-evaluation harness\n",
        "Each folder is a run: `report.html` is its page, `outcomes.parquet` has a row for each judged answer, "
        "`calls.jsonl` every prompt and reply, `estimates.json` and `verdicts.json` the numbers with their 95 % "
        "intervals, `manifest.json` the settings and versions.\n",
        f'```python\nfrom datasets import load_dataset\n\nload_dataset("{repo}", "{first}", split="test")\n```\n',
        *(f"{_MARK.format(folder)}\n\n{text}\n" for folder, text in sorted(sections.items())),
    ]
    return "\n".join(parts)


def section(record: RunRecord) -> str:
    """What a reader wants to know of a run first: its result, its verdicts, and what was asked of which model."""
    return "\n".join(_lines(record))


def _lines(record: RunRecord) -> Iterator[str]:
    manifest = record.manifest
    task = manifest["task"]
    yield f"## {manifest['experiment']} on {in_markdown(task['name'])}: {in_markdown(manifest['model']['name'])}\n"
    if manifest["status"] != "finished":
        yield f"This run is {manifest['status']}: {manifest['items_done']} of {task['items']} items are done.\n"
    yield f"{in_markdown(result_of(record))}\n"
    if claims := list(claim_rows(record, MOST_CLAIMS)):
        yield from claims
        yield ""
    yield (
        f"{task['items']} items, seed {manifest['seed']}. {in_markdown(model_fact(manifest))}. "
        f"{in_markdown(version_fact(manifest))}."
    )
