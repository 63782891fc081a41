"""Finished runs as objects: numbers, rows and transcripts as data frames, the report, a short view for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from harness.api import frames, view
from harness.config import Job
from harness.console import in_notebook
from harness.errors import HarnessError, nearest
from harness.runs.records import RunRecord, by_first_item, is_dry, load_record, load_table
from harness.statistics.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from harness.runs.loaded import Loaded


class Run:
    """A finished run. Frames are read when first asked for, and then kept.

    Args:
        record: as `load_record` reads it.
        job: its settings, where they are known; else its manifest's, once a comparison needs them.

    Attributes:
        path: the run directory.
        manifest: config, versions, fingerprints, seeds, host, timing, as manifest.json has them.
    """

    def __init__(self, record: RunRecord, job: Job | None = None) -> None:
        self.record = record
        self.path = record.path
        self.manifest: Mapping[str, Any] = record.manifest
        self._job = job

    @property
    def name(self) -> str:
        """The experiment and the run directory's name."""
        return f"{self.manifest['experiment']}/{self.path.name}"

    @property
    def dry(self) -> bool:
        """Whether the fake engine answered, so that the numbers mean nothing."""
        return is_dry(self.manifest)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each number: metric, its level (arm and the like), value, low and high (95 %), n, n_failed."""
        return frames.estimates_frame(self.record.estimates)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """A row for each claim and published number: kind, text, the measured value with its interval, reason."""
        return frames.verdicts_frame(self.record.verdicts)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """A row for each outcome, with the columns that the experiment declares."""
        return frames.outcomes_frame(self.path)

    @cached_property
    def items(self) -> pd.DataFrame:
        """A row for each item that was asked about; merge it with `outcomes` on "item"."""
        return frames.items_frame(self.path)

    @cached_property
    def calls(self) -> pd.DataFrame:
        """A row for each question: item, prompt and reply as they were, who was asked, tokens, the store's keys."""
        return frames.calls_frame(self.path)

    def estimate(self, metric: str, **level: Any) -> Estimate:
        """The one number of a metric at a level: `run.estimate("auroc", arm="few-shot")`.

        Raises:
            HarnessError: there is no such metric or level, or the level names several numbers.
        """
        of_metric = [one for one in self.record.estimates if one.metric == metric]
        if not of_metric:
            known = dict.fromkeys(one.metric for one in self.record.estimates)
            raise HarnessError(f"{self.name} has no metric {metric!r}{nearest(metric, known)}")
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in level.items()}
        found = [one for one in of_metric if wanted.items() <= dict(one.level).items()]
        if len(found) == 1:
            return found[0]
        levels = "; ".join(", ".join(f"{key}={value!r}" for key, value in one.level.items()) for one in of_metric)
        how = "several numbers" if found else "no number"
        raise HarnessError(f"{self.name} has {how} of {metric!r} at {wanted or 'no level'}; its levels: {levels}")

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures by name; a notebook shows one that a cell ends with."""
        return {file.stem: Figure(file) for file in self.record.figures}

    def report(self, *, show: bool = False) -> Path:
        """The path of the run's page.

        Args:
            show: also show it: in a notebook below the cell, else in the browser.
        """
        page = self.path / "report.html"
        if show:
            view.show_page(page, below=in_notebook())
        return page

    @cached_property
    def loaded(self) -> Loaded:
        """The run as comparisons take it."""
        from harness.runs.loaded import Loaded, load_run

        if self._job is None:
            return load_run(self.path)
        table = load_table(self.record, self._job.all_metrics)
        return Loaded(self.record, by_first_item(self.record, table), self._job)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        return view.run_html(self.record)


class Figure:
    """A figure of a run.

    Attributes:
        path: the SVG file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Figure({str(self.path)!r})"

    def _repr_svg_(self) -> str:
        return self.path.read_text(encoding="utf-8")


class Runs(Sequence[Run]):
    """Several finished runs; their frames tell the runs apart by their first columns."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each run: experiment, task, model, seed, number of items, state, path."""
        rows = [
            {**_of(run), "items": run.manifest["items_done"], "status": run.manifest.get("status"), "path": run.path}
            for run in self
        ]
        return frames.frame(rows, ("run", "experiment", "task", "model", "seed", "items", "status", "path"))

    @property
    def estimates(self) -> pd.DataFrame:
        """The estimates of all runs."""
        return self._together("estimates")

    @property
    def verdicts(self) -> pd.DataFrame:
        """The verdicts of all runs."""
        return self._together("verdicts")

    @property
    def outcomes(self) -> pd.DataFrame:
        """The outcomes of all runs."""
        return self._together("outcomes")

    @property
    def calls(self) -> pd.DataFrame:
        """The questions of all runs."""
        return self._together("calls")

    def _together(self, name: str) -> pd.DataFrame:
        import pandas as pd

        parts: list[pd.DataFrame] = []
        for run in self:
            part = getattr(run, name)
            own = {key: value for key, value in _of(run).items() if key not in part}
            parts.append(pd.DataFrame({**dict.fromkeys(own, pd.Series(index=part.index)), **part}).assign(**own))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def __repr__(self) -> str:
        return f"Runs({len(self)}: {', '.join(run.name for run in self[:5])}{', ...' if len(self) > 5 else ''})"

    def _repr_html_(self) -> str:
        return view.table_html(self.table.drop(columns="path"))


def load_run(path: str | PathLike[str]) -> Run:
    """Reads a run directory.

    Raises:
        HarnessError: it is none, has no results yet, or is damaged.
    """
    return Run(load_record(Path(path).expanduser()))


def load_runs(*places: str | PathLike[str]) -> Runs:
    """Reads runs: run directories, patterns as "runs/pTrue/*", folders of runs, sweeps.

    Other runs of a pattern or folder are left out with a line that says why: runs without results, and dry runs where
    there are others.

    Raises:
        HarnessError: a place that holds no run, or a named run that cannot be read.
    """
    from harness.cli.found import read_all

    return Runs([run for _, run in read_all(map(str, places), load_run)])


def _of(run: Run) -> dict[str, Any]:
    known = run.manifest
    return {
        "run": run.path.name,
        "experiment": known["experiment"],
        "task": known["task"]["name"],
        "model": known["model"]["name"],
        "seed": known["seed"],
    }
