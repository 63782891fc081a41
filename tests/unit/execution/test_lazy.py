"""Nothing is waited for: a run whose answers are stored loads no model and imports neither torch nor vLLM."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness import Experiment, Item, Outcome, Probability, Prompt, Subject
from harness.calls.calls import Capability, Reply
from harness.config import Job, load_job
from harness.engines import auto, facts, phases
from harness.engines.base import Engine
from harness.engines.fake.engine import CAN, FakeEngine, WordTokenizer, dry_run
from harness.engines.pool import EnginePool
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.experiment import Part
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer
from tests.support.tiny_models import save_tiny

ROOT = Path(__file__).parents[3]
HERE = "tests.unit.execution.test_lazy"


@dataclass(frozen=True, kw_only=True)
class Sure(Outcome):
    """How sure somebody is."""

    p: Probability


@dataclass(frozen=True, kw_only=True)
class Ask(Experiment):
    """A yes or a no of the subject, then of a judge."""

    parts: ClassVar = {"judge": Part(capabilities=frozenset({"choose"}))}
    outcome: ClassVar = Sure
    metrics: ClassVar = ()

    words: str = "yes or no?"

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[Sure]:
        asked, options = Prompt.user(str(item.fields["question"]), self.words), {"yes": [" Yes"], "no": [" No"]}
        first = await subject.choose(asked, options)
        second = await subject.role("judge").choose(asked, options)
        return [Sure(arm=arm, p=Probability(one.p["yes"])) for arm, one in (("subject", first), ("judge", second))]


@dataclass(frozen=True, kw_only=True)
class Spoken(Outcome):
    """Some words."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Say(Experiment):
    """Three tokens of the subject."""

    outcome: ClassVar = Spoken
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Spoken:
        said = await subject.generate(Prompt.user(str(item.fields["question"])), max_tokens=3)
        return Spoken(arm="", text=said.text)


LOADS: list[str] = []
IDENTITY: dict[str, str] = {}
SLOW = threading.Event()
"""Set: a load takes until it is given up."""


@dataclass(frozen=True, kw_only=True)
class Weighty:
    """An engine that says it has weights, notes every load, and knows whether others are at work meanwhile."""

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = True
    gpus: ClassVar[int] = 0
    busy: ClassVar[list[int]] = []

    label: str = "x"
    broken: bool = False

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> Engine:
        assert threading.current_thread().name.startswith("loader")
        LOADS.append(self.label)
        self.busy.append(AT_WORK["n"])
        if self.broken:
            raise HarnessError("no room for it")
        while SLOW.is_set():
            phases.phase("waiting")
            time.sleep(0.01)
        return Working(self.label)


AT_WORK = {"n": 0}


class Working(FakeEngine):
    def __init__(self, label: str) -> None:
        super().__init__(lambda prompt: dry_run(label + prompt), label, delay=0.005)
        self.identity |= IDENTITY

    async def answer(self, call: Any) -> Reply:
        AT_WORK["n"] += 1
        try:
            return await super().answer(call)
        finally:
            AT_WORK["n"] -= 1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that are whole: of a model that cannot be checked nothing is remembered."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "model", "llama")


@pytest.fixture(autouse=True)
def fresh(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    shutil.copytree(tiny, tmp_path / "model")
    LOADS.clear()
    IDENTITY.clear()
    Weighty.busy.clear()
    yield
    SLOW.clear()


def job(folder: Path, *more: str, judge: bool = True) -> Job:
    model = ["model=hub", f"model.source={folder / 'model'}"]
    words = [f"experiment={HERE}:Ask", f"engine._target_={HERE}.Weighty", "limit=6", "tracker=none", *model]
    player = f"{{model: {{_target_: harness.models.model.Model, source: {folder / 'model'}}}, "
    player += f"engine: {{_target_: {HERE}.Weighty, label: judge}}}}"
    return load_job([*words, f"runs={folder / 'runs'}", *([f"+roles.judge={player}"] if judge else []), *more])


def asked(session: Any) -> int:
    assert session.store is not None
    return int(session.store["asked"])


def test_a_run_whose_answers_are_all_stored_loads_nothing(tmp_path: Path) -> None:
    first = execute(job(tmp_path))
    assert (first.code, LOADS) == (0, ["x", "judge"])
    LOADS.clear()
    again = execute(job(tmp_path))
    assert (again.code, asked(again), LOADS) == (0, 0, [])
    assert again.engine == first.engine == {"engine": "fake", "model": "x"}
    assert again.limits == first.limits
    assert (again.run.path / "outcomes.parquet").read_bytes() == (first.run.path / "outcomes.parquet").read_bytes()


def test_only_the_model_that_nothing_is_known_of_is_loaded(tmp_path: Path) -> None:
    execute(job(tmp_path, judge=False))
    assert LOADS == ["x"]
    execute(job(tmp_path))
    assert LOADS == ["x", "judge"]


def test_the_first_miss_loads_a_model_when_nobody_else_is_at_work(tmp_path: Path) -> None:
    execute(job(tmp_path))
    LOADS.clear()
    Weighty.busy.clear()
    session = execute(job(tmp_path, "experiment.words=no or yes?", "limit=12"))
    assert (asked(session), LOADS) == (24, ["x", "judge"])
    assert Weighty.busy == [0, 0]
    assert session.usage is not None
    assert session.usage.calls == 12


def test_models_that_take_turns_are_loaded_for_a_miss_only(tmp_path: Path) -> None:
    execute(job(tmp_path, "fit=one_at_a_time"))
    assert LOADS == ["x", "judge"]
    LOADS.clear()
    assert asked(execute(job(tmp_path, "fit=one_at_a_time"))) == 0
    assert LOADS == []
    session = execute(job(tmp_path, "fit=one_at_a_time", "experiment.words=again?"))
    assert (LOADS, len(session.loads)) == (["x", "judge"], 2)


def test_an_engine_that_is_another_than_was_known_is_an_error_and_is_remembered(tmp_path: Path) -> None:
    execute(job(tmp_path, judge=False))
    IDENTITY["version"] = "2"
    with pytest.raises(HarnessError, match=r"another engine .* version None -> 2.*run the same command again"):
        execute(job(tmp_path, "experiment.words=else?", judge=False))
    session = execute(job(tmp_path, "experiment.words=else?", judge=False))
    assert session.engine == {"engine": "fake", "model": "x", "version": "2"}
    assert asked(session) == 6  # nothing had been kept under the old name


@pytest.mark.parametrize("change", ["engine.label=y", "model", "cache"])
def test_another_model_other_settings_or_no_memory_load(tmp_path: Path, change: str) -> None:
    execute(job(tmp_path, judge=False))
    LOADS.clear()
    if change == "model":
        (tmp_path / "model" / "config.json").write_text('{"a": 1}')
    if change == "cache":
        os.environ["HARNESS_CACHE"] = str(tmp_path / "other")
    execute(job(tmp_path, *([change] if "=" in change else []), judge=False))
    assert len(LOADS) == 1


def test_a_model_that_cannot_be_loaded_is_an_error_by_name_and_tried_once(tmp_path: Path) -> None:
    pool = EnginePool()
    for _ in range(2):
        with pytest.raises(HarnessError, match="no room for it"):
            execute(job(tmp_path, "+engine.broken=true", judge=False), pool)
    assert LOADS == ["x"]
    pool.close()


def test_bad_items_are_told_while_the_model_loads(tmp_path: Path) -> None:
    SLOW.set()
    begin = time.monotonic()
    table = ["task=table", f"task.path={tmp_path / 'none.csv'}"]
    with pytest.raises(HarnessError, match=r"none\.csv"):
        execute(job(tmp_path, *table, judge=False))
    assert SLOW.is_set()
    while any(t.name.startswith("loader") for t in threading.enumerate()):
        assert time.monotonic() - begin < 60, "the load goes on after it was given up"
        time.sleep(0.01)


def test_a_load_is_never_silent_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(phases, "WAITS", (0.05,))
    SLOW.set()
    threading.Timer(1.0, SLOW.clear).start()
    execute(job(tmp_path, judge=False))
    lines = [line for line in capsys.readouterr().err.splitlines() if "loading model: " in line]
    assert len(lines) >= 3
    assert "(waiting" in lines[-1]


def test_a_machine_without_the_gpu_repeats_a_stored_run_and_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    IDENTITY["device"] = "cuda"
    monkeypatch.setattr(facts, "gpu_here", lambda: True)
    first = execute(job(tmp_path))
    IDENTITY.clear()
    LOADS.clear()
    monkeypatch.setattr(facts, "gpu_here", lambda: False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "elsewhere"))
    again = execute(job(tmp_path))
    assert (again.code, asked(again), LOADS) == (0, 0, [])
    assert again.engine == first.engine
    assert "there is no GPU" in capsys.readouterr().err
    for file in (tmp_path / "runs/store").iterdir():
        file.unlink()
    with pytest.raises(HarnessError, match=r"never answered: Choose after .* this machine has no GPU"):
        execute(job(tmp_path))
    assert LOADS == []


CODE = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None  # an import of it fails
from harness.cli.main import main
code = main(sys.argv[1:])
print(sorted(name for name in ("torch", "vllm") if sys.modules.get(name)))
sys.exit(code)
"""


def python(folder: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HARNESS_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)


def process(folder: Path, blocked: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
    return python(folder, CODE.format(blocked=blocked), *words)


def test_a_process_whose_answers_are_all_stored_imports_neither_torch_nor_vllm(tmp_path: Path) -> None:
    """On a real model, tiny and random. What is imported is what counts, whatever the time it takes here."""
    model = save_tiny(tmp_path / "tiny", "llama")
    words = [f"experiment={HERE}:Say", "limit=4", "tracker=none", "model=hub"]
    words += [f"model.source={model}", "engine=transformers", "model.style=plain", f"runs={tmp_path / 'runs'}"]
    first = process(tmp_path, (), "run", *words)
    assert "loaded in" in first.stderr, first.stderr
    assert "['torch']" in first.stdout
    again = process(tmp_path, (), "run", *words)
    assert again.returncode == first.returncode == 0, again.stderr
    assert again.stdout.endswith("[]\n")
    assert "0 calls asked" in again.stdout
    (run,) = (tmp_path / "runs/say").iterdir()
    replayed = process(tmp_path, ("torch", "vllm"), "rescore", str(run), "--replay", "--dry-run")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads((run / "manifest.json").read_text())["engine"]["engine"] == "transformers"


def test_a_model_that_is_not_there_is_told_before_the_engine_is_imported(tmp_path: Path) -> None:
    """All in one process: what one command had imported, the next would find."""
    (tmp_path / "empty").mkdir()
    told = {"nowhere": "there is no such folder or file", "empty": "lacks config.json"}
    cases = [(folder, engine) for folder in told for engine in ("vllm", "transformers")]
    words = ["run", "experiment=pTrue", "tracker=none", f"runs={tmp_path / 'runs'}"]
    commands = [[*words, f"model={tmp_path / folder}", f"engine={engine}"] for folder, engine in cases]
    code = f"""
import sys
from harness.cli.main import main
for words in {commands!r}:
    print(main(words), sorted(name for name in ("torch", "vllm") if sys.modules.get(name)))
"""
    done = python(tmp_path, code)
    assert done.stdout.splitlines() == ["2 []"] * 4, done.stderr
    told_lines = [line for line in done.stderr.splitlines() if any(message in line for message in told.values())]
    assert len(told_lines) == 4
    for (folder, _), line in zip(cases, told_lines, strict=True):
        assert told[folder] in line


@pytest.mark.parametrize(
    ("needed", "words", "gpu", "chosen", "why"),
    [
        ({"generate"}, 5_000, False, "Transformers", "5000 words of prompts on a CPU are few"),
        ({"generate"}, 500_000, False, "VLLM", "500000 words of prompts on a CPU are many"),
        ({"generate"}, None, False, "VLLM", "not known"),
        ({"generate"}, 5_000, True, "VLLM", "there is a GPU"),
        ({"generate", "read"}, 500_000, True, "Transformers", "the residual stream alone"),
    ],
)
def test_auto_takes_what_has_answered_first(
    monkeypatch: pytest.MonkeyPatch, *, needed: set[Capability], words: int | None, gpu: bool, chosen: str, why: str
) -> None:
    monkeypatch.setattr(auto, "gpu_here", lambda: gpu)
    monkeypatch.setattr(auto, "installed", lambda name: "1")
    engine, said = auto.Auto(dtype="float64", max_model_len=99).choose(needed, words)
    assert (type(engine).__name__, vars(engine)["dtype"], vars(engine)["max_model_len"]) == (chosen, "float64", 99)
    assert why in said
    monkeypatch.setattr(auto, "installed", lambda name: None)
    assert type(auto.Auto().choose(needed, words)[0]).__name__ == "Transformers"


def test_a_run_of_auto_shares_the_answers_of_the_engine_that_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"experiment={HERE}:Say", "limit=4", "tracker=none", "model=hub", "model.style=plain"]
    words += [f"model.source={save_tiny(tmp_path / 'tiny', 'llama')}", f"runs={tmp_path / 'runs'}"]
    plain = execute(load_job([*words, "engine=transformers"]))
    chosen = execute(load_job([*words, "engine=auto"]))
    assert "engine=auto: transformers, as about" in capsys.readouterr().err
    assert chosen.engine == plain.engine
    assert asked(plain) == 4
    assert asked(chosen) == 0
    manifest = json.loads((chosen.run.path / "manifest.json").read_text())
    assert manifest["engine_choice"].startswith("transformers, as about ")
    assert manifest["config"]["engine"]["_target_"] == "harness.engines.auto.Auto"
    assert execute(load_job([*words, "engine=auto"])).run.path == chosen.run.path
