"""Credentials of ten kinds, given in seven ways, are in no file of a run, sweep or study, and in nothing printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.runs.directory import config_digest
from harness.sweep.folder import read_sweep
from harness.sweep.hidden import VARIABLE

KINDS = {
    "hub": "hf_PlantedQwErTyUiOpAsDfGh1",
    "openai": "sk-proj-planted0Zx9Cv8Bn7",
    "classic": "ghp_PlantedAAbbCCddEEffGG1122",
    "fine": "github_pat_11PLANTED0_abcdefghij",
    "cloud": "AKIAPLANTED0EXAMPLE7",
    "chat": "xoxb-4815162342-planted",
    "jwt": "eyJwbGFudGVkIjoxfQ.eyJzdWIiOiJwbGFudGVkIn0.c2ln-planted",
    "words": "planted-horse-battery",
    "hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "number": "731904456120",
}
"""Two have a form of no provider's, and two look as a digest or a number does."""

SMALL = ["experiment=tests.support.sweeps:Small", "engine=fake", "limit=3", "replicates=20", "max_failed=1"]


def given(mine: Path) -> list[str]:
    """Overrides with every kind under a name that says so, and otherwise in different ways."""
    template = ",".join(f"{name}: {{api_key: '{secret}'}}" for name, secret in KINDS.items())
    mine.joinpath("model").mkdir(parents=True)
    # As YAML has it, and not only as a command line does.
    own = json.dumps({"headers": {"X-Api-Key": f"{KINDS['words']}-in-yaml", "Authorization": "Bearer planted/in/yaml"}})
    mine.joinpath("model/mine.yaml").write_text(
        f"_target_: harness.models.model.Model\nname: mine\nsource: mine\ntemplate: {{own: {own}}}\n"
    )
    return [
        f"++model.template={{{template}}}",
        f"++model.template.hfToken={KINDS['words']}-by-its-key",
        f"++model.template.headers={{Authorization: 'Bearer {KINDS['words']}-of-a-header'}}",
        f"++model.template.address='https://me:{KINDS['words']}-before@host/v1?key={KINDS['words']}-queried'",
        f'++model.template.lines=["export HF_TOKEN={KINDS["words"]}-exported","--api-key {KINDS["words"]}-flagged"]',
        f"++model.template.note='{KINDS['hub']} {KINDS['openai']} {KINDS['classic']} {KINDS['fine']} {KINDS['cloud']}'",
        f"++model.template.more='{KINDS['chat']} {KINDS['jwt']} Bearer planted-0451-bearer'",
        f"++model.template.known='{KINDS['words']}-environment and no more'",
    ]


ENVIRONMENT = {"MY_SERVICE_PASSWORD": f"{KINDS['words']}-environment"}


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: its arguments and its environment are what is looked at."""
    home = {"HOME": str(folder), "WANDB_MODE": "offline", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        capture_output=True, text=True, cwd=folder, env={**os.environ, **home, **ENVIRONMENT}, timeout=300, check=False,
    )  # fmt: skip


def shown_in(text: str) -> list[str]:
    """Planted credentials, or pieces of them, in a text. Digests hold no word, but may hold digits of any number."""
    pieces = [*KINDS.values(), "planted"]
    return [piece for piece in pieces if re.search(re.escape(piece), text, re.IGNORECASE)]


def files_with_secrets(folder: Path, ours: Path) -> dict[str, list[str]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_relative_to(ours):
            told = shown_in(path.read_bytes().decode("latin-1"))
            if told:
                found[str(path.relative_to(folder))] = told
    return found


def test_no_file_of_a_run_and_nothing_printed_holds_one(tmp_path: Path) -> None:
    mine = tmp_path / "conf"
    words = [*given(mine), "tracker=wandb", "tracker.console=wrap", f"runs={tmp_path}/runs"]
    done = harness(tmp_path, "run", *SMALL, "model=mine", *words, "--config-dir", str(mine))
    assert done.returncode == 0, done.stderr
    assert shown_in(done.stdout + done.stderr) == []
    (manifest,) = tmp_path.glob("runs/small/*/manifest.json")
    template = json.loads(manifest.read_text())["config"]["model"]["template"]
    assert template["hub"] == {"api_key": "***"}
    assert template["known"] == "*** and no more"
    assert template["own"]["headers"] == {"X-Api-Key": "***", "Authorization": "***"}
    assert list(tmp_path.glob("runs/small/*/wandb/offline-run-*/*.wandb")), done.stderr
    assert files_with_secrets(tmp_path, mine) == {}
    # The page and the numbers are made again from what is there.
    (run,) = tmp_path.glob("runs/small/*")
    for command in ("report", "rescore"):
        done = harness(tmp_path, command, str(run))
        assert done.returncode == 0, done.stderr
        assert files_with_secrets(tmp_path, mine) == {}


def test_no_file_of_a_sweep_holds_one_and_its_workers_have_them(tmp_path: Path) -> None:
    mine = tmp_path / "conf"
    words = [*SMALL, *given(mine)[:6], f"runs={tmp_path}/runs", "tracker=none"]
    done = harness(tmp_path, "run", "-m", *words, "seed=0,1", "hydra/launcher=local")
    assert done.returncode == 0, done.stderr
    assert shown_in(done.stdout + done.stderr) == []
    assert files_with_secrets(tmp_path, mine) == {}
    # What the workers ran is what was asked for.
    (folder,) = tmp_path.glob("runs/sweeps/*")
    sweep = read_sweep(folder)
    assert [cell.digest for cell in sweep.cells] == [
        config_digest(load_job([*words, f"seed={seed}"]).config) for seed in (0, 1)
    ]
    # In another shell, which has none of them, nothing is asked with a wrong setting.
    done = harness(tmp_path, "sweep", "resume", str(folder))
    assert done.returncode == 2
    assert f"export {VARIABLE}1=" in done.stderr


def test_no_file_of_a_study_holds_one(tmp_path: Path) -> None:
    mine = tmp_path / "conf"
    words = given(mine)
    (mine / "study").mkdir()
    (mine / "study/mine.yaml").write_text("runs:\n  only: experiment=tests.support.sweeps:Small\n")
    words = [*SMALL[1:], *words, "study=mine", "tracker=none", f"runs={tmp_path}/runs", "--config-dir", str(mine)]
    done = harness(tmp_path, "run", *words)
    assert done.returncode == 0, done.stderr
    assert shown_in(done.stdout + done.stderr) == []
    assert list(tmp_path.glob("runs/**/study.json"))
    assert files_with_secrets(tmp_path, mine) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["run", "engine=server", "engine.url=me:planted-word@host:8000/v1"],
        ["run", "engine=server", "engine.url=https://me:planted-word@host/v1"],
        ["run", "++model.template.api_key=planted'word"],
        ["run", "++model.template.api_key=planted word:{"],
        ["run", "++model.template={api_key: planted'word}"],
        ["run", "engine.api_key=planted-word"],
        ["run", "engine=fake", "engine.delay={api_key: planted-word}"],
        ["run", "engine=fake", "limit={password: planted-word}"],
        ["run", "-m", "engine=fake", "++model.template.x='api_key=planted-word", "seed=0,1"],
        ["compare", "--api-key=planted-word", "a", "b"],
        ["run", "-m", "engine=fake", 'hydra.launcher.setup=["export HF_TOKEN=planted-word"]', "hydra/launcher=slurm"],
        ["run", "--api_key=planted-word"],
        ["run", "--api-key", "planted-word", "--unknown"],
        ["show", "password=planted-word"],
        ["report", "https://me:planted-word@host/run"],
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_no_message_about_a_wrong_word_shows_one(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    try:
        code = main([*words, *([f"runs={tmp_path}", "tracker=none"] if words[0] == "run" else [])])
    except SystemExit as stop:
        code = int(stop.code or 0)
    shown = capsys.readouterr()
    assert code == 2
    assert shown_in(shown.out + shown.err) == []
    assert shown.err.strip()
