"""Finds the harness's own `conf` and `experiments`, and the user's folders that are searched with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from harness.errors import HarnessError

EXPERIMENTS = "experiments"


def home() -> Path:
    """The folder that holds our `conf` and `experiments`.

    In a wheel it is `harness/packaged`, because every Hydra project has a `conf` of its own and site-packages can hold
    only one; in a checkout it is the repository.
    """
    package = Path(__file__).resolve().parents[1]
    packaged = package / "packaged"
    return packaged if packaged.is_dir() else package.parent


def own_conf() -> Path:
    """Our config folder."""
    return home() / "conf"


def config_folders(config_dir: Path | None) -> list[Path]:
    """The folders in which a config file is looked for; the first that has it wins.

    They are --config-dir's, `conf` of the working directory, where Hydra users keep theirs, and ours.
    """
    here = Path.cwd() / "conf"
    asked = [folder.resolve() for folder in (config_dir, here) if folder is not None and folder.is_dir()]
    return list(dict.fromkeys([*(folder for folder in asked if folder != own_conf().resolve()), own_conf()]))


def config_files(group: str, config_dir: Path | None) -> dict[str, Path]:
    """The files of a config group by name, sorted; of two of one name the one that Hydra takes."""
    folders = reversed(config_folders(config_dir))
    found = {file.stem: file for folder in folders for file in (folder / group).glob("*.yaml") if file.is_file()}
    return dict(sorted(found.items()))


def see_working_directory() -> None:
    """Puts the working directory on sys.path, where `python -m` has it and the command `harness` has not.

    It comes last, so that a file of the user's takes no installed package's place.

    Raises:
        HarnessError: it was removed.
    """
    try:
        here = str(Path.cwd())
    except OSError as error:
        raise HarnessError("the working directory is not there any more; go to another one (cd)") from error
    if "" not in sys.path and here not in sys.path:
        sys.path.append(here)


def open_experiments() -> None:
    """Makes `experiments` ours and, after ours, every folder of that name on sys.path.

    A user's own `experiments/mine.py` in the working directory is then `experiments.mine`, and our experiments are
    found wherever the command is typed.
    """
    ours = home() / EXPERIMENTS
    package = sys.modules.get(EXPERIMENTS)
    if package is None:
        spec = spec_from_file_location(EXPERIMENTS, ours / "__init__.py", submodule_search_locations=[str(ours)])
        package = _loaded(spec)
    places = dict.fromkeys([str(ours), *_others(ours)])
    package.__path__ = list(places)


def _loaded(spec: ModuleSpec | None) -> ModuleType:
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _others(ours: Path) -> Iterator[str]:
    """Further folders called `experiments`, in the order of sys.path."""
    for entry in sys.path:
        spec = PathFinder.find_spec(EXPERIMENTS, [entry or str(Path.cwd())])
        for place in spec.submodule_search_locations or () if spec else ():
            if Path(place).resolve() != ours.resolve():
                yield place
