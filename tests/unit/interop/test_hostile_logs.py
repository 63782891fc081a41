"""Damaged, foreign and hostile logs: one clear line that names the place, exit code 2, and no run directory."""

import json
import zipfile
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.interop import zips

FILES = Path(__file__).parent / "files"
SAMPLE = next(iter((FILES / "lm_eval").glob("samples_tiny_gen*"))).read_bytes().splitlines()[0]
LOG = (FILES / "inspect/capitals.json").read_text()


def sample(**changes: object) -> bytes:
    return json.dumps(json.loads(SAMPLE) | changes).encode()


def log(**changes: object) -> bytes:
    return json.dumps(json.loads(LOG) | changes).encode()


def log_with(**changes: object) -> bytes:
    content = json.loads(LOG)
    content["samples"][0] |= changes
    return json.dumps(content).encode()


BAD: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("samples_a.jsonl", b"", "holds no samples"),
    "a cut line": ("samples_a.jsonl", SAMPLE + b"\n" + SAMPLE[:90], "line 2 is damaged"),
    "a list": ("samples_a.jsonl", b"[1]\n", "line 1 is damaged: it holds a list"),
    "another set of rows": ("samples_a.jsonl", b'{"question": "a", "answer": "b"}\n', "lacks doc, target or resps"),
    "no bytes of a text": ("samples_a.jsonl", b"\xff\xfe\x00", "cannot be read"),
    "deep nesting": ("samples_a.jsonl", b"[" * 100_000, "line 1 is damaged"),
    "a key twice": ("samples_a.jsonl", SAMPLE[:-1] + b', "resps": []}', "'resps' stands twice"),
    "no requests": ("samples_a.jsonl", sample(arguments={}), "line 1 is no sample of lm-eval"),
    "requests of another kind": ("samples_a.jsonl", sample(arguments=7), "line 1 is no sample of lm-eval"),
    "replies of another kind": ("samples_a.jsonl", sample(resps=7), "line 1 is no sample of lm-eval"),
    "metrics of another kind": ("samples_a.jsonl", sample(metrics=7), "line 1 is no sample of lm-eval"),
    "a number that is too long": ("samples_a.jsonl", b'{"doc": ' + b"9" * 5000 + b"}", "line 1 is damaged"),
    "a log without a task": ("a.json", b'{"version": 2}', "is no Inspect log"),
    "a log without samples": ("a.json", log(samples=None), "holds no samples with scores"),
    "samples of another kind": ("a.json", log(samples=[7]), "sample 1 is no sample of Inspect"),
    "samples that are no list": ("a.json", log(samples=7), "its samples are no list"),
    "messages of another kind": ("a.json", log_with(messages=[1]), "sample 1 is no sample of Inspect"),
    "scores of another kind": ("a.json", log_with(scores=[1]), "sample 1 is no sample of Inspect"),
    "results of another kind": ("a.json", log(results=[1]), "the results are no results of Inspect"),
    "no zip": ("a.eval", b"PK\x03\x04 and no more", "is damaged"),
    "another suffix": ("a.txt", b"", "neither samples_*.jsonl"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_log_gives_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, told = BAD[kind]
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert main(["import", name]) == 2
    error = capsys.readouterr().err.strip()
    assert told in error
    assert name in error
    assert len(error.splitlines()) == 1
    assert len(error) < 600
    assert not (tmp_path / "runs").exists()


def test_other_files_of_a_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in {"samples_good.jsonl": SAMPLE, "samples_bad.jsonl": b"{", "config.json": b"{}"}.items():
        (tmp_path / name).write_bytes(content)
    assert main(["import", "."]) == 0
    assert len(list((tmp_path / "runs/imported").iterdir())) == 1
    assert capsys.readouterr().err.count("left out: ") == 2


@pytest.mark.parametrize("flip", range(40, 9000, 1500))
def test_a_zip_with_flipped_bytes_gives_one_line_or_the_same_run(
    flip: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = bytearray((FILES / "inspect/everyday.eval").read_bytes())
    for at in range(flip, min(flip + 8, len(content))):
        content[at] ^= 0xFF
    (tmp_path / "a.eval").write_bytes(content)
    code = main(["import", "a.eval"])
    assert code in (0, 2)
    if code:
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_zip_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zips, "LARGEST", 1000)
    with zipfile.ZipFile("a.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", " " * 100_000)
    assert main(["import", "a.eval"]) == 2
    assert "at most 1,000 are read" in capsys.readouterr().err


def test_texts_of_a_model_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "<script>alert(1)</script>\x1b[2J\ud800" + "x" * 300_000
    doc = {"question": f"What? {hostile}", "answer": "8"}
    (tmp_path / "samples_a.jsonl").write_bytes(sample(doc=doc, resps=[[hostile]], filtered_resps=[hostile]))
    assert main(["import", "samples_a.jsonl", "--model", "<b>m</b>\x1b[2J", "--task", "../../x"]) == 0
    (run,) = (tmp_path / "runs/imported").iterdir()
    page = (run / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<b>m</b>" not in page
    assert "\x1b" not in capsys.readouterr().out


def test_scores_that_are_no_numbers_are_missing_and_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [SAMPLE, sample(exact_match=float("nan")), sample(exact_match=["a", "b"])]
    (tmp_path / "samples_a.jsonl").write_bytes(b"\n".join(rows))
    assert main(["import", "samples_a.jsonl", "--output", "run"]) == 0
    estimates = json.loads((tmp_path / "run/estimates.json").read_text())
    (accuracy,) = (e for e in estimates if e["metric"] == "accuracy")
    assert (accuracy["value"], accuracy["n"], accuracy["n_failed"]) == (1.0, 1, 2)
