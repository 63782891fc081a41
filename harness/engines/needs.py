"""Says at the start of a run which packages an engine needs, where the harness was installed without them."""

from __future__ import annotations

from importlib.util import find_spec

from harness.errors import HarnessError


def check_installed(engine: str, packages: tuple[str, ...], extras: tuple[str, ...]) -> None:
    """Looks whether the packages of an engine are installed; none of them is imported.

    Args:
        engine: the config's name of the engine.
        extras: extras of the harness of which each brings the packages.

    Raises:
        HarnessError: one is missing.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        commands = " or ".join(f"pip install 'self-evaluation-harness[{extra}]'" for extra in extras)
        raise HarnessError(
            f"engine={engine} needs {' and '.join(missing)}: {commands}, or scripts/setup in a checkout; engine=auto "
            "takes an engine that is installed, engine=server asks a server, engine=fake answers at random"
        )
