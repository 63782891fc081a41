"""Puts the runs of a study into an order in which each comes after the runs that it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from harness.errors import HarnessError, nearest

_REFERENCE = re.compile(r"\$\{run:([^}]*)\}")
_PLAIN = re.compile(r"[\w./-]+")


def references(words: Sequence[str]) -> tuple[str, ...]:
    """The runs that overrides name as ${run:NAME}, each once."""
    return tuple(dict.fromkeys(name for word in words for name in _REFERENCE.findall(word)))


def resolve(words: Sequence[str], folders: Mapping[str, str]) -> list[str]:
    """The overrides with the folder of a run in place of each ${run:NAME}, in quotes where Hydra needs them."""

    def folder(name: str) -> str:
        path = folders[name]
        return path if _PLAIN.fullmatch(path) else "'" + path.replace("\\", "\\\\").replace("'", "\\'") + "'"

    return [_REFERENCE.sub(lambda found: folder(found[1]), word) for word in words]


def check_references(needs: Mapping[str, Collection[str]]) -> None:
    """Raises HarnessError: a run needs one that there is not, or runs need each other in a circle."""
    for name, needed in needs.items():
        for other in needed:
            if other not in needs:
                raise HarnessError(
                    f"run {name!r}: there is no run {other!r} for ${{run:{other}}}{nearest(other, needs)}"
                )
    in_order(needs)


def in_order(
    needs: Mapping[str, Collection[str]], alike: Callable[[str, str], bool] = lambda one, two: True
) -> list[str]:
    """All runs, each after the runs that it needs, else as given; after each the next that is alike, where one can go.

    Args:
        alike: whether two runs need the same models loaded.

    Raises:
        HarnessError: runs need each other in a circle, which the message names.
    """
    done: list[str] = []
    waiting = list(needs)
    while waiting:
        ready = [name for name in waiting if all(other in done for other in needs[name])]
        if not ready:
            raise HarnessError(f"runs need each other in a circle: {' <- '.join(_circle(needs, waiting))}")
        following = [name for name in ready if done and alike(done[-1], name)]
        done.append((following or ready)[0])
        waiting.remove(done[-1])
    return done


def _circle(needs: Mapping[str, Collection[str]], waiting: Sequence[str]) -> list[str]:
    path = [waiting[0]]
    while path[-1] not in path[:-1]:
        path.append(next(other for other in needs[path[-1]] if other in waiting))
    return path[path.index(path[-1]) :]
