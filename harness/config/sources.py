"""Hydra on our folders: which files it composes, from which folder, read by a reader that names what is wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError
from harness.places.folders import config_folders, own_conf

if TYPE_CHECKING:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

SCHEME = "harness"


@contextmanager
def hydra_at(config_dir: Path | None) -> Iterator[None]:
    """Hydra ready to compose from the folders of `config_folders`, and as before afterwards.

    Raises:
        HarnessError: no such folder.
    """
    from hydra import version
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path
    from hydra.core.config_search_path import SearchPathQuery
    from hydra.core.global_hydra import GlobalHydra
    from hydra.initialize import get_gh_backup, restore_gh_from_backup

    if config_dir is not None and not config_dir.is_dir():
        raise HarnessError(f"--config-dir {config_dir}: no such folder")
    before = get_gh_backup()
    version.setbase("1.3")
    GlobalHydra.instance().clear()
    # Hydra looks for the primary config, our config.yaml, in "main" only; what stands before it wins in all groups.
    search = create_config_search_path(search_path_dir=str(own_conf()))
    _register()
    for folder in config_folders(config_dir)[:-1]:
        search.prepend("user", f"{SCHEME}://{folder}", SearchPathQuery("main", None))
    try:
        Hydra.create_main_hydra2(task_name="harness", config_search_path=search)
        yield
    finally:
        restore_gh_from_backup(before)


def loader() -> ConfigLoaderImpl:
    """The loader that reads and composes config files; inside of `hydra_at` only."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra.core.global_hydra import GlobalHydra

    found = GlobalHydra.instance().config_loader()
    assert isinstance(found, ConfigLoaderImpl)
    return found


def option_file(option: str) -> Path | None:
    """The file of "group/name" that Hydra takes; None if there is none. Inside of `hydra_at` only."""
    for source in loader().repository.get_sources():
        file = Path(source.path) / f"{option}.yaml"
        if source.provider in ("user", "main") and file.is_file():
            return file
    return None


def options(group: str) -> Sequence[str]:
    """The names in a group, sorted; inside of `hydra_at` only."""
    # The loader's own method would copy the whole repository each time.
    return sorted(loader().repository.get_group_options(group))


@functools.cache
def _register() -> None:
    """Tells Hydra of a source of config files whose reader is `read_yaml`."""
    from hydra._internal.core_plugins.file_config_source import FileConfigSource
    from hydra._internal.sources_registry import SourcesRegistry
    from hydra.plugins.config_source import ConfigResult

    class UserFiles(FileConfigSource):
        """A user's folder. Its groups count, its files outside of groups do not: config.yaml is another program's."""

        @staticmethod
        def scheme() -> str:
            return SCHEME

        def is_config(self, config_path: str) -> bool:
            return "/" in config_path and super().is_config(config_path)

        def load_config(self, config_path: str) -> ConfigResult:
            read_yaml(Path(self.path) / self._normalize_file_name(config_path))
            return super().load_config(config_path)

    SourcesRegistry.instance().register(UserFiles)
