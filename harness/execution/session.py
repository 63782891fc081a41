"""Collects the facts about a run while it goes on. The manifest is written from them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.config import Job
from harness.engines.base import Usage
from harness.errors import BaseHarnessError
from harness.execution.loading import Cast
from harness.metrics.correctness import correctness
from harness.outcomes import ItemResult, Table
from harness.processes import signals
from harness.prompting.rendered import PromptStyle
from harness.redaction import without_secrets
from harness.runs.directory import RunDirectory, config_digest, provenance
from harness.runs.finished import Finished
from harness.statistics.claims import Verdict
from harness.statistics.estimates import Estimate
from harness.subject.thinking import ThoughtCounts, thoughts_of
from harness.tasks.base import BROKEN, Split


@dataclass
class Session:
    """Everything known of a run while it goes on.

    Attributes:
        engine_choice: the engine that engine=auto took, and why.
        engine: identity of the engine that answers; roles: the identities of the other models.
        stand_in: parts that the subject played itself. loads: the models in the order in which they took turns.
        limits: context in tokens, layers, and heads in each, of the subject and of each role.
        changed: names of a model's files that changed while the run went on, "subject" or the role before each.
        parameters: how many the model has, where its weights are on this machine.
        prompt_style: how prompts are written; role_styles: the same for each other model.
        thoughts: counts of thoughts about the items, by the part that had them; "" is the subject.
        seconds: by phase: items, load (waited for models before anything was asked), prepare, ask, measure.
        usage: the engine's account, engine_busy: its share of the time after loading, in [0, 1].
        store: calls asked, calls shared, damaged records.
        fitted: fingerprint of the fit, the items that it was made on, and the run that made it if another one.
        error: why the run did not finish.
        table, estimates, verdicts: the results, once there are any.
    """

    job: Job
    items: Split
    run: RunDirectory
    started: float = field(default_factory=time.time)
    results: list[ItemResult] = field(default_factory=list)
    status: str = "running"
    engine_choice: str | None = None
    engine: Mapping[str, str] | None = None
    roles: Mapping[str, Mapping[str, str]] | None = None
    stand_in: list[str] = field(default_factory=list)
    loads: Sequence[str] = ()
    limits: Mapping[str, Mapping[str, int | None]] | None = None
    changed: Sequence[str] = ()
    parameters: int | None = None
    prompt_style: PromptStyle | None = None
    role_styles: dict[str, PromptStyle] = field(default_factory=dict)
    thoughts: dict[str, ThoughtCounts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    usage: Usage | None = None
    engine_busy: float | None = None
    store: Mapping[str, int] | None = None
    fitted: Mapping[str, Any] | None = None
    error: str | None = None
    table: Table | None = None
    estimates: Sequence[Estimate] = ()
    verdicts: Sequence[Verdict] = ()

    @property
    def code(self) -> int:
        """Exit code: 0; 1 when too many items failed or the engine died; 128 and the signal's number after one that
        ended the run, 130 after Ctrl-C (the report then covers the items that were finished)."""
        return {"finished": 0, "interrupted": signals.exit_code()}.get(self.status, 1)

    def add(self, finished: Finished) -> None:
        """Keeps an item whose protocol has ended."""
        self.run.add(finished)
        self.results.append(finished.result)
        for role, parts in thoughts_of(finished.transcript.stored).items():
            self.thoughts.setdefault(role, ThoughtCounts()).add(parts)

    @property
    def failed(self) -> int:
        """How many items did not finish, or not in all arms."""
        return sum(bool(result.errors) for result in self.results)

    def end_by(self, error: BaseException) -> None:
        """Notes that the run ended without results, and why; a disk that refuses even this says so itself."""
        self.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        told = str(error) or type(error).__name__
        self.error = told if isinstance(error, BaseHarnessError) else f"{type(error).__name__}: {error}".rstrip(": ")
        with contextlib.suppress(BaseHarnessError):
            self.run.note(self.manifest())

    def note_engines(self, cast: Cast) -> None:
        """Notes the facts about the engines that are known by now."""
        known = cast.known()
        self.engine, self.parameters = cast.engine.identity, cast.engine.parameters
        self.roles = {name: one.identity for name, one in known.items() if name != "subject"}
        self.limits = {
            name: {"context": one.context, "layers": one.layers, "heads": one.heads} for name, one in known.items()
        }
        self.loads = cast.stage.loads if cast.stage.alone else ()
        self.changed = [f"{name}: {file}" for name, one in known.items() for file in one.snapshot.changed()]

    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands, without the facts that are not known yet."""
        thoughts = {role: counts.record() for role, counts in sorted(self.thoughts.items())}
        known = {
            "status": self.status,
            "experiment": self.job.name,
            "title": _first_line(type(self.job.experiment)),
            "task": self._task(),
            "model": {"name": self.job.model.name, "source": self.job.model.source}
            | ({"parameters": self.parameters} if self.parameters else {}),
            "seed": self.job.seed,
            "run_id": config_digest(self.job.config),
            "items_done": len(self.results),
            "items_failed": self.failed,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)),
            "seconds": self.seconds,
            "engine_choice": self.engine_choice,
            "engine": self.engine,
            "roles": self.roles or None,
            "stand_in": self.stand_in or None,
            "loads": self.loads or None,
            "limits": self.limits,
            "changed_files": self.changed or None,
            "prompts": asdict(self.prompt_style) if self.prompt_style else None,
            "role_prompts": {role: asdict(one) for role, one in self.role_styles.items()} or None,
            "correctness": [asdict(one) for one in correctness(self.job.all_metrics)] if "" in thoughts else None,
            "thoughts": thoughts.pop("", None),
            "role_thoughts": thoughts or None,
            "usage": asdict(self.usage) if self.usage else None,
            "engine_busy": self.engine_busy,
            "store": self.store,
            "fitted": self.fitted,
            "error": self.error,
            **provenance(),
            "config": self.job.config,
        }
        shown: dict[str, Any] = without_secrets({key: value for key, value in known.items() if value is not None})
        return shown

    def _task(self) -> dict[str, Any]:
        items, broken = self.items, self.items.broken
        known = {"name": self.job.task.name, "fingerprint": items.fingerprint, "items": len(items.test)}
        known |= {"revision": items.revision} if items.revision else {}
        known |= {"fitted": list(items.fitted)} if items.fitted else {}
        known |= {"passed_over": list(items.passed)} if items.passed else {}
        return known | ({"broken_rows": len(broken), "first_broken_rows": list(broken[:BROKEN])} if broken else {})


def _first_line(cls: type) -> str:
    return (cls.__doc__ or cls.__name__).strip().splitlines()[0]
