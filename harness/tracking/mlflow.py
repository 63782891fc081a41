"""Sends a run to MLflow: a tracking server, or a database file of this machine. The run directory stays the truth."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from harness.console import log
from harness.tracker import RunResult, RunStart
from harness.tracking.numbers import (
    Rows,
    claims_of,
    course_of,
    headline_of,
    numbers_table,
    settings_of,
    verdicts_table,
)
from harness.tracking.trouble import told

BATCH = 100
"""Parameters or metrics that a server takes at once."""
LONGEST = 500
"""Characters of a parameter or tag that every version of the server takes."""
FILES = ("report.html", "manifest.json", "estimates.json", "verdicts.json", "outcomes.parquet", "figures")
"""Files of the run directory that become artifacts."""


@dataclass(kw_only=True)
class Mlflow:
    """Settings of `tracker=mlflow`. No method raises: the run goes on after any error of MLflow.

    Needs the package: pip install 'self-evaluation-harness[mlflow]'.

    Attributes:
        uri: address of the server or the database; None leaves it to MLflow: MLFLOW_TRACKING_URI, else a database file
            in the working directory. sqlite:///PATH needs no server.
        project: MLflow's experiment.
        name: the run's name; None is the experiment and the run directory's name.
        group: a tag that runs of a sweep have in common; tags: further tags; notes: a text about the run.
        problems: why something was not recorded, empty as long as all is well.
    """

    uri: str | None = None
    project: str = "self-evaluation"
    name: str | None = None
    group: str | None = None
    tags: Mapping[str, str] | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        self._client: Any = None
        self._run = ""
        self._sending: list[Any] = []
        self.problems: list[str] = []

    def start(self, run: RunStart) -> None:
        # A server that does not answer is given up soon: the default is seven tries of two minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
        with self._safely("start"):
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=self.uri)
            found = client.get_experiment_by_name(self.project)
            place = found.experiment_id if found else client.create_experiment(self.project)
            # The same job goes on with the same run.
            earlier = client.search_runs([place], f"tags.run_id = '{run.run_id}'", max_results=1)
            given = {"run_id": run.run_id, "experiment": run.experiment, "model": run.model, "task": run.task}
            given |= {"group": self.group or "", "mlflow.note.content": self.notes or "", **(self.tags or {})}
            kept = {_name(key): value[:LONGEST] for key, value in given.items() if value}
            made = earlier[0] if earlier else client.create_run(place, tags=kept, run_name=self.name or run.name)
            self._client, self._run = client, made.info.run_id
            client.update_run(self._run, status="RUNNING")
            self._params({_name(key): text[:LONGEST] for key, text in settings_of(run.config)}, made.data.params)
            log(f"MLflow run {self._run} in {client.tracking_uri}")

    def progress(self, values: Mapping[str, float]) -> None:
        if self._client is not None and not self.problems:
            with self._safely("log progress"):
                self._metrics({f"progress/{name}": value for name, value in values.items()}, int(values["items"]))

    def finish(self, result: RunResult) -> None:
        if self._client is None:
            return
        with self._safely("log results"):
            for text, kind in claims_of(result).items():
                self._client.set_tag(self._run, _name(f"claims/{text}"), kind)
            numbers = {name: e.value for name, e in headline_of(result) if e.value is not None}
            self._metrics(numbers | {k: v for k, v in course_of(result).items() if isinstance(v, (int, float))})
            self._tables({"numbers.json": numbers_table(result), "verdicts.json": verdicts_table(result)})
            for name in FILES:
                if (result.folder / name).exists():
                    self._client.log_artifact(self._run, str(result.folder / name))
        self._end("FINISHED" if result.manifest["status"] == "finished" else "FAILED")

    def abort(self) -> None:
        if self._client is not None:
            self._end("FAILED")

    def _params(self, given: Mapping[str, str], known: Mapping[str, str]) -> None:
        """Records parameters; MLflow never changes one that it has."""
        from mlflow.entities import Param

        params = [Param(key, text) for key, text in given.items() if key not in known]
        for i in range(0, len(params), BATCH):
            self._client.log_batch(self._run, params=params[i : i + BATCH])

    def _metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(_name(key), float(value), now, step) for key, value in values.items()]
        for i in range(0, len(metrics), BATCH):
            # A slow server must not hold up the questions to the model.
            sent = self._client.log_batch(self._run, metrics=metrics[i : i + BATCH], synchronous=False)
            self._sending.append(sent)

    def _tables(self, tables: Mapping[str, Rows]) -> None:
        """Records tables as artifacts in the form that MLflow's pages show."""
        for name, (columns, rows) in tables.items():
            self._client.log_dict(self._run, {"columns": columns, "data": rows}, name)
        shown = json.dumps([{"path": name, "type": "table"} for name in tables])
        self._client.set_tag(self._run, "mlflow.loggedArtifacts", shown)

    def _end(self, status: str) -> None:
        with self._safely("finish"):
            for sent in self._sending:
                sent.wait()
            self._client.set_terminated(self._run, status)
        self._client = None

    def _safely(self, what: str) -> AbstractContextManager[None]:
        return told(self.problems, "MLflow", what)


def _name(text: str) -> str:
    """A name with nothing in it that MLflow refuses."""
    return re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)[:250]
