"""Seconds of each fuzz target, on the same inputs every time; hours by hand: `python -m tests.fuzz --minutes 60`."""

from __future__ import annotations

import pytest

from tests.fuzz.loop import attack
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_every_reader_gives_a_value_or_one_line(name: str) -> None:
    target = TARGETS[name]
    broken = [one for one in attack(target, seed=0, inputs=target.quick) if one]
    assert not broken, "\n".join(f"python -m tests.fuzz {name} --seed {b.seed} --inputs 1: {b.told}" for b in broken)
