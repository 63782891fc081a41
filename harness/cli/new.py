"""`new experiment NAME` writes an experiment to begin with: protocol, YAML and test, which run as they are."""

from __future__ import annotations

import argparse
import keyword
from importlib.util import find_spec
from pathlib import Path

from harness.errors import HarnessError
from harness.files import write_whole
from harness.places.folders import config_files

PROTOCOL = '''"""Asks for an answer, then whether the model is sure of it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Experiment, Item, JudgedAnswer, Probability, Prompt, Reliability, Subject, graded, metrics, yes_no


@dataclass(frozen=True, kw_only=True)
class {cls}(Experiment):
    """A model says that it is sure more often when it is right."""

    outcome: ClassVar = JudgedAnswer
    metrics: ClassVar = metrics.judged()
    figures: ClassVar = (Reliability("p", "correct"),)
    texts: ClassVar = {{"sure": "Are you sure? Yes or no?"}}

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> JudgedAnswer:
        asked = Prompt.user(f"Question: {{item.fields['question']}}", "Answer:")
        reply = await subject.generate(asked, max_tokens=item.form.max_tokens, stop=item.form.stop)
        sure = await yes_no(subject, asked.then(reply.text, self.text("sure"), "Answer:"))
        given, p, mass = graded(item, reply), Probability(sure.p["yes"]), Probability(sure.mass)
        return JudgedAnswer(arm="greedy", answer=given.text, correct=given.correct, fate=given.fate, p=p, mass=mass)
'''

SETTINGS = """# @package _global_
defaults:
  - override /task: facts
experiment:
  _target_: {name}.{cls}
claims:
  - {{text: Sure answers are right more often, metric: auroc, level: {{arm: greedy}}, relation: above, value: 0.5}}
"""

TEST = '''"""What the protocol records of known replies."""

import pytest
from {name} import {cls}

from harness.testing import item, simulate


def test_it_records_the_answer_and_how_sure_the_model_is() -> None:
    def answer(prompt: str) -> str | dict[str, float]:
        return {{" Yes": 0.8, " No": 0.2}} if "Are you sure" in prompt else "Paris"

    (row,) = simulate({cls}(), [item("What is the capital of France?", "Paris")], answer).rows
    assert (row["answer"], row["correct"], row["error"]) == ("Paris", True, None)
    assert row["p"] == pytest.approx(0.8)
'''


def add_new(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    text = "write an experiment of your own to begin with: protocol, YAML and test"
    command = commands.add_parser("new", help=text, description=text)
    command.add_argument("what", choices=("experiment",))
    command.add_argument("name", metavar="NAME", help="of the experiment and its module: stubborn makes stubborn.py")


def new_command(options: argparse.Namespace) -> int:
    """Writes the files into the working directory.

    Returns:
        0.

    Raises:
        HarnessError: the name is no name of a module or is taken, or a file is there already or cannot be written.
    """
    name = options.name
    _check(name)
    values = {"name": name, "cls": name[:1].upper() + name[1:]}
    files = {
        Path(f"{name}.py"): PROTOCOL,
        Path(f"conf/experiment/{name}.yaml"): SETTINGS,
        Path(f"test_{name}.py"): TEST,
    }
    for path in files:
        if path.exists():
            raise HarnessError(f"{path} is there already; choose another name, or remove it")
    fix = "go to a folder that can be written"
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarnessError(f"cannot write {path}: {error.strerror}; {fix}") from error
        write_whole(path, text.format(**values), fix)
    print(
        "\n".join(
            [
                f"{', '.join(map(str, files))}: written. Next:",
                f"  python -m pytest test_{name}.py",
                f"  python -m harness validate experiment={name} engine=fake",
                f"  python -m harness run experiment={name}",
            ]
        )
    )
    return 0


def _check(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise HarnessError(f"{name}: give a name that a Python module can have: letters, digits and _, as stubborn")
    if name[:1].upper() == name[:1]:
        raise HarnessError(f"{name}: begin it with a small letter; its class will be called {name}")
    if name in config_files("experiment", None):
        raise HarnessError(f"there is an experiment {name!r} already; choose another name")
    if not Path(f"{name}.py").exists() and find_spec(name) is not None:
        raise HarnessError(f"there is a Python module {name!r} already; choose another name")
