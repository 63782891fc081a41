"""Which installed packages a config may name: those that depend on the harness."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.places.named import named


def install(site: Path, distribution: str, module: str, requires: Sequence[str]) -> None:
    """Writes into a folder what pip leaves of a package with one module."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    (site / module).mkdir(parents=True, exist_ok=True)
    (site / module / "__init__.py").write_text("")
    (site / module / "steadfast.py").write_text("class Steadfast:\n    pass\n")
    info.mkdir()
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n{needs}")
    (info / "RECORD").write_text(f"{module}/__init__.py,,\n{module}/steadfast.py,,\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "lib" / "site-packages"
    site.mkdir(parents=True)
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.parametrize(
    ("module", "requires"),
    [
        ("lab_plain", ["numpy", "self-evaluation-harness"]),
        ("lab_spelt", ["Self_Evaluation.Harness[cpu]>=0.1 ; python_version >= '3.8'"]),
    ],
)
def test_a_package_that_depends_on_the_harness_is_imported(site: Path, module: str, requires: list[str]) -> None:
    install(site, f"the-{module}", module, requires)
    found = named(f"{module}.steadfast.Steadfast", "experiment._target_")
    assert found.__module__ == f"{module}.steadfast"
    assert Path(sys.modules[f"{module}.steadfast"].__file__ or "").is_relative_to(site)


@pytest.mark.parametrize(
    ("module", "requires"),
    [
        ("other_none", []),
        ("other_like", ["self-evaluation-harness-tools", "harness"]),
        ("other_extra", ["self-evaluation-harness ; extra == 'eval'"]),
        ("other_system", ["self-evaluation-harness ; sys_platform == 'never'"]),
        ("other_broken", ["self-evaluation-harness ???"]),
    ],
)
def test_any_other_installed_package_is_not_even_imported(site: Path, module: str, requires: list[str]) -> None:
    install(site, f"the-{module}", module, requires)
    with pytest.raises(HarnessError, match=r"depend on self-evaluation-harness"):
        named(f"{module}.steadfast.Steadfast", "experiment._target_")
    assert module not in sys.modules


def test_a_module_that_no_package_owns_or_that_two_share_is_refused(site: Path) -> None:
    (site / "stray_module.py").write_text("Steadfast = 1\n")
    with pytest.raises(HarnessError, match="neither of the harness nor"):
        named("stray_module.Steadfast", "experiment._target_")
    install(site, "shared-first", "shared_module", ["self-evaluation-harness"])
    install(site, "shared-second", "shared_module", [])
    with pytest.raises(HarnessError, match="neither of the harness nor"):
        named("shared_module.steadfast.Steadfast", "experiment._target_")
