"""Settings written back: a manifest's config makes an equal job, and one job has one digest however it is spelled."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.cli.listing import config_names
from harness.config import build, load_job, make_job, written
from harness.engines.fake.engine import Fake
from harness.errors import HarnessError
from harness.models.model import Model
from harness.runs.directory import config_digest
from harness.tasks.mixture import Mixture
from tests.support.helpers import needed

QUIET = ["engine=fake", "tracker=none"]


def digest(*words: str) -> str:
    return config_digest(load_job(words).config)


@pytest.mark.parametrize("name", [name for name, _ in config_names("experiment")])
def test_a_job_is_made_again_from_its_manifest(name: str) -> None:
    metric = ["+metrics.mine._target_=harness.metrics.shares.accuracy", "+metrics.mine.columns=[correct]"]
    more = ["model.template.enable_thinking=false", "shard=0/2", "fit=one_at_a_time"]
    for part in load_job([f"experiment={name}", *QUIET, *needed(name)]).experiment.needed_parts():
        more += [f"+model@roles.{part}.model=hub", f"roles.{part}.model.source=/m", f"+engine@roles.{part}.engine=fake"]
    job = load_job([f"experiment={name}", *QUIET, *metric, *more, *needed(name)])
    stored = json.loads(json.dumps(job.config))
    again = make_job(stored, name, {})
    assert again == job
    assert repr(again) == repr(job)
    assert again.config == stored
    assert config_digest(stored) == config_digest(job.config)
    assert len(job.references) == len(stored["references"])


def test_parts_within_parts_are_written_with_their_classes() -> None:
    task = load_job(["task=mixture", *QUIET]).task
    assert isinstance(task, Mixture)
    node = written(task, "task")
    assert node["parts"]["arithmetic"]["_target_"] == "harness.tasks.arithmetic.Arithmetic"
    assert node["parts"]["arithmetic"]["size"] == 600
    assert build(node, "task", Mixture) == task


def test_two_spellings_of_one_job_are_one_run() -> None:
    base = digest(*QUIET)
    for words in (
        ["model.style=auto"],
        ["model.name=smollm2"],
        ["model.date='2024-07-26'"],
        ["experiment.temperature=1"],
        ["experiment.shots=20"],
        ["experiment.arms=[zero-shot,zero-shot swapped,fixed,few-shot,few-shot shuffled,few-shot brainstorm]"],
        ["task.stratum=null", "engine.delay=0", "shard=null", "interval=percentile"],
        ["references=[]"],
        ["runs=/elsewhere", "window=3", "store=/store"],
    ):
        assert digest(*QUIET, *words) == base, words
    others = [
        ["model.style=plain"],
        ["experiment.shots=19"],
        ["task.kinds=[capital]"],
        ["engine.delay=0.1"],
        ["seed=1"],
    ]
    assert len({digest(*QUIET, *words) for words in others} | {base}) == 6


def test_a_changed_default_is_another_run() -> None:
    """As a later version of a class might have it: the same name and fields, and nothing in the YAML."""
    versions = [
        dataclasses.make_dataclass("Mine", [("shots", int, shots)], frozen=True, kw_only=True) for shots in (20, 20, 21)
    ]
    digests = [config_digest({"experiment": written(version(), "experiment")}) for version in versions]
    assert digests[0] == digests[1] != digests[2]


@dataclass(frozen=True, kw_only=True)
class Odd:
    """Settings of every kind that can be written."""

    day: date = date(2024, 7, 26)
    place: Path = Path("a/b")
    names: frozenset[str] = frozenset({"b", "a"})
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"z": (1, 2), "a": ()})
    inner: Fake = field(default_factory=Fake)
    derived: str = field(init=False, default="not a setting")


def test_every_kind_of_setting_is_plain_afterwards() -> None:
    node = written(Odd(), "odd")
    assert node == {
        "_target_": f"{__name__}.Odd",
        "day": "2024-07-26",
        "place": "a/b",
        "names": ["a", "b"],
        "sizes": {"z": [1, 2], "a": []},
        "inner": {"_target_": "harness.engines.fake.engine.Fake", "delay": 0.0},
    }
    assert list(node["sizes"]) == ["z", "a"]
    assert build(json.loads(json.dumps(node)), "odd", Odd) == Odd()


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(HarnessError, match=r"engine\.args\.model\.what\[1\]: a object cannot be written"):
        written({"model": {"what": [1, object()]}}, "engine.args")


def test_secrets_are_struck_out_where_the_config_is_written() -> None:
    from harness.redaction import without_secrets

    job = load_job(["engine=server", "engine.url=http://x/v1", "tracker=none", "++model.template.api_key=hush"])
    assert job.config["model"]["template"] == {"api_key": "hush"}
    shown: Any = without_secrets(job.config)
    assert shown["model"]["template"] == {"api_key": "***"}
    assert shown["engine"]["key_env"] == "OPENAI_API_KEY"


def test_models_that_derive_their_name_are_written_once() -> None:
    model = Model(source="/models/tiny", adapter="/adapters/sad")
    again = build(written(model, "model"), "model", Model)
    assert again == model
    assert again.name == "tiny+sad"
    assert dataclasses.asdict(again) == dataclasses.asdict(model)
