"""Numbers about sets of K of n draws, exact: means over all such sets, and never over one set that was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb


def pass_at(n: int, right: int, k: int) -> float:
    """Probability that K of n draws hold a right one, 1 - C(n - c, K)/C(n, K), in [0, 1] (Chen et al. 2021)."""
    return 1 - comb(n - right, k) / comb(n, k)


def distinct_at(n: int, repeats: Sequence[int], k: int, least: int) -> float:
    """Probability that K of n draws hold at least `least` different right texts, in [0, 1]: Pass@K-S.

    Args:
        repeats: how often each right text was drawn. With one text a draw and least = 1 this is `pass_at`.
    """
    # sets[t][j]: sets of j draws of the right texts so far that hold t of them, `least` standing for any more.
    sets = [[0] * (k + 1) for _ in range(least + 1)]
    sets[0][0] = 1
    for times in repeats:
        grown = [[0] * (k + 1) for _ in range(least + 1)]
        for texts, by_size in enumerate(sets):
            for size, count in enumerate(by_size):
                for taken in range(min(times, k - size) + 1):
                    held = min(texts + (taken > 0), least)
                    grown[held][size + taken] += count * comb(times, taken)
        sets = grown
    wrong = n - sum(repeats)
    found = sum(count * comb(wrong, k - size) for size, count in enumerate(sets[least]))
    return found / comb(n, k)


def top_right(ranked: Sequence[bool], k: int, top: int = 1) -> float:
    """Probability that the `top` draws of highest reward among K of n are all right, in [0, 1]: Reward@K-S.

    With top = 1 it is the accuracy of the best of K.

    Args:
        ranked: whether each of the n draws is right, from the highest reward down.
    """
    n, found, above = len(ranked), 0, 0
    for place, right in enumerate(ranked):
        if right:
            # This draw is the last of the top ones: the others are right ones above it, all else lies below it.
            found += comb(above, top - 1) * comb(n - 1 - place, k - top)
            above += 1
    return found / comb(n, k)


def balance(different: int, selected: int, wanted: int) -> float:
    """Balance score of a question, min(n'/n*, 1) n'/n_sel, in [0, 1] (Zeng et al. 2024); 0 where none was selected.

    Args:
        different: n', different right texts among the selected ones.
        selected: n_sel, draws that the reward selects.
        wanted: n*, different right texts that training wants of a question.
    """
    return min(different / wanted, 1.0) * different / selected if selected else 0.0
