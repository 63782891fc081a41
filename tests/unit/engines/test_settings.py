"""What every engine's settings say before a model is loaded, and engines that lack a part of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness import Experiment, Item, Metric, Outcome, Subject
from harness.calls.calls import Capability
from harness.cli.main import main
from harness.config import load_job
from harness.engines.base import EngineSettings
from harness.engines.fake.engine import Fake, WordTokenizer
from harness.engines.none import NoEngine
from harness.engines.server.dialects import Messages
from harness.engines.server.engine import Server
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLM
from harness.errors import HarnessError
from harness.metrics.shares import mean
from harness.models.model import Model
from tests.support.loopback import FakeVLLM, save_byte_tokenizer

NAME = Model(source="some-name")
URL = "http://localhost:1/v1"


@pytest.mark.parametrize(
    ("settings", "has_weights", "gpus"),
    [
        (Fake(), False, 0),
        (NoEngine(), False, 0),
        (Server(url=URL), False, 0),
        (Transformers(), True, 1),
        (Transformers(device_map="cpu"), True, 0),
        (VLLM(), True, 1),
        (VLLM(args={"tensor_parallel_size": 4, "pipeline_parallel_size": 2}), True, 8),
    ],
)
def test_weights_and_gpus(settings: EngineSettings, has_weights: bool, gpus: int) -> None:
    assert (settings.has_weights, settings.gpus) == (has_weights, gpus)


def test_only_engines_that_need_it_read_a_tokenizer(tmp_path: Path) -> None:
    assert isinstance(Fake().tokenizer(NAME), WordTokenizer)
    assert isinstance(NoEngine().tokenizer(NAME), WordTokenizer)
    assert isinstance(Server(url=URL, api="chat").tokenizer(NAME), Messages)
    save_byte_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    model = Model(source=str(tmp_path))
    for settings in (Server(url=URL), Transformers(), VLLM()):
        tokenizer = settings.tokenizer(model)
        assert tokenizer.decode(tokenizer.encode("ab")) == "ab"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """An engine of somebody's own, written before engines had a tokenizer."""

    can: ClassVar[frozenset[Capability]] = frozenset({"generate"})

    def load(self, model: Model) -> Any: ...


def test_an_engine_that_lacks_something_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(HarnessError) as caught:
        load_job(["engine=fake", f"engine._target_={__name__}.Lacking", "tracker=none"])
    assert str(caught.value) == (
        f"engine._target_: {__name__}.Lacking lacks has_weights, gpus, tokenizer; "
        "harness.engines.base.EngineSettings says what it needs"
    )


def test_a_run_of_a_chat_endpoint_is_replayed_without_a_tokenizer_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["experiment=verbalizedConfidence", "experiment.arms=[percent one]", "experiment.forced=false"]
    words += ["experiment.begun=false"]
    words += ["engine=server", "engine.api=chat", "model.source=some-name", "tracker=none", "limit=4", "max_failed=1"]
    with FakeVLLM() as server:
        assert main(["run", *words, f"engine.url={server.url}", "replicates=20"]) == 0
    (run,) = (tmp_path / "runs" / "verbalizedConfidence").iterdir()
    before = (run / "estimates.json").read_bytes()
    assert main(["rescore", str(run), "--replay"]) == 0
    assert (run / "estimates.json").read_bytes() == before
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["rescored"][0]["replayed"] is True
    assert "parameters" not in manifest["model"]


@dataclass(frozen=True, kw_only=True)
class Read(Outcome):
    """How long a row's question is."""

    length: int


@dataclass(frozen=True, kw_only=True)
class Lengths(Experiment):
    """Nobody is asked: the questions of a table are measured."""

    outcome: ClassVar = Read
    metrics: ClassVar = (Metric("length", mean, ("length",)),)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Read:
        return Read(arm="", length=len(item.fields["question"]))


def test_an_experiment_that_asks_nobody_runs_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("question,answer\na,1\nabc,2\nabcde,3\n")
    table = ["task=table", "task.path=data.csv", "limit=3", "tracker=none", "replicates=20"]
    words = [f"experiment={__name__}:Lengths", *table, "engine=none", "model=none"]
    assert main(["run", *words]) == 0
    captured = capsys.readouterr()
    assert "loading" not in captured.err
    assert "0 calls asked, 0 from the store" in captured.out
    (run,) = (tmp_path / "runs" / "lengths").iterdir()
    assert run.name.startswith("table-none-s0-")
    (estimate,) = json.loads((run / "estimates.json").read_text())
    assert (estimate["value"], estimate["n"]) == (3.0, 3)
    assert main(["rescore", str(run), "--replay"]) == 0
    # Any other engine does as well.
    assert main(["run", *words[:-2], "engine=fake"]) == 0


def test_an_experiment_that_asks_is_refused_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "experiment=pTrue", "engine=none", "tracker=none"]) == 2
    err = capsys.readouterr().err
    assert "experiment 'pTrue' needs an engine that can 'choose', which NoEngine cannot do exactly" in err
    assert not (tmp_path / "runs").exists()
