"""A run as an Inspect log: its structure, that nothing of a row is lost, and that the real package reads it."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.cli.main import main
from harness.interop.inspect_files import write_inspect
from harness.outcomes import Table
from harness.runs.records import load_record

PYTHON = os.environ.get("HARNESS_INSPECT_PYTHON") or (sys.executable if importlib.util.find_spec("inspect_ai") else "")
"""A Python that has inspect_ai."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two arms with a probability each."""
    folder = tmp_path_factory.mktemp("export")
    words = ["experiment=pTrue", "experiment.arms=[zero-shot,few-shot]", "engine=fake", "tracker=none", "limit=5"]
    places = [f"runs={folder / 'runs'}", f"store={folder / 'store'}"]
    assert main(["run", *words, *places, "replicates=20", "max_failed=1"]) == 0
    (manifest,) = (folder / "runs").rglob("manifest.json")
    return manifest.parent


def entries(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_every_item_and_row_and_number_of_a_run_stands_in_its_log(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.eval"
    assert main(["export", str(run), "--format", "inspect", "--output", str(file)]) == 0
    found, table, record = entries(file), Table.load(run / "outcomes.parquet"), load_record(run)
    header = found["header.json"]
    assert header["status"] == "success"
    assert header["version"] == 2
    assert header["eval"]["task"] == "pTrue"
    assert header["eval"]["model"] == record.manifest["model"]["name"]
    items = set(table.columns["item"])
    assert {s["id"] for s in found["summaries.json"]} == items == set(header["eval"]["dataset"]["sample_ids"])
    for i, item in enumerate(table.columns["item"]):
        sample = found[f"samples/{item}_epoch_1.json"]
        score = sample["scores"][table.columns["arm"][i]]
        assert score["value"]["correct"] == bool(table.columns["correct"][i])
        assert score["value"]["p"] == table.columns["p"][i]
        assert score["answer"] == table.columns["answer"][i]
        assert score["metadata"]["fate"] == table.columns["fate"][i]
        assert sample["input"] == sample["metadata"]["fields"]["question"]
    measured = {(s["name"], m["name"]): m for s in header["results"]["scores"] for m in s["metrics"].values()}
    for e in record.estimates:
        if e.value is None:
            continue
        one = measured[e.level["arm"], e.metric]
        assert (one["value"], one["metadata"]["low"], one["metadata"]["n"]) == (e.value, e.low, e.n)


def test_every_exchange_of_a_run_is_two_messages(run: Path, tmp_path: Path) -> None:
    write_inspect(run, tmp_path / "run.json")
    samples = {s["id"]: s for s in json.loads((tmp_path / "run.json").read_text())["samples"]}
    for line in map(orjson.loads, (run / "calls.jsonl").read_bytes().splitlines()):
        messages = samples[line["item"]]["messages"]
        assert [m["role"] for m in messages] == ["user", "assistant"] * len(line["exchanges"])
        assert [m["content"] for m in messages[1::2]] == [e["reply"] for e in line["exchanges"]]
        assert messages[0]["content"].endswith(line["exchanges"][0]["prompt"])


@pytest.mark.parametrize("name", ["run.eval", "run.json"])
def test_one_run_gives_one_and_the_same_file(run: Path, tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_inspect(run, tmp_path / folder / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_log_holds_no_credential_of_a_run(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in ("estimates.json", "verdicts.json", "outcomes.parquet", "calls.jsonl"):
        (copy / file).write_bytes((run / file).read_bytes())
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"]["engine"]["api_key"] = secret = "sk-abc123DEF456ghi789"
    manifest["command"].append(f"engine.api_key={secret}")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    write_inspect(copy, tmp_path / "run.json")
    assert secret not in (tmp_path / "run.json").read_text()


DAMAGED = {
    "a cut line": ("calls.jsonl", b'{"item": "a"', "line 1: damaged"),
    "a line without its keys": ("calls.jsonl", b'{"item": "a"}\n', "line 1: damaged"),
    "a line that is a list": ("calls.jsonl", b"[]\n", "line 1: damaged"),
    "a cut table": ("outcomes.parquet", b"PAR1", "outcomes.parquet cannot be read"),
    "an empty manifest": ("manifest.json", b"{}", "written by another version"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_run_gives_one_line_and_no_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file, content, told = DAMAGED[kind]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("estimates.json", "verdicts.json", "outcomes.parquet", "calls.jsonl", "manifest.json"):
        (copy / name).write_bytes((run / name).read_bytes())
    (copy / file).write_bytes(content)
    assert main(["export", str(copy), "--format", "inspect"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert not list(copy.glob("*.eval"))
    assert not list(copy.glob(".*part"))


def test_another_suffix_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run), "--format", "inspect", "--output", "log.txt"]) == 2
    assert "NAME.eval" in capsys.readouterr().err


READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1])
head = read_eval_log(sys.argv[1], header_only=True)
print(json.dumps({
    "status": log.status,
    "scores": {s.name: {m.name: m.value for m in s.metrics.values()} for s in head.results.scores},
    "samples": {s.id: {name: one.value for name, one in s.scores.items()} for s in log.samples},
    "texts": {s.id: [m.text for m in s.messages] for s in log.samples},
    "summaries": len(read_eval_log_sample_summaries(sys.argv[1])),
}))
"""


@pytest.mark.skipif(not PYTHON, reason="inspect_ai is not installed; HARNESS_INSPECT_PYTHON may name a Python with it")
@pytest.mark.parametrize("name", ["run.eval", "run.json"])
def test_the_real_package_reads_the_log(run: Path, tmp_path: Path, name: str) -> None:
    write_inspect(run, tmp_path / name)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [PYTHON, "-c", READ, str(tmp_path / name)], capture_output=True, text=True, check=True, env=environment
    )
    log, table = json.loads(done.stdout), Table.load(run / "outcomes.parquet")
    assert log["status"] == "success"
    assert log["summaries"] == len(log["samples"]) == len(set(table.columns["item"]))
    accuracy = {e.level["arm"]: e.value for e in load_record(run).estimates if e.metric == "accuracy"}
    assert {arm: values["accuracy"] for arm, values in log["scores"].items()} == accuracy
    for i, item in enumerate(table.columns["item"]):
        assert log["samples"][item][table.columns["arm"][i]]["p"] == table.columns["p"][i]
    assert all(texts for texts in log["texts"].values())
