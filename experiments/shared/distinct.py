"""Draws a set of distinct items by rule."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from harness import HarnessError, Task

T = TypeVar("T")


def distinct(size: int, draw: Callable[[int], T], key: Callable[[T], Hashable]) -> list[T]:
    """So many draws with different keys, in the order of drawing; a larger size begins with the smaller one.

    Args:
        draw: the draw for a place, counted from 0; repeated until its key has not occurred.
    """
    made: dict[Hashable, T] = {}
    while len(made) < size:
        one = draw(len(made))
        made.setdefault(key(one), one)
    return [*made.values()]


def check_size(task: Task, setting: str, most: int) -> int:
    """The size of a set that is made by rule, which is a setting of its task.

    Raises:
        HarnessError: it is below 1 or above `most`.
    """
    size = int(getattr(task, setting))
    if not 1 <= size <= most:
        raise HarnessError(f"task {task.name!r}: {setting}={size}; give 1 to {most}")
    return size
