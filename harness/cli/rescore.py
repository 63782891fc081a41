"""`rescore RUN...` applies new metrics, graders and claims to finished runs, without a model."""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console import counted
from harness.errors import HarnessError
from harness.files import refused, user_path, write_whole

if TYPE_CHECKING:
    from harness.config import Job
    from harness.outcomes import Table
    from harness.runs.owned import Owned
    from harness.runs.records import RunRecord
    from harness.statistics.claims import Verdict
    from harness.statistics.estimates import Estimate

FREE = ("metrics", "claims", "references", "replicates", "interval", "max_failed")
"""Settings that change no outcome."""

FIX = "--dry-run only prints"
"""Advice for a run directory that cannot be written."""

PATIENCE = 5.0
"""Seconds to wait at most for another process that writes into the run directory."""

RESULTS = ("manifest.json", "estimates.json", "verdicts.json", "outcomes.parquet", "calls.jsonl", "report.html")


@dataclass(frozen=True, slots=True)
class Scores:
    """New results of a run, not yet written."""

    job: Job
    table: Table
    estimates: Sequence[Estimate]
    verdicts: Sequence[Verdict]


def add_rescore(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    text = "new metrics, graders or claims over the results of runs; no model is loaded"
    command = commands.add_parser("rescore", help=text, description=text)
    command.add_argument("words", nargs="+", metavar="RUN | key=value", help="run directories; what changes")
    command.add_argument("--config-dir", type=user_path, help="a further folder with experiment/, task/, ...")
    command.add_argument("--dry-run", action="store_true", help="print what would change, write nothing")
    command.add_argument(
        "--replay",
        action="store_true",
        help="go through the protocols again on the stored calls, for a changed grader or experiment",
    )
    command.add_argument(
        "--stored-claims",
        action="store_true",
        help="keep the run's own claims and published numbers, and not those that the experiment's YAML has now",
    )


def rescore_command(options: argparse.Namespace) -> int:
    """Rescores every run that is named; prints what changed.

    The new results take the place of the old, which are kept in the run directory under before-TIME.

    Returns:
        0.

    Raises:
        HarnessError: no or an unreadable run, a setting that would change what was asked, a column that the run's
            outcomes lack, or with --replay a call that was never answered.
    """
    runs = [user_path(word) for word in options.words if "=" not in word]
    overrides = [word for word in options.words if "=" in word]
    if not runs:
        raise HarnessError("name a run directory: python -m harness rescore runs/pTrue/NAME")
    for run in runs:
        _rescore(run, overrides, options)
    return 0


def _rescore(run: Path, overrides: Sequence[str], options: argparse.Namespace) -> None:
    from harness.runs.owned import Owned
    from harness.runs.records import load_record

    if options.dry_run:
        _change(load_record(run), overrides, options, None)
        print("nothing is written (--dry-run)")
        return
    load_record(run)  # a folder that is no run gets no file
    with Owned(run, "rescore", patience=PATIENCE, fix=FIX) as owned:
        _change(load_record(run), overrides, options, owned)


def _change(record: RunRecord, overrides: Sequence[str], options: argparse.Namespace, owned: Owned | None) -> None:
    """Prints what changes, and writes it where the run directory is owned."""
    job = _job(record, overrides, options)
    print(f"{record.path}: {record.manifest['experiment']}, {counted(record.manifest['items_done'], 'item')}")
    with tempfile.TemporaryDirectory(prefix="rescore-") as folder:
        new, made = _replayed(record, job, Path(folder)) if options.replay else (_scored(record, job), None)
        _print_changes(record, new)
        if owned is not None:
            kept = _write(record, new, made, owned)
            print(f"the earlier results are kept in {kept}; report: {record.path / 'report.html'}")


def _job(record: RunRecord, overrides: Sequence[str], options: argparse.Namespace) -> Job:
    """The job of a run by its manifest, with the changes."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    from harness.config import compose, has_yaml, make_job

    name = str(record.manifest["experiment"])
    config = OmegaConf.create(record.config)
    if not options.stored_claims and has_yaml(name, options.config_dir):
        present, _ = compose([f"experiment={name}"], options.config_dir)
        config["claims"], config["references"] = present["claims"], present["references"]
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise HarnessError(f"{' '.join(overrides)}: {str(error).splitlines()[0]}") from error
    for one in parsed:
        key = str(one.key_or_group)
        if key.partition(".")[0] not in FREE and not options.replay:
            raise HarnessError(
                f"{key}: it can change what is asked; rescore changes {', '.join(FREE)}, and with --replay also what "
                "asks nothing new, as a task's grader"
            )
        OmegaConf.update(config, key, one.value(), force_add=True)
    # Unresolved: every "${...}" in it is a text of the run's own, as of a prompt.
    return make_job(dict(OmegaConf.to_container(config, resolve=False)), name, {})  # type: ignore[arg-type]


def _scored(record: RunRecord, job: Job) -> Scores:
    """Estimates and verdicts over the stored outcomes."""
    from harness.execution.measuring import judge_all
    from harness.metrics.metric import check_metrics
    from harness.runs.records import load_table
    from harness.statistics.claim_checks import check_claims
    from harness.statistics.estimates import estimate_all
    from harness.statistics.gates import check_gates
    from harness.statistics.references import check_references

    check_metrics(job.all_metrics, job.experiment.columns())
    check_gates(job.experiment.gates, job.all_metrics, job.experiment.columns())
    table = load_table(record, job.all_metrics)
    check_claims(job.claims, job.all_metrics)
    check_references(job.references, job.all_metrics, job.settings)
    estimates = estimate_all(job.all_metrics, table, replicates=job.replicates, seed=job.seed, interval=job.interval)
    return Scores(job, table, estimates, judge_all(job, table, estimates))


def _replayed(record: RunRecord, job: Job, folder: Path) -> tuple[Scores, Path]:
    """The whole run again on its stored calls, in another folder; of an imported run, its texts graded anew."""
    from harness.execution.execute import execute
    from harness.execution.loading import Known, recorded_facts
    from harness.interop.imported import Imported
    from harness.interop.regrading import regrade
    from harness.runs.records import load_record
    from harness.store.remote import address_of
    from harness.tracker import NoTracker

    if isinstance(job.experiment, Imported):
        made = regrade(record, job, folder)
        return _scored(replace(record, path=made), job), made
    if not job.store.is_dir() and address_of(job.store) is None:
        raise HarnessError(f"there is no call store {job.store}; name the run's with store=FOLDER")
    why = "without a model only what was asked before can be repeated, so `run` the experiment"
    recorded = {name: Known(facts, why) for name, facts in recorded_facts(record.manifest).items()}
    # Its own summary is of another folder, and the statistics follow below.
    with contextlib.redirect_stdout(io.StringIO()):
        # Nothing is loaded, so nobody takes turns.
        again = replace(job, runs=folder, tracker=NoTracker(), replicates=2, fit="together")
        session = execute(again, recorded=recorded)
    if session.status == "interrupted":
        raise KeyboardInterrupt
    scored = _scored(load_record(session.run.path), job)
    return scored, session.run.path


def _print_changes(record: RunRecord, new: Scores) -> None:
    """Every number and verdict that is another, or new, or gone."""
    before = {(e.metric, tuple(sorted(e.level.items()))): e for e in record.estimates}
    after = {(e.metric, tuple(sorted(e.level.items()))): e for e in new.estimates}
    same = 0
    for key in dict.fromkeys([*before, *after]):
        one, two = before.get(key), after.get(key)
        if one is not None and two is not None and _shown(one) == _shown(two):
            same += 1
            continue
        label = f"{key[0]} ({', '.join(value for _, value in key[1])})" if key[1] else key[0]
        print(f"  {label}: {_shown(one)} -> {_shown(two)}")
    print(f"  {same} numbers are as they were")
    kinds = {str(v["text"]): (str(v["kind"]), v.get("kind_holm")) for v in record.verdicts}
    for verdict in new.verdicts:
        old, in_family = kinds.get(verdict.text, ("not asked", None))
        if old != verdict.kind:
            print(f"  {verdict.text}: {old} -> {verdict.kinds}")
        elif in_family != verdict.kind_holm:
            print(f"  {verdict.text}: in the family {in_family or 'not asked'} -> {verdict.kind_holm}")


def _shown(e: Estimate | None) -> str:
    if e is None:
        return "none"
    if e.value is None:
        return f"undefined (n={e.n})"
    interval = f" [{e.low:.4f}, {e.high:.4f}]" if e.low is not None and e.high is not None else ""
    return f"{e.value:.4f}{interval} (n={e.n})"


def _thoughts(made: Path) -> dict[str, Any]:
    """The counts of thoughts, as the run on the stored calls made them; an imported run has none."""
    from harness.runs.records import load_record

    manifest = load_record(made).manifest
    return {key: manifest[key] for key in ("correctness", "thoughts", "role_thoughts") if key in manifest}


def _write(record: RunRecord, new: Scores, made: Path | None, owned: Owned) -> Path:
    """Writes the new results and the report over them, and keeps the earlier ones; all of it or nothing."""
    from harness.redaction import without_secrets
    from harness.report.figures import draw
    from harness.report.page import write_page
    from harness.runs.directory import as_json, provenance

    run, stage = record.path, owned.stage
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = f"before-{stamp}"
    now = provenance()
    note = {"time": stamp, "replayed": made is not None, **{key: now[key] for key in ("packages", "git", "command")}}
    manifest: Mapping[str, Any] = {
        **record.manifest,
        "config": without_secrets(new.job.config),
        **(_thoughts(made) if made is not None else {}),
        "rescored": [*record.manifest.get("rescored", ()), note],
    }
    texts = {
        "estimates.json": as_json([asdict(e) for e in new.estimates]),
        "verdicts.json": as_json([asdict(v) for v in new.verdicts]),
        "manifest.json": as_json(manifest),
    }
    for drawing in (draw(figure, new.table, new.estimates) for figure in new.job.experiment.figures):
        texts[f"figures/{drawing.name}.svg"] = drawing.svg
    try:
        (stage / kept).mkdir()
        for name in RESULTS:
            if (run / name).is_file():
                shutil.copy2(run / name, stage / kept / name)
        if (run / "figures").is_dir():
            shutil.copytree(run / "figures", stage / kept / "figures")
        for name in ("outcomes.parquet", "calls.jsonl"):
            shutil.copyfile((made or run) / name, stage / name)
        (stage / "figures").mkdir()
    except OSError as error:
        raise refused(f"the run directory {run}", error, FIX) from error
    for name, text in texts.items():
        write_whole(stage / name, text, FIX, f"the run directory {run}")
    write_page(stage)
    owned.publish()
    return run / kept
