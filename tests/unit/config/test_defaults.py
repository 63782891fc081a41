"""One source of defaults: what the YAML files build is what the classes are without arguments."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import conf
from experiments.calibration.p_true.p_true import PTrue
from experiments.introspection.neurofeedback.stimuli import Sentences
from harness.cli.listing import config_names
from harness.cli.main import main
from harness.config import load_job
from harness.places.named import named
from harness.tasks.arithmetic import Arithmetic
from tests.support.helpers import needed

CONF = Path(next(iter(conf.__path__)))
QUIET = ["engine=fake", "tracker=none"]
VARIANTS: dict[str, Any] = {
    "arithmetic_easy": Arithmetic(name="arithmetic_easy", digits=(1, 2), size=400),
    "fact_sentences": Sentences(name="fact_sentences", kind="facts"),
}
"""Tasks of the config that are another one with settings, and a name, of their own."""


@pytest.mark.parametrize("name", [name for name, _ in config_names("experiment")])
def test_an_experiment_of_the_config_is_its_class_without_arguments(name: str) -> None:
    experiment = load_job([f"experiment={name}", *QUIET, *needed(name)]).experiment
    assert experiment == type(experiment)()
    # Mappings are equal in any order, but the order may be that of words in a prompt.
    assert repr(experiment) == repr(type(experiment)())


@pytest.mark.parametrize("name", [name for name, _ in config_names("task") if name not in ("mixture",)])
def test_a_task_of_the_config_is_its_class_with_what_has_no_default(name: str) -> None:
    wanted = {key: "some/place" for key in ("path", "run") if f"\n{key}:" in (CONF / f"task/{name}.yaml").read_text()}
    task = load_job([f"task={name}", *(f"++task.{key}={value}" for key, value in wanted.items()), *QUIET]).task
    assert task == VARIANTS.get(name, type(task)(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("file", sorted(CONF.glob("[etm]*/*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_file_repeats_a_default(file: Path) -> None:
    if file.parent.name not in ("experiment", "task", "model", "engine", "tracker"):
        return
    node = OmegaConf.to_container(OmegaConf.load(file))
    assert isinstance(node, dict)
    settings = node[file.parent.name] if file.parent.name == "experiment" else node
    defaults = {f.name: f.default for f in dataclasses.fields(named(settings["_target_"], str(file)))}
    assert [key for key, value in settings.items() if key in defaults and value == defaults[key]] == []


def test_show_prints_every_setting_and_marks_those_that_are_not_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    changed = ["experiment.shots=4", "seed=3", "experiment.wording.ideas_lead=It is:"]
    assert main(["show", "pTrue", *QUIET, *changed]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["experiment.draws", "5"] in lines
    assert ["*", "experiment.shots", "4", "(default", "20)"] in lines
    assert ["model.style", "auto"] in lines
    assert ["*", "seed", "3", "(default", "0)"] in lines
    assert ["replicates", "1000"] in lines
    assert ["*", "experiment.wording.ideas_lead", "It", "is:", "(default", "The", "possible", "answer", "is:)"] in lines
    assert ["experiment.wording.judgement_lead", "The", "proposed", "answer", "is:"] in lines
    names = [f.name for f in dataclasses.fields(PTrue) if f.name != "wording"]
    shown = {words[0] for words in lines if words} | {words[1] for words in lines if words[:1] == ["*"]}
    assert {f"experiment.{name}" for name in names} <= shown
