"""Reads config files that a user wrote. Every mistake in them gives one line that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from yaml.nodes import Node

LONGEST = 1_000_000
"""Bytes of a config file."""
MOST = 20_000
"""Values of a config file, each alias counted with all that it stands for."""


def read_yaml(file: Path) -> dict[str, Any]:
    """The content of a config file, interpolations unresolved; an empty file is an empty mapping.

    Raises:
        HarnessError: it cannot be read, is no YAML of plain values in UTF-8, is no mapping, or is too large.
    """
    import yaml
    from omegaconf import OmegaConf
    from omegaconf._utils import get_yaml_loader  # refuses keys given twice, as OmegaConf itself does
    from omegaconf.errors import OmegaConfBaseException

    loader = get_yaml_loader()
    try:
        content = file.read_bytes()
        if len(content) > LONGEST:
            raise HarnessError(f"{file}: a config file has {LONGEST} bytes at most")
        text = content.decode("utf-8")
        if text.startswith("\ufeff"):
            raise HarnessError(f"{file}: it begins with a byte-order mark; save it as UTF-8 without one")
        node = yaml.compose(text, Loader=loader)
        if node is not None:
            _size(node, {}, file)
        values = yaml.load(text, Loader=loader)
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise HarnessError(f"{file}: a config file is a mapping of names to values, and this one a {_kind(values)}")
        return {str(key): value for key, value in _plain(OmegaConf.create(values)).items()}
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise HarnessError(f"{file}, line {line}: it is not UTF-8 ({error.reason}); save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise HarnessError(f"{file}{where}: {_reason(error.problem or error.context or 'malformed YAML')}") from error
    except RecursionError as error:
        raise HarnessError(f"{file}: its values are nested too deep") from error
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, TypeError, AttributeError) as error:
        raise HarnessError(f"{file} is malformed: {_reason(str(error))}") from error


def _plain(config: Any) -> dict[Any, Any]:
    from omegaconf import OmegaConf

    values = OmegaConf.to_container(config, resolve=False)
    assert isinstance(values, dict)
    return values


def _reason(text: str) -> str:
    """A reader's reason in one line."""
    if "cannot start any token" in text and "\\t" in text:
        return "a tab; YAML is indented with spaces"
    return " ".join(text.split())


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"


def _size(node: Node, sizes: dict[int, int], file: Path) -> int:
    """How many values a node holds, each alias written out.

    Raises:
        HarnessError: too many, or an alias inside of the node that it stands for.
    """
    known = sizes.get(id(node))
    if known == 0:
        raise HarnessError(f"{file}, line {node.start_mark.line + 1}: an alias stands for what holds it")
    if known is not None:
        return known
    sizes[id(node)] = 0
    parts = node.value if isinstance(node.value, list) else []
    flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
    total = 1 + sum(_size(part, sizes, file) for part in flat)
    if total > MOST:
        raise HarnessError(
            f"{file}, line {node.start_mark.line + 1}: it has more than {MOST} values (aliases written out)"
        )
    sizes[id(node)] = total
    return total
