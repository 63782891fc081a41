"""Cuts attention edges: says which cuts are possible, and makes the mask of one attention module.

Columns of queries and keys are counted as in the whole sequence of a left-padded row, cached keys included:
column = position + padding. A sliding-window layer caches only its last keys, so its mask begins at some offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.calls.interventions import Cut
from harness.errors import ItemError


@dataclass(frozen=True, slots=True)
class RowCut:
    """A cut of one row of a forward pass.

    Attributes:
        row: row of the batch.
        queries: columns, all of this pass, [q].
        keys: columns, [k].
        cut: says the heads, and whether the edge of a token to itself stays.
    """

    row: int
    queries: NDArray[np.int64]
    keys: NDArray[np.int64]
    cut: Cut


@dataclass(frozen=True, slots=True)
class Extent:
    """The queries and keys of one attention module in one forward pass.

    Attributes:
        first_query, queries: the columns of the pass.
        first_key, keys: the columns of the keys that it has, cached and new.
    """

    first_query: int
    queries: int
    first_key: int
    keys: int


def row_cut(row: int, cut: Cut, pad: int, past: int, length: int) -> RowCut | None:
    """The effect of a cut in one forward pass; None without one."""
    queries = _distinct(cut.queries) + pad
    queries = queries[(queries >= past) & (queries < past + length)]
    keys = _distinct(cut.keys) + pad
    keys = keys[keys < past + length]
    return RowCut(row, queries, keys, cut) if len(queries) and len(keys) else None


@lru_cache(maxsize=4096)
def _distinct(positions: tuple[int, ...]) -> NDArray[np.int64]:
    # Every decoding step asks for the same ones.
    return np.unique(np.asarray(positions, dtype=np.int64))


def check_cuts(cuts: Sequence[Cut], window: int | None, heads: int) -> None:
    """Refuses cuts of one layer that cannot be carried out together.

    Raises:
        ItemError: a head that the model lacks, or a query without any key left.
    """
    named = {h for cut in cuts for h in cut.heads}
    if unknown := sorted(h for h in named if not 0 <= h < heads):
        raise ItemError(f"Cut at layer {cuts[0].layer}: head {unknown[0]}, but the model has heads 0 to {heads - 1}")
    for head in (None, *sorted(named)):
        here = [cut for cut in cuts if not cut.heads or head in cut.heads]
        queries = np.unique([q for cut in here for q in cut.queries])
        if not len(queries):
            continue
        keys = np.arange(queries[-1] + 1)
        seen = keys <= queries[:, None]
        if window:
            seen &= keys > queries[:, None] - window
        for cut in here:
            gone = np.outer(np.isin(queries, cut.queries), np.isin(keys, cut.keys))
            seen &= ~(gone & (keys != queries[:, None])) if cut.keep_self else ~gone
        if not seen.any(axis=1).all():
            query = int(queries[~seen.any(axis=1)][0])
            where = f"layer {cuts[0].layer}" + ("" if head is None else f", head {head}")
            raise ItemError(f"Cut at {where}: the query at position {query} is left without any key; leave it one")


def cut_edges(cuts: Sequence[RowCut], rows: int, heads: int, extent: Extent) -> NDArray[np.bool_]:
    """True where an edge is cut, shape [rows, heads or 1 for all alike, queries, keys]."""
    gone = np.zeros((rows, heads if any(c.cut.heads for c in cuts) else 1, extent.queries, extent.keys), dtype=bool)
    for one in cuts:
        keys = one.keys[one.keys >= extent.first_key]
        row, heads_cut = np.array([one.row]), np.array(one.cut.heads or range(gone.shape[1]))
        edges = np.ones((len(one.queries), len(keys)), dtype=bool)
        if one.cut.keep_self:
            edges = keys != one.queries[:, None]
        gone[np.ix_(row, heads_cut, one.queries - extent.first_query, keys - extent.first_key)] |= edges
    return gone


def mask_without(gone: Any, mask: Any, pads: Sequence[int], extent: Extent) -> Any:
    """The attention mask without the edges that are gone.

    Args:
        gone: boolean tensor, [rows, heads or 1, queries, keys].
        mask: what the model made: None (causal, nothing masked by padding), boolean (True is seen) or additive.
        pads: padding columns of each row.
    """
    import torch

    if mask is None:
        queries = torch.arange(extent.queries, device=gone.device)[:, None] + extent.first_query
        keys = torch.arange(extent.keys, device=gone.device) + extent.first_key
        pad = torch.tensor(pads, device=gone.device)[:, None, None]
        # Padding may look at padding: nobody reads it, but a query without any key would give no number.
        return ((keys <= queries) & ((keys >= pad) | (queries < pad)))[:, None] & ~gone
    if mask.dtype == torch.bool:
        return mask & ~gone
    # Set, not added: twice the lowest number would be an infinity.
    return torch.where(gone, torch.finfo(mask.dtype).min, mask)
