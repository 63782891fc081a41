"""What tests of sweeps share: a small experiment, an engine that loads slowly, and the words to launch them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness import Experiment, Item, Metric, Outcome, Prompt, Subject
from harness.calls.calls import Capability
from harness.engines.base import Engine
from harness.engines.fake.engine import CAN, WordTokenizer, dry_engine
from harness.errors import HarnessError
from harness.metrics.shares import accuracy
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    """Attributes: gpu: CUDA_VISIBLE_DEVICES where the item was worked on."""

    text: str
    gpu: str
    correct: bool | None


@dataclass(frozen=True, kw_only=True)
class Small(Experiment):
    """Asks each question once greedily and once at its seed; has no figures, which take a second to draw."""

    outcome: ClassVar = Row
    metrics: ClassVar = (Metric("accuracy", accuracy, ("correct",)),)

    breaks: bool = False

    def train_items(self) -> int:
        return 2

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Any:
        if self.breaks:
            raise RuntimeError("nothing can be fitted")
        return [(await subject.generate(Prompt.user(i.fields["question"]), max_tokens=4)).text for i in train]

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Row:
        prompt = Prompt.user(item.fields["question"])
        first = await subject.generate(prompt, max_tokens=4)
        second = await subject.generate(prompt, max_tokens=4, temperature=1.0)
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return Row(arm="", text=first.text + second.text, gpu=gpu, correct=item.grade(second.text).correct)


@dataclass(frozen=True, kw_only=True)
class Slow:
    """Settings of a fake engine that takes its time to load, and notes in a file that it was loaded.

    Attributes:
        load_s: seconds. loads: file that gets a line for each load; "" is none.
    """

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = True
    gpus: ClassVar[int] = 1

    load_s: float = 0.0
    loads: str = ""
    delay: float = 0.0

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> Engine:
        """The dry-run engine; of a model whose source is a path, only where that exists."""
        if model.source.startswith("/") and not Path(model.source).is_dir():
            raise HarnessError(f"model.source={model.source}: there is no such folder")
        time.sleep(self.load_s)
        if self.loads:
            with Path(self.loads).open("a") as file:
                file.write(f"{model.name}\n")
        return dry_engine(f"fake:{model.name}", self.delay)


def config_folder(folder: Path) -> Path:
    """A folder of config groups with the experiment and the engine of this file."""
    for group, name, target in (("experiment", "small", "Small"), ("engine", "slow", "Slow")):
        (folder / group).mkdir(parents=True, exist_ok=True)
        head = "# @package _global_\n" if group == "experiment" else ""
        place = "defaults:\n  - override /task: arithmetic\nexperiment:\n  " if group == "experiment" else ""
        (folder / group / f"{name}.yaml").write_text(f"{head}{place}_target_: tests.support.sweeps.{target}\n")
    return folder


def words(folder: Path, *more: str) -> list[str]:
    """What launches a sweep of the small experiment with everything below one folder."""
    small = ["experiment=small", "engine=slow", "tracker=none", "limit=4", "replicates=20", f"runs={folder}/runs"]
    return ["run", "-m", "--config-dir", str(config_folder(folder / "conf")), *small, *more]


def sweep_folder(folder: Path) -> Path:
    """The only sweep below `folder`."""
    (found,) = (folder / "runs" / "sweeps").iterdir()
    return found
