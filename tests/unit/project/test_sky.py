"""docs/sky.yaml: SkyPilot's parser takes it where it is installed, and its run line composes for every machine."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import load_job

FILE = Path(__file__).parents[3] / "docs" / "sky.yaml"


def file() -> dict[str, Any]:
    found = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def words(values: dict[str, str]) -> list[str]:
    line = file()["run"].replace("\\\n", " ").splitlines()[1]
    for name, value in values.items():
        line = re.sub(rf"\$\{{{name}[^}}]*\}}|\${name}\b", value, line)
    assert "$" not in line
    return shlex.split(line)


def test_every_machine_gets_its_share_of_a_grid_that_composes() -> None:
    known = {"MODEL": file()["envs"]["MODEL"], "STORE": "s3://bucket/folder", "SKYPILOT_NUM_NODES": "4"}
    for rank in range(file()["num_nodes"]):
        found = words({**known, "SKYPILOT_NODE_RANK": str(rank)})
        assert found[:5] == ["python", "-m", "harness", "run", "-m"]
        single = [word.split(",")[0] for word in found[5:]]
        job = load_job(single)
        assert job.shard == f"{rank}/4"
        assert job.model.name == "Qwen3-8B"


def test_skypilot_reads_it() -> None:
    sky = pytest.importorskip("sky")
    task = sky.Task.from_yaml_config(file(), {"STORE": "s3://bucket/folder"})
    assert task.num_nodes == 4
    assert task.envs["STORE"] == "s3://bucket/folder"
