"""Which groups the rows of a table belong to, how many there are, and how often a replicate draws each row's groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from harness.items import groups_in
from harness.metrics.columns import Floats
from harness.outcomes import factorize

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """The groups of rows: one for each row, or several that it shares with other rows (the two years of a pair).

    Groups are of one kind where a name occurs in two places, as a year is the first of one pair and the second of
    another. Else each place has a kind of its own (persons, stimuli). Kinds are drawn apart.

    Attributes:
        of_row: [n] which set of groups each row has, 0..S-1.
        members: [S, ways] the numbers of the groups of each set; -1 where a set has fewer than others.
        sizes: how many groups there are of each kind; they are numbered kind after kind.
    """

    of_row: Codes
    members: Codes
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, names: np.ndarray, codes: Codes | None = None) -> Clusters:
        """The clusters of rows by the names in the column "group", [n].

        Args:
            codes: [n] the number of each row's name among the different ones, where that is known already.
        """
        of_row = factorize(names)[1] if codes is None else codes
        sets = [groups_in(name) for name in names[np.unique(of_row, return_index=True)[1]]]
        if all(len(groups) == 1 for groups in sets):
            return cls.single(of_row)
        places = [[name for name in place if name is not None] for place in zip_longest(*sets)]
        kinds = _kinds(places)
        numbers: dict[tuple[int, str], int] = {}
        for kind in sorted(set(kinds)):
            named = {name for place, own in zip(places, kinds, strict=True) if own == kind for name in place}
            numbers |= {(kind, name): len(numbers) + i for i, name in enumerate(sorted(named))}
        members = np.full((len(sets), len(places)), -1, dtype=np.int64)
        for row, groups in enumerate(sets):
            for place, name in enumerate(groups):
                members[row, place] = numbers[kinds[place], name]
        sizes = tuple(sum(kind == own for kind, _ in numbers) for own in sorted(set(kinds)))
        # The pair (a, b) is the pair (b, a).
        sets_in_order, same = np.unique(np.sort(members, axis=1), axis=0, return_inverse=True)
        return cls(same.reshape(-1)[of_row], sets_in_order, sizes)

    @classmethod
    def single(cls, of_row: Codes) -> Clusters:
        """Clusters of rows with one group each, whose number is known, [n] in 0..G-1."""
        n = int(of_row.max(initial=-1)) + 1
        return cls(of_row, np.arange(n)[:, None], (n,))

    @property
    def n(self) -> int:
        """How many groups there are; of several kinds, of the one with the fewest."""
        return min(self.sizes)

    @property
    def ways(self) -> int:
        """How many groups a row has at most."""
        return int(self.members.shape[1])

    def drawn(self, size: int, rng: np.random.Generator) -> Floats:
        """How often each set of groups occurs in replicates, [size, S].

        Of every kind as many groups are drawn, with replacement, as there are. A set of several occurs as often as the
        product of the counts of its groups: the bootstrap of crossed and of dyadic data (Owen 2007; Davezies,
        D'Haultfoeuille and Guyonvarch 2021).
        """
        counts = [counted(rng.integers(0, n, (size, n)), n) for n in self.sizes]
        if self.ways == 1:
            return counts[0]
        # The last column is for places without a group, whose number is -1.
        of_group = np.concatenate([*counts, np.ones((size, 1))], axis=1)
        return np.asarray(np.prod([of_group[:, place] for place in self.members.T], axis=0))

    def touched(self) -> tuple[Codes, Codes]:
        """Every row with each of its groups: the numbers of rows and of groups, [n * ways] or fewer."""
        groups = self.members[self.of_row]
        row, place = np.nonzero(groups >= 0)
        return row, groups[row, place]

    def variance_of_sum(self, off: Floats) -> float:
        """The variance of the sum of deviations [n] from a mean, with all that rows of a common group have in common.

        It is the sum of the products of the deviations of any two rows that share a group: sum_g (sum of g)^2. Rows
        with a set s of several groups were counted once for each; so (sum of s)^2 is taken off for each group of s
        beyond the first (Cameron, Gelbach and Miller 2011; for dyads Aronow, Samii and Assenova 2015). At least 0.
        """
        row, group = self.touched()
        total = float((np.bincount(group, off[row]) ** 2).sum())
        beyond = (self.members >= 0).sum(axis=1) - 1
        twice = float((beyond * np.bincount(self.of_row, off, len(self.members)) ** 2).sum())
        return max(0.0, total - twice)


def counted(codes: Sequence[Codes] | Codes, size: int) -> Floats:
    """How often each code 0..size-1 occurs in each row of codes, [B, size]."""
    found = np.empty((len(codes), size))
    for row, own in zip(found, codes, strict=True):
        row[:] = np.bincount(own, minlength=size)
    return found


def _kinds(places: Sequence[Sequence[str]]) -> list[int]:
    """The kind of the groups in each place: the first place with which it shares a name."""
    names = [set(place) for place in places]
    kinds = list(range(len(places)))
    for late in range(len(places)):
        for early in range(late):
            if not names[early].isdisjoint(names[late]):
                joined = {kinds[early], kinds[late]}
                kinds = [min(joined) if kind in joined else kind for kind in kinds]
    return kinds
