"""Carries out `Read` and interventions in one forward pass of a Hugging Face causal language model.

Every call of a batch may ask for something else: hooks see the whole batch and change the rows and columns concerned.
A hook that should have fired and did not is an error, never a pass without intervention. `engines.blocks` says
which sites each architecture has; `Cut` needs attention implementation "sdpa" or "eager".

Negative statements: no gradients, no intervention on attention weights other than cutting, none on embeddings
(resid_pre of layer 0 is the first site) or logits (final_norm of the last layer is the last one).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from harness.calls.calls import Activations, Call, Read
from harness.calls.interventions import Cut, Site, same_site
from harness.engines.transformers.blocks import Blocks, Place
from harness.engines.transformers.edges import Extent, RowCut, check_cuts, cut_edges, mask_without, row_cut
from harness.engines.transformers.edits import Edit, Editor, check_edit, edit
from harness.errors import HarnessError

SITES: tuple[Site, ...] = get_args(Site)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a left-padded batch.

    Attributes:
        call: its interventions and, for `Read`, what to read.
        pad: how many key columns on the left of this row are padding, cached ones included.
    """

    call: Call
    pad: int


class WhiteBox:
    """The inside of a loaded model.

    Attributes:
        layers, width, heads: number of blocks, width of the residual stream, attention heads (of queries) per block.

    Args:
        model: a causal language model of Hugging Face in eval mode, or a wrapper of one.

    Raises:
        HarnessError: the structure of the model's type is not known.
    """

    def __init__(self, model: Any) -> None:
        self._blocks = Blocks(model)
        self.layers, self.width, self.heads = self._blocks.layers, self._blocks.width, self._blocks.heads
        self._editor = Editor(self.heads)

    def check(self, call: Call) -> None:
        """Refuses what this model cannot do.

        Raises:
            ItemError: a layer, head or width that the model does not have, a direction of length zero, final_norm not
                at the last layer, or a query without any key left.
            HarnessError: a site that the model does not have, or `Cut` with an attention implementation without masks.
        """
        if isinstance(call, Read):
            for layer in call.layers:
                call.check_width(self._blocks.place(layer, call.site).width)
        cuts: dict[int, list[Cut]] = {}
        for one in call.interventions:
            if isinstance(one, Cut):
                cuts.setdefault(one.layer, []).append(one)
            else:
                check_edit(one, self._blocks.place(one.layer, one.site).width, self.heads)
        how = self._blocks.config._attn_implementation
        if cuts and how != "eager" and not how.endswith("sdpa"):  # kernels of other kinds take no mask of edges
            raise HarnessError(f"Cut needs attention implementation sdpa or eager; the model runs with {how!r}")
        for layer, some in cuts.items():
            self._blocks.place(layer, "attn_out")
            check_cuts(some, self._blocks.window(layer), self.heads)

    @contextmanager
    def forward(self, rows: Sequence[Row], past: int, length: int) -> Iterator[Trace]:
        """Around exactly one forward pass of a batch [len(rows), length].

        The token in column c of row b has position past + c - rows[b].pad; columns of padding are never touched.
        Without anything to do no hook is installed.

        Args:
            past: key columns already in the KV cache.

        Raises:
            RuntimeError: a hook did not fire, fired twice, or met tensors of another shape. Hooks are gone afterwards
                in any case.
        """
        trace = Trace(rows, self._points(rows, past, length))
        hooks: list[_Point | _Mask] = [*trace.points.values(), *self._masks(rows, past, length)]
        handles: list[Any] = []
        try:
            for hook in hooks:
                handles.append(hook.attach())
            yield trace
            if silent := [hook.name for hook in hooks if not hook.fired]:
                raise RuntimeError(f"the model passed by {', '.join(silent)}: nothing was read or changed there")
        finally:
            for handle in handles:
                handle.remove()

    def _points(self, rows: Sequence[Row], past: int, length: int) -> dict[tuple[int, Site], _Point]:
        points: dict[tuple[int, Site], _Point] = {}

        def point(layer: int, site: Site) -> _Point:
            layer, site = same_site(layer, site)
            if (layer, site) not in points:
                place = self._blocks.place(layer, site)
                points[layer, site] = _Point(f"{site} of layer {layer}", place, (len(rows), length), self._editor)
            return points[layer, site]

        for b, row in enumerate(rows):
            shift = row.pad - past
            for one in row.call.interventions:
                if isinstance(one, Cut):
                    continue
                if (what := edit(b, one, len(row.call.prompt), shift, length)) is not None:
                    point(one.layer, one.site).add(what)
            if isinstance(row.call, Read):
                columns = np.asarray(row.call.positions) + shift
                columns = columns[(columns >= 0) & (columns < length)]
                for layer in row.call.layers if len(columns) else ():
                    point(layer, row.call.site).reads[b] = columns
        # Of two hooks on one module the first installed runs first. OLMo 2's MLP reads the stream itself: resid_mid
        # must come before mlp_norm, as it does among the sites.
        return dict(sorted(points.items(), key=lambda item: (item[0][0], SITES.index(item[0][1]))))

    def _masks(self, rows: Sequence[Row], past: int, length: int) -> list[_Mask]:
        cuts: dict[int, list[RowCut]] = {}
        for b, row in enumerate(rows):
            for one in row.call.interventions:
                if isinstance(one, Cut) and (what := row_cut(b, one, row.pad, past, length)) is not None:
                    cuts.setdefault(one.layer, []).append(what)
        pads = [row.pad for row in rows]
        made: dict[Any, Any] = {}
        return [
            _Mask(
                self._blocks.attention(i),
                layer=i,
                cuts=some,
                heads=self.heads,
                pads=pads,
                past=past,
                length=length,
                made=made,
            )
            for i, some in cuts.items()
        ]


@dataclass(slots=True)
class Trace:
    """The activations that were read in one forward pass."""

    rows: Sequence[Row]
    points: dict[tuple[int, Site], _Point]

    def activations(self, row: int) -> Activations:
        """The reply to the `Read` of a row whose positions all lay in this pass.

        Raises:
            RuntimeError: some of its positions did not.
            ValueError: the model's numbers overflowed.
        """
        call = self.rows[row].call
        assert isinstance(call, Read)
        points = [self.points.get(same_site(layer, call.site)) for layer in call.layers]
        values = [point.read[row].numpy() for point in points if point is not None and row in point.read]
        if len(values) < len(call.layers) or len(values[0]) < len(call.positions):
            raise RuntimeError("activations of positions that this forward pass did not hold, or before its end")
        stack = np.stack(values)
        if not np.isfinite(stack).all():
            raise ValueError(f"{call.site}: the model's numbers overflowed; try another dtype or a weaker intervention")
        return call.reply(stack)


@dataclass(slots=True)
class _Point:
    """A site of one layer in one forward pass: edits, then reads.

    Attributes:
        rounds: edits; in each round at most one a row, so that a row's own come in their order.
        counts: edits by row.
        reads: columns by row.
        read: [columns, width] by row, float32, on the CPU.
    """

    name: str
    place: Place
    shape: tuple[int, int]
    editor: Editor
    rounds: list[list[Edit]] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    reads: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    read: dict[int, Any] = field(default_factory=dict)
    fired: bool = False

    def add(self, one: Edit) -> None:
        """After the row's other edits here."""
        if self.counts[one.row] == len(self.rounds):
            self.rounds.append([])
        self.rounds[self.counts[one.row]].append(one)
        self.counts[one.row] += 1

    def attach(self) -> Any:
        module = self.place.module
        if self.place.side == "output":
            return module.register_forward_hook(self._after)
        return module.register_forward_pre_hook(self._before, with_kwargs=True)

    def _before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return (self._pass(args[0]), *args[1:]), kwargs
        return args, kwargs | {"hidden_states": self._pass(kwargs["hidden_states"])}

    def _after(self, module: Any, args: Any, output: Any) -> Any:
        # Blocks give a bare tensor, attention a tuple that begins with one; which does what changes with versions.
        return (self._pass(output[0]), *output[1:]) if isinstance(output, tuple) else self._pass(output)

    def _pass(self, hidden: Any) -> Any:
        if self.fired or tuple(hidden.shape[:2]) != self.shape:
            raise RuntimeError(f"{self.name}: expected one pass of shape {self.shape}, met {tuple(hidden.shape)}")
        self.fired = True
        if self.rounds and not self.place.in_place:
            hidden = hidden.clone()
        for edits in self.rounds:
            self.editor.apply(hidden, edits)
        if self.reads:
            self._keep(hidden)
        return hidden

    def _keep(self, hidden: Any) -> None:
        import torch

        columns = np.concatenate(list(self.reads.values()))
        lengths = [len(some) for some in self.reads.values()]
        index = np.stack([np.repeat(list(self.reads), lengths), columns])
        row, column = torch.from_numpy(index).to(hidden.device)
        values = hidden[row, column].detach().to("cpu").float()
        self.read = dict(zip(self.reads, values.split(lengths), strict=True))


@dataclass(slots=True)
class _Mask:
    """The cuts at one layer in one forward pass.

    Attributes:
        pads: padding columns of every row.
        made: tensors of cut edges on their device; layers that cut the same edges share one.
    """

    attention: Any
    layer: int
    cuts: list[RowCut]
    heads: int
    pads: list[int]
    past: int
    length: int
    made: dict[Any, Any]
    fired: bool = False

    @property
    def name(self) -> str:
        return f"the attention of layer {self.layer}"

    def attach(self) -> Any:
        return self.attention.register_forward_pre_hook(self._before, with_kwargs=True)

    def _before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        import torch

        hidden = args[0] if args else kwargs["hidden_states"]
        if self.fired or tuple(hidden.shape[:2]) != (len(self.pads), self.length):
            raise RuntimeError(f"{self.name}: met {tuple(hidden.shape)} in a pass of {len(self.pads)} x {self.length}")
        self.fired = True
        mask = kwargs["attention_mask"]
        extent = self._extent(kwargs)
        if mask is not None and tuple(mask.shape[-2:]) != (extent.queries, extent.keys):
            raise RuntimeError(f"{self.name}: an attention mask {tuple(mask.shape)}, expected {extent}")
        device = hidden.device if mask is None else mask.device
        key = (*((c.row, c.cut.queries, c.cut.keys, c.cut.heads, c.cut.keep_self) for c in self.cuts), extent, device)
        if key not in self.made:
            gone = cut_edges(self.cuts, len(self.pads), self.heads, extent)
            self.made[key] = torch.from_numpy(gone).to(device)
        return args, kwargs | {"attention_mask": mask_without(self.made[key], mask, self.pads, extent)}

    def _extent(self, kwargs: dict[str, Any]) -> Extent:
        """The keys of this layer: those that its cache holds, which a sliding window bounds, and the new ones."""
        cache = kwargs.get("past_key_values", kwargs.get("layer_past"))
        if cache is None:
            if self.past:
                raise RuntimeError(f"{self.name}: {self.past} columns are said to be cached, but there is no cache")
            return Extent(0, self.length, 0, self.length)
        keys, first_key = cache.get_mask_sizes(self.length, self.layer)
        return Extent(self.past, self.length, int(first_key), int(keys))
