"""Runs in a data set repository of the hub: private, whole, without credentials, and beside what is there already."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants, get_token

from harness.cli.main import main
from harness.interop import hub_card
from harness.outcomes import Table
from tests.support.hub_stub import Hub, Repository

TOKEN = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm123456"
KEY = "c0rrect-h0rse-battery"
REPO = "lab/runs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A dry run, and two copies of it that pass for runs of a model."""
    folder = tmp_path_factory.mktemp("hub")
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=4"]
    places = [f"runs={folder / 'runs'}", f"store={folder / 'store'}", "replicates=20", "max_failed=1"]
    assert main(["run", *words, *places]) == 0
    (manifest,) = (folder / "runs").rglob("manifest.json")
    found = {"dry": manifest.parent}
    for name in ("a", "b"):
        found[name] = Path(shutil.copytree(manifest.parent, folder / f"facts-smollm2-{name}"))
        text = manifest.read_text().replace("fake:smollm2", "smollm2")
        (found[name] / "manifest.json").write_text(text)
    return found


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that the client takes for the real one."""
    with Hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def sent(hub: Hub, *runs: Path, more: tuple[str, ...] = ()) -> int:
    return main(["export", *map(str, runs), "--to", f"hf://datasets/{REPO}", *more])


def refused(capsys: pytest.CaptureFixture[str], code: int) -> str:
    assert code == 2
    return capsys.readouterr().err


def test_a_run_is_sent_whole_in_one_commit_to_a_private_repository(
    made: dict[str, Path], hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sent(hub, made["a"]) == 0
    repository = hub.repositories[REPO]
    assert repository.private
    assert len(repository.commits) == 2
    assert hub.tokens == {TOKEN}
    assert f"data set: {hub.url}/datasets/{REPO} (private, " in capsys.readouterr().out
    folder = f"pTrue-{made['a'].name}"
    here = {p.relative_to(made["a"]).as_posix(): p.read_bytes() for p in made["a"].rglob("*") if p.is_file()}
    there = {name.removeprefix(f"{folder}/"): content for name, content in repository.files.items() if "/" in name}
    assert there == here
    card = repository.files["README.md"].decode()
    assert f"path: {folder}/outcomes.parquet" in card
    assert "## pTrue on facts: smollm2" in card
    assert "smollm2 is right in" in card
    assert "| verdict | claim | number |" in card
    assert f'load_dataset("{REPO}", "{folder}", split="test")' in card


def test_the_rows_load_as_the_card_says(made: dict[str, Path], hub: Hub, tmp_path: Path) -> None:
    from datasets import load_dataset

    assert sent(hub, made["a"], made["b"]) == 0
    for name, content in hub.repositories[REPO].files.items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(content)
    name = f"pTrue-{made['b'].name}"
    rows = load_dataset(str(tmp_path / "copy"), name, split="test", cache_dir=str(tmp_path / "cache"))
    table = Table.load(made["b"] / "outcomes.parquet")
    assert rows["item"][:] == table.columns["item"].tolist()
    assert rows["correct"][:] == [bool(value) for value in table.columns["correct"]]


def test_a_second_run_joins_the_first_and_a_run_sent_again_replaces_itself(made: dict[str, Path], hub: Hub) -> None:
    assert sent(hub, made["a"]) == 0
    repository = hub.repositories[REPO]
    first = f"pTrue-{made['a'].name}"
    repository.files[f"{first}/figures/of-an-older-version.svg"] = b"<svg/>"
    assert sent(hub, made["b"]) == 0
    assert f"{first}/figures/of-an-older-version.svg" in repository.files
    assert list(hub_card.sections_of(repository.files["README.md"].decode(), REPO)) == sorted(
        (first, f"pTrue-{made['b'].name}")
    )
    assert sent(hub, made["a"]) == 0
    assert f"{first}/figures/of-an-older-version.svg" not in repository.files
    assert repository.files["README.md"].count(b"## pTrue on facts") == 2


def test_no_credential_is_sent(
    made: dict[str, Path], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(made["a"], tmp_path / made["a"].name))
    lines = (run / "calls.jsonl").read_text().splitlines()
    line = json.loads(lines[0])
    line["note"] = f"the prompt held {KEY} and {get_token()}"
    (run / "calls.jsonl").write_text("\n".join([json.dumps(line), *lines[1:]]) + "\n")
    table = Table.load(run / "outcomes.parquet")
    table.columns["answer"][0] = f"my key is {KEY}"
    table.save(run / "outcomes.parquet")
    monkeypatch.setenv("MY_API_KEY", KEY)
    assert sent(hub, run) == 0
    files = hub.repositories[REPO].files
    name = f"pTrue-{run.name}"
    (tmp_path / "outcomes.parquet").write_bytes(files[f"{name}/outcomes.parquet"])
    assert Table.load(tmp_path / "outcomes.parquet").columns["answer"][0] == "my key is ***"
    assert b"the prompt held *** and ***" in files[f"{name}/calls.jsonl"]
    for content in files.values():
        assert KEY.encode() not in content
        assert TOKEN.encode() not in content
    assert KEY in (run / "calls.jsonl").read_text()  # the run itself stays as it is


def test_a_run_that_was_interrupted_is_no_whole_one(made: dict[str, Path], hub: Hub, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made["a"], tmp_path / made["a"].name))
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted", "items_done": 3}))
    assert sent(hub, run) == 0
    assert b"This run is interrupted: 3 of 4 items are done." in hub.repositories[REPO].files["README.md"]


def test_a_public_repository_takes_runs_only_if_that_is_meant(
    made: dict[str, Path], hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repositories[REPO] = Repository(private=False)
    assert "everybody would see the runs; give --public" in refused(capsys, sent(hub, made["a"]))
    assert len(hub.repositories[REPO].commits) == 1
    assert sent(hub, made["a"], more=("--public",)) == 0
    assert "(public, " in capsys.readouterr().out
    hub.repositories.clear()
    assert sent(hub, made["a"], more=("--public",)) == 0
    assert not hub.repositories[REPO].private


def test_a_card_of_somebody_else_stays(made: dict[str, Path], hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.repositories[REPO] = Repository(private=True)
    hub.repositories[REPO].files["README.md"] = b"# My thesis\n"
    assert "a README.md that is not of the harness" in refused(capsys, sent(hub, made["a"]))
    assert hub.repositories[REPO].files["README.md"] == b"# My thesis\n"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ((REPO, 401, "Invalid credentials"), "is the token still valid?"),
        (("/create", 403, "You have no rights"), "You have no rights); the token needs the right to write"),
        (("/commit/main", 412, "A commit has happened"), "somebody else changed it meanwhile"),
        (("/commit/main", 400, "Files are too large"), "the hub answers 400 (Files are too large)"),
    ],
    ids=["token", "rights", "changed", "size"],
)
def test_a_refusal_of_the_hub_is_told(
    made: dict[str, Path], hub: Hub, capsys: pytest.CaptureFixture[str], fault: tuple[str, int, str], message: str
) -> None:
    hub.fail = fault
    error = refused(capsys, sent(hub, made["a"]))
    assert f"nothing was sent to {REPO}" in error
    assert message in error
    assert all(len(repository.commits) == 1 for repository in hub.repositories.values())


def test_what_cannot_be_sent_is_refused_before_anything_is_asked(
    made: dict[str, Path], hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "is a dry run" in refused(capsys, sent(hub, made["a"], made["dry"]))
    assert "leave --format and --output out" in refused(capsys, sent(hub, made["a"], more=("--format", "inspect")))
    for address in ("lab/runs", "hf://lab/runs", "hf://datasets/runs", "hf://datasets/a/b/c"):
        assert "write --to hf://datasets/ORG/NAME" in refused(capsys, main(["export", str(made["a"]), "--to", address]))
    assert "--public is for --to" in refused(capsys, main(["export", str(made["a"]), "--public"]))
    assert "a log holds one run" in refused(capsys, main(["export", str(made["a"]), str(made["b"])]))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused(capsys, sent(hub, made["a"]))
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "run `hf auth login`, or set HF_TOKEN" in refused(capsys, sent(hub, made["a"]))
    assert hub.repositories == {}
    assert hub.tokens == set()
