"""`list`, `show`, Hydra's flags, the greeting and completion."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.completion import script
from harness.cli.listing import KINDS, measures, metric_names, names
from harness.cli.main import main


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(words) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_a_short_sentence(kind: str) -> None:
    rows = names(kind)
    assert rows
    for name, text in rows:
        assert 10 < len(text) <= 80, (name, text)
        assert text.endswith((".", "?", "!")), (name, text)
        last = text.rstrip(".").split()[-1]
        assert last not in ("of", "from", "not", "this", "the", "a", "an", "et", "al", "and", "in", "with"), (
            name,
            text,
        )


def test_every_metric_is_listed() -> None:
    assert dict(metric_names()).keys() == measures().keys()


def test_list_takes_kinds_and_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "list", "self*")
    assert "  selfCorrection" in out
    assert "  selfaware" in out
    assert "pTrue" not in out
    assert "  selfKnowledge" not in told(capsys, "list", "tasks", "self*")
    assert told(capsys, "list", "suites") == told(capsys, "list", "studies")
    for word, name in (("launchers", "slurm"), ("trackers", "wandb"), ("roles", "judge"), ("metric", "auroc")):
        assert f"  {name} " in told(capsys, "list", word)
    assert "did you mean" in told(capsys, "list", "experimnts", code=2)
    assert "no such folder" in told(capsys, "list", "--config-dir", "/nowhere", code=2)


def test_list_imports_nothing_that_takes_long() -> None:
    code = (
        "import sys; from harness.cli.main import main; main(['list'])\n"
        "found = {'numpy', 'hydra', 'omegaconf', 'torch', 'pydantic'} & set(sys.modules)\nassert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_show_knows_what_list_lists(capsys: pytest.CaptureFixture[str]) -> None:
    for name, message in (
        ("smollm2", "model.source"),
        ("hub", "model.source             needed"),
        ("vllm", "engine.dtype"),
        ("slurm", "hydra.launcher.partition"),
        ("wandb", "tracker."),
        ("tour", "self_correction: experiment=selfCorrection"),
        ("judge", "+model@roles.judge.model=ORG/NAME"),
        ("selfaware", "to be given: task.path=..."),
        ("table", "its items cannot be shown: task 'table': give task.path=FILE for a file or task.hub=ORG/NAME"),
        ("table", "task.question "),
        ("opentom", "licence CC-BY-NC-4.0 (no commercial use"),
        ("tomi", "to be given: task.path=..."),
        ("facts", "686 items"),
        ("auroc", "Hanley and McNeil"),
    ):
        assert message in told(capsys, "show", name), name
    assert "/nowhere/rows.jsonl: no such file" in told(capsys, "show", "table", "task.path=/nowhere/rows.jsonl", code=2)
    # Three things are called none.
    assert told(capsys, "show", "none").count("=none: ") == 3


def test_show_of_an_experiment_has_claims_and_published_numbers_and_short_prompts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "show", "selfKnowledge", "engine=fake")
    assert "An instruction brings out more self-knowledge than the bare question: f1" in out
    assert "published numbers (1)\n  f1_selfaware" in out
    assert "cap on the reply" in out
    assert len(out) < 20_000
    assert "' Answer':" in told(capsys, "show", "selfKnowledge", "engine=fake", "--tokens")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "python -m harness run experiment=pTrue"),
        (["run", "--cfg", "job", "seed=5"], "seed: 5"),
        (["run", "seed=5", "-c", "job"], "seed: 5"),
        (["run", "--cfg", "seed=5", "--resolve"], "seed: 5"),
        (["run", "--cfg", "all"], "hydra:"),
        (["run", "-c", "hydra"], "runtime:"),
        (["run", "--cfg=job", "--package", "experiment"], "# @package experiment"),
        (["run", "--cfg", "job", "-p", "model.name"], "smollm2"),
        (["run", "--info", "searchpath"], "the harness's"),
        (["run", "task=gsm8k", "--info", "defaults"], "task=gsm8k: "),
        (["run", "--hydra-help"], "hydra/launcher=local|gpus|slurm"),
        (["validate", "--cfg", "job", "seed=5"], "seed: 5"),
    ],
)
def test_hydras_flags_stand_anywhere(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in told(capsys, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--config-name", "x"], "conf/config.yaml"),
        (["run", "-cn", "x"], "conf/config.yaml"),
        (["run", "--config-path", "x"], "write --config-dir FOLDER"),
        (["run", "--shell-completion", "x"], "completion bash"),
        (["run", "--resum"], "run has no such flag"),
        (["run", "--seed=3"], "write seed=3, without the dashes"),
        (["run", "experiment=pTrue", "--limit", "10"], "write limit=10, without the dashes"),
        (["run", "--config-dri", "x"], "did you mean '--config-dir'?"),
        (["run", "--fast", "experiment=pTrue"], "run has no such flag"),
        (["run", "--cfg", "--package", "modle"], "did you mean 'model'?"),
        (["run", "experiment=pTrue", "-cd", "/nowhere", "engine=fake"], "--config-dir /nowhere: no such folder"),
        (["run", "-m", "--cfg", "seed=0,1"], "leave -m out"),
        (["run", "-m", "hydra/launcher=slrm", "engine=fake"], "did you mean 'slurm'?"),
        (["run", "-m", "hydra/launcher=zzz", "engine=fake"], "(there are: gpus, local, slurm)"),
        (["run", "-m", "hydra.run.dir=x", "engine=fake"], "hydra.sweep.dir"),
    ],
)
def test_other_flags_are_refused_by_name(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    err = told(capsys, *words, code=2)
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], "there is no command 'rum', did you mean 'run'?"),
        (["pTrue"], "did you mean python -m harness run experiment=pTrue?"),
        (["experiment=pTrue"], "a command comes first, as in python -m harness run experiment=pTrue"),
        (["--seed=1"], "a command comes first, as in python -m harness run seed=1"),
        (["qqq"], "(there are: cite, compare, "),
        (["list", "qqq"], "nothing is called so; the kinds of names are experiments, tasks, "),
        (["list", "experimentz"], "did you mean 'experiments'?"),
        (["show", "qqq"], "nothing is called 'qqq', see python -m harness list"),
    ],
)
def test_a_wrong_command_or_name_gets_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = told(capsys, *words, code=2)
    assert message in err
    assert len(err.splitlines()) == 1


def test_only_what_is_needed_is_said_to_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show"])
    assert capsys.readouterr().err.endswith("the following arguments are required: name\n")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["help"], ["help", "run"]):
        with pytest.raises(SystemExit) as exit_:
            main(words)
        assert exit_.value.code == 0
    assert "self-evaluation-harness " in capsys.readouterr().out


def test_zsh_completes_in_a_terminal(tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh")
    (tmp_path / "completion.zsh").write_text(script("zsh"))
    (tmp_path / "rows.jsonl").touch()
    process, terminal = pty.fork()
    if not process:
        os.chdir(tmp_path)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "HOME": str(tmp_path)})

    def shows(text: str, keys: str) -> bool:
        """Whether the terminal shows a text at some time after keys were typed."""
        os.write(terminal, keys.encode())
        seen, begun = "", time.monotonic()
        while text not in seen and time.monotonic() - begun < 30:
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")
        return text in seen

    try:
        assert shows("ready>", "autoload -Uz compinit; compinit -u; source completion.zsh; PS1='rea''dy> '\n")
        for typed, completed in (
            ("harness val", "harness validate "),
            ("harness run experiment=pTr", "experiment=pTrue "),
            ("harness run seed=1 experiment.sho", "experiment.shots="),
            ("harness run --config-d", "--config-dir "),
            ("harness list stud", "studies "),
            ("harness show smo", "smollm2 "),
            ("harness run task.path=ro", "task.path=rows.jsonl "),
            ("harness report ro", "harness report rows.jsonl "),
        ):
            assert shows(completed, f"\x15{typed}\t"), typed  # Ctrl-U empties the line
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def test_bash_completes_commands_choices_and_keys(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    file = tmp_path / "completion.sh"
    file.write_text(script("bash"))

    def completed(line: str) -> list[str]:
        ask = f'source {file}; COMP_LINE="{line}"; COMP_POINT={len(line)}; _harness; echo "${{COMPREPLY[@]}}"'
        done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("harness val") == ["validate"]
    assert "pTrue" in completed("harness run experiment=pT")  # what follows the "="
    assert "experiment.shots=" in completed("harness run seed=1 experiment.sho")
    assert completed("harness run --config-d") == ["--config-dir"]
    assert completed("harness list stud") == ["studies"]
    assert "smollm2" in completed("harness show smo")
