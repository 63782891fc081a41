"""Settings that are given as Python values, and not as words of a command line."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.config.written import written

if TYPE_CHECKING:
    from omegaconf import DictConfig

NO_VALUES: Mapping[str, Any] = MappingProxyType({})


def set_values(config: DictConfig, values: Mapping[str, Any]) -> None:
    """Puts values at dotted keys of a config that is not resolved yet; each takes the place of any value there.

    Raises:
        HarnessError: a value that no config can hold.
    """
    from omegaconf import OmegaConf

    for key, value in values.items():
        OmegaConf.update(config, key, _literal(written(_of_python(value), key)), merge=False, force_add=True)


def _of_python(value: Any) -> Any:
    """Numbers of numpy as Python's own: notebooks count with them."""
    if isinstance(value, Mapping):
        return {key: _of_python(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_of_python(part) for part in value]
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def _literal(value: Any) -> Any:
    """The value with every text marked as one: OmegaConf would look up ${name} in it."""
    if isinstance(value, dict):
        return {key: _literal(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_literal(part) for part in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value
