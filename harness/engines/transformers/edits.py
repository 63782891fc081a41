"""Computes `Add`, `Replace` and `Ablate` for all rows of a batch at one site at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.calls.arrays import Array
from harness.calls.interventions import Ablate, Add, Replace
from harness.errors import ItemError

KEPT_VECTORS = 1024
"""Vectors kept on their device between forward passes; every decoding step needs the same ones."""

_NONE = np.arange(0)


@dataclass(frozen=True, slots=True)
class Edit:
    """One intervention on one row of a forward pass.

    Attributes:
        row: row of the batch.
        columns: columns of the pass, distinct.
        chosen: for `Replace`, which of its positions these columns are.
    """

    row: int
    columns: NDArray[np.int64]
    what: Add | Replace | Ablate
    chosen: NDArray[np.int64]


def edit(row: int, what: Add | Replace | Ablate, prompt: int, shift: int, length: int) -> Edit | None:
    """The effect of an intervention in one forward pass; None without one.

    Args:
        prompt: the number of prompt tokens; positions after them belong to generated tokens.
        shift: column minus position.
        length: columns of the pass.
    """
    decodes = not isinstance(what, Replace) and what.decode
    if prompt + shift <= 0:  # nothing but generated tokens: most passes are such
        return Edit(row, np.arange(length), what, _NONE) if decodes else None
    columns = np.asarray(what.positions, dtype=np.int64) + shift
    chosen = np.flatnonzero((columns >= 0) & (columns < length))
    columns = columns[chosen] if isinstance(what, Replace) else np.unique(columns[chosen])
    if decodes:
        columns = np.concatenate([columns, np.arange(prompt + shift, length)])
    return Edit(row, columns, what, chosen) if len(columns) else None


def check_edit(what: Add | Replace | Ablate, width: int, heads: int) -> None:
    """Refuses an intervention that does not fit its site.

    Args:
        width: of the site.
        heads: attention heads of a block.

    Raises:
        ItemError: numbers of another width, a head that the model does not have, or a direction of length zero.
    """
    name = f"{type(what).__name__} at {what.site} of layer {what.layer}"
    if isinstance(what, Ablate):
        vector, directed = what.direction, True
        if what.heads and not 0 <= min(what.heads) <= max(what.heads) < heads:
            raise ItemError(f"{name}: heads {what.heads}, but the model has heads 0 to {heads - 1}")
    else:
        vector, directed = (what.vector, what.relative) if isinstance(what, Add) else (what.values, False)
    if vector is None:
        return
    if vector.shape[-1:] != (width,) or len(vector.shape) != (2 if isinstance(what, Replace) else 1):
        raise ItemError(
            f"{name}: numbers of shape {vector.shape}, but the site is {width} wide; fit the vector on this model, "
            "at this site"
        )
    if directed and not np.any(vector.numpy()):
        raise ItemError(f"{name}: a vector of length zero has no direction")


class Editor:
    """Applies edits.

    Args:
        heads: attention heads of a block, side by side at site attn_heads.
    """

    def __init__(self, heads: int) -> None:
        self._heads = heads
        self._kept: dict[tuple[Array, Any, Any], Any] = {}

    def apply(self, hidden: Any, edits: Sequence[Edit]) -> None:
        """Changes hidden, [rows, columns, width], in place; at most one edit a row."""
        import torch

        for kind, formula in ((Add, self._added), (Ablate, self._ablated), (Replace, self._replaced)):
            some = [one for one in edits if isinstance(one.what, kind)]
            if not some:
                continue
            owners = np.repeat([[e.row for e in some], range(len(some))], [len(e.columns) for e in some], axis=1)
            index = np.vstack([owners, np.concatenate([e.columns for e in some])])
            rows, which, columns = torch.from_numpy(index).to(hidden.device)
            exact = torch.promote_types(hidden.dtype, torch.float32)
            hidden[rows, columns] = formula(hidden[rows, columns].to(exact), which, some).to(hidden.dtype)

    # Formulas take the edited columns [N, width], and of which edit each of them is [N]; they give [N, width].

    def _added(self, before: Any, which: Any, edits: Sequence[Edit]) -> Any:
        import torch

        adds = [e.what for e in edits if isinstance(e.what, Add)]
        stack = torch.stack([self._tensor(a.vector, before) for a in adds])
        scale, relative, keep = before.new_tensor([[a.scale, a.relative, a.keep_norm] for a in adds]).T[..., None]
        if any(a.relative for a in adds):
            stack = torch.where(relative > 0, stack / stack.norm(dim=1, keepdim=True), stack)
        push = (scale * stack)[which]
        if any(a.relative for a in adds):
            push = torch.where(relative[which] > 0, push * before.norm(dim=1, keepdim=True), push)
        after = before + push
        if any(a.keep_norm for a in adds):
            length = after.norm(dim=1, keepdim=True)
            factor = before.norm(dim=1, keepdim=True) / length
            after = torch.where((keep[which] > 0) & (length > 0), after * factor, after)
        return after

    def _ablated(self, before: Any, which: Any, edits: Sequence[Edit]) -> Any:
        import torch

        units, zeroed = [], []
        for one in (e.what for e in edits if isinstance(e.what, Ablate)):
            v = None if one.direction is None else self._tensor(one.direction, before)
            units.append(before.new_zeros(before.shape[1]) if v is None else v / v.norm())
            heads = torch.zeros(self._heads if one.heads else 1, dtype=torch.bool)
            heads[list(one.heads) if one.heads else slice(None)] = v is None
            zeroed.append(heads.repeat_interleave(before.shape[1] // len(heads)))
        unit = torch.stack(units)[which]
        along = (before * unit).sum(dim=1, keepdim=True) * unit
        return torch.where(torch.stack(zeroed).to(before.device)[which], 0.0, before - along)

    def _replaced(self, before: Any, which: Any, edits: Sequence[Edit]) -> Any:
        # Used in one forward pass only, so not kept.
        values = [e.what.values.numpy()[e.chosen] for e in edits if isinstance(e.what, Replace)]
        return before.new_tensor(np.concatenate(values))

    def _tensor(self, array: Array, like: Any) -> Any:
        import torch

        key = (array, like.device, like.dtype)
        if key not in self._kept:
            if len(self._kept) >= KEPT_VECTORS:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = torch.tensor(array.numpy(), dtype=like.dtype, device=like.device)
        return self._kept[key]
