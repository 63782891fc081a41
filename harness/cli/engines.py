"""`engines` runs one experiment on two engines and reports the differences of their numbers, and their effect."""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.console import aligned
from harness.errors import HarnessError
from harness.files import user_path, write_whole

if TYPE_CHECKING:
    from harness.calls.calls import Call, Reply
    from harness.config import Job
    from harness.engines.base import Engine
    from harness.engines.equivalence import Effect, Numbers
    from harness.engines.recording import Recorder
    from harness.prompting.tokens import Tokenizer
    from harness.runs.finished import Finished
    from harness.store.segments import Origin
    from harness.store.store import Store
    from harness.tasks.base import Split

SAME = ("engine", "model")
"""The only parts of the config that may differ between the two."""

MOST_SHOWN = 60
"""Most metrics printed; of more, only the metrics of claims and published numbers are."""


def add_engines(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    text = "the same items through two engines: largest |difference of log p|, flipped answers, effect on the metrics"
    engines = commands.add_parser("engines", help=text, description=text)
    engines.add_argument("overrides", nargs="*", metavar="key=value", help="of both: experiment=pTrue limit=20")
    for name in ("first", "second"):
        help_ = f"overrides of the {name} engine: engine=vllm engine.dtype=float32"
        engines.add_argument(f"--{name}", nargs="+", required=True, metavar="key=value", help=help_)
    engines.add_argument("--tolerance", type=float, metavar="X", help="exit 1 when a |difference of log p| is above X")
    engines.add_argument("--json", type=user_path, metavar="FILE", help="also write every number to a file")
    engines.add_argument("--config-dir", type=user_path, help="a further folder of config groups")


@dataclass(frozen=True)
class Side:
    """The results of the experiment on one engine.

    Attributes:
        heard: what the engine was asked, with its replies.
    """

    identity: Mapping[str, str]
    tokenizer: Tokenizer
    finished: Sequence[Finished]
    heard: Mapping[Call, Reply]

    @property
    def errors(self) -> list[str]:
        """Why items failed."""
        return [error for f in self.finished for error in f.result.errors]


@dataclass(frozen=True)
class Comparison:
    """Everything that is printed and written."""

    job: Job
    items: int
    first: Side
    second: Side
    numbers: Numbers
    effects: Sequence[Effect]
    redrawn: int

    def failure(self, tolerance: float | None) -> str | None:
        """Why the exit code is 1; None when it is 0."""
        largest = self.numbers.largest
        if tolerance is not None and largest is None:
            return "nothing was compared, so that no tolerance is kept"
        if tolerance is not None and largest is not None and largest > tolerance:
            return f"the largest |difference of log p| is {largest:.3g}, above --tolerance {tolerance:g}"
        for name, side in (("first", self.first), ("second", self.second)):
            if len(side.errors) / self.items > self.job.max_failed:
                of = f"{len(side.errors)} of {self.items} items failed with the {name} engine"
                return f"{of}, more than max_failed={self.job.max_failed} allows: {side.errors[0]}"
        return None


def engines_command(options: argparse.Namespace) -> int:
    """Compares two engines.

    Returns:
        The exit code: 0; 1 when the tolerance is not kept or too many items failed.

    Raises:
        HarnessError: the two differ in more than engine and model, an engine cannot answer the experiment, or they
            have different tokens.
    """
    from harness.console import log

    if options.tolerance is not None and not options.tolerance >= 0:
        raise HarnessError(f"--tolerance {options.tolerance}: a difference of log-probabilities is a number from 0 on")
    if options.json is not None and not options.json.resolve().parent.is_dir():
        raise HarnessError(f"--json {options.json}: there is no folder {options.json.resolve().parent}")
    first, second, items = _jobs(options)
    found = _compare(first, second, items)
    _print(found)
    if options.json is not None:
        _write(found, options.json)
    why = found.failure(options.tolerance)
    if why is not None:
        log(why)
    return 1 if why else 0


def _jobs(options: argparse.Namespace) -> tuple[Job, Job, Split]:
    """Both jobs, checked before any model is loaded."""
    from harness.config import load_job
    from harness.execution.checks import prepare_items
    from harness.execution.choosing import choose_engines, has_choice

    first, second = (
        load_job([*options.overrides, *own], options.config_dir) for own in (options.first, options.second)
    )
    for key in sorted(set(first.config) | set(second.config)):
        if key not in SAME and first.config.get(key) != second.config.get(key):
            raise HarnessError(f"--first and --second differ in {key!r}: they may only choose {' and '.join(SAME)}")
    if first.roles:
        raise HarnessError(
            f"only the subject's engine is compared, but others play roles.{', roles.'.join(first.roles)}"
        )
    prepare_items(second)
    items = prepare_items(first)
    first, second = (choose_engines(one, items)[0] if has_choice(one) else one for one in (first, second))
    return first, second, items


def _compare(job: Job, other: Job, items: Split) -> Comparison:
    from harness.engines.equivalence import effects
    from harness.engines.recording import sampled
    from harness.store.store import Store

    store = Store(job.store)
    try:
        first = _run_first(job, items, store)
        gc.collect()  # the first model's memory, before the second is loaded
        numbers, second = _run_second(other, items, store, first)
    finally:
        store.close()
    one, two = (job.experiment.table([f.result for f in side.finished]) for side in (first, second))
    return Comparison(
        job=job,
        items=len(items.test),
        first=first,
        second=second,
        numbers=numbers,
        effects=effects(job.all_metrics, one, two, replicates=job.replicates, seed=job.seed),
        redrawn=sum(sampled(call) and call not in first.heard for call in second.heard),
    )


def _run_first(job: Job, items: Split, store: Store) -> Side:
    from harness.engines.recording import Recorder

    with _loaded(job) as engine:
        recorder = Recorder(engine, store, _origin(job, engine))
        return _side(recorder, asyncio.run(_run(job, items, recorder)))


def _run_second(job: Job, items: Split, store: Store, first: Side) -> tuple[Numbers, Side]:
    """Puts the first engine's calls to the second, then runs the experiment with the first one's draws."""
    from harness.calls.calls import call_key, identity_digest
    from harness.console import log
    from harness.engines.equivalence import check_tokens, compare_calls
    from harness.engines.recording import Recorder, sampled
    from harness.store.store import Store

    items_of: dict[str, list[str]] = {}
    for finished in first.finished:
        for key in (key for exchange in finished.transcript for key in exchange.keys):
            items_of.setdefault(key, []).append(finished.item.id)
    with _loaded(job) as engine, tempfile.TemporaryDirectory() as folder:
        check_tokens(first.heard, first.tokenizer, engine.tokenizer)
        origin = _origin(job, engine)
        if engine.identity == first.identity:
            # The first engine's answers have the same keys in the store, so nothing would be compared.
            log("both engines have the same identity; the second is asked everything anew")
            store = Store(Path(folder))
        digest = identity_digest(dict(first.identity))
        asked_by = {call: items_of.get(call_key(digest, call).hex(), []) for call in first.heard}
        draws = {call: reply for call, reply in first.heard.items() if sampled(call)}
        recorder = Recorder(engine, store, origin, draws)

        async def both() -> tuple[Numbers, list[Finished]]:
            numbers = await compare_calls(first.heard, Recorder(engine, store, origin), asked_by)
            return numbers, await _run(job, items, recorder)

        numbers, ran = asyncio.run(both())
        return numbers, _side(recorder, ran)


async def _run(job: Job, items: Split, engine: Recorder) -> list[Finished]:
    """The whole experiment; a store of its own, so that every call passes through the recorder."""
    from harness.execution.loading import make_subject
    from harness.execution.runner import ask_all
    from harness.store.store import Store

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        try:
            subject = make_subject(job, engine, store)
            return await ask_all(job.experiment, items, subject, job.window or 2 * engine.capacity)
        finally:
            store.close()


def _side(recorder: Recorder, finished: Sequence[Finished]) -> Side:
    return Side(dict(recorder.identity), recorder.tokenizer, finished, recorder.heard)


@contextmanager
def _loaded(job: Job) -> Iterator[Engine]:
    from harness.engines.pool import EnginePool
    from harness.execution.loading import begin, load_cast

    pool = EnginePool()
    try:
        yield load_cast(job, pool, begin(job, pool, job.store).result()).engine
    finally:
        pool.close()


def _origin(job: Job, engine: Engine) -> Origin:
    from harness.store.segments import Origin

    return Origin.of(engine.identity, job.model.name, job.name)


def _print(found: Comparison) -> None:
    numbers, job = found.numbers, found.job
    for name, side in (("first", found.first), ("second", found.second)):
        print(f"{name:<7} {', '.join(f'{k} {v}' for k, v in side.identity.items())}")
    print(f"\n{job.name}: {found.items} items of {job.task.name}, seed {job.seed}\n")
    rows = [["|difference of log p|", "tokens", "largest", "99 %", "mean"]]
    deltas = {"options": numbers.chosen, "given texts": numbers.scored, "greedy texts": numbers.greedy}
    for name, delta in {**deltas, "sampled texts": numbers.drawn}.items():
        rows.append([name, str(delta.n), *map(_short, (delta.largest, delta.q99, delta.mean))])
    print("\n".join([*aligned(rows, right=range(1, 5)), ""]))
    if numbers.questions:
        flipped = f"{numbers.flipped} of {numbers.questions} questions and {numbers.flipped_items} of {numbers.items}"
        print(f"options: p differs by at most {_short(numbers.option_p)}; the best one is another in {flipped} items")
    if numbers.activations.n:
        read = numbers.activations
        print(f"activations: {read.n} vectors, |second - first| / |first| at most {_short(read.largest)}")
    if numbers.texts:
        print(f"greedy texts: {numbers.differing} of {numbers.texts} are not the same")
    for d in numbers.divergences:
        gap = "" if d.gap is None else f", which the second finds more probable by {d.gap:.2g} in log p"
        print(f"  after {d.position} same tokens {d.first!r}, then {d.second!r}{gap}")
    for note in [*numbers.notes, *_run_notes(found)]:
        print(note)
    _print_effects(found)


def _run_notes(found: Comparison) -> list[str]:
    notes = []
    if found.redrawn:
        notes.append(f"{found.redrawn} texts drawn by the second engine itself, after prompts that the first never had")
    for name, side in (("first", found.first), ("second", found.second)):
        if side.errors:
            notes.append(f"{len(side.errors)} items failed with the {name} engine, one of them: {side.errors[0]}")
    return notes


def _print_effects(found: Comparison) -> None:
    judged = {c.metric for c in found.job.claims} | {r.metric for r in found.job.references}
    shown = [e for e in found.effects if len(found.effects) <= MOST_SHOWN or e.difference.metric in judged]
    rows = [["metric", "first", "second", "second - first", "95 % interval"]]
    for e in shown:
        d = e.difference
        interval = d.interval("+.2g") or d.note
        values = ["undefined" if v is None else f"{v:.4f}" for v in (e.first, e.second)]
        rows.append([d.label, *values, "undefined" if d.value is None else f"{d.value:+.2g}", interval])
    print("\nthe experiment, with the first engine's draws and each engine's own greedy texts and probabilities:\n")
    print("\n".join(aligned(rows, right=range(1, 4))))
    if len(shown) < len(found.effects):
        print(f"({len(found.effects) - len(shown)} more with --json FILE)")


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2e}"


def _write(found: Comparison, path: Path) -> None:
    import orjson

    content = {
        "experiment": found.job.name,
        "task": found.job.task.name,
        "items": found.items,
        "seed": found.job.seed,
        "first": found.first.identity,
        "second": found.second.identity,
        "failed": {"first": len(found.first.errors), "second": len(found.second.errors)},
        "redrawn": found.redrawn,
        "largest": found.numbers.largest,
        "numbers": found.numbers,
        "effects": list(found.effects),
    }
    write_whole(
        path, orjson.dumps(content, option=orjson.OPT_INDENT_2), "give another place with --json FILE", folder=True
    )
