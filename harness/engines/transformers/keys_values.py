"""Keeps keys and values in memory: windows of rows that grow to the right, and blocks of prefixes for later calls.

Imported only once a model is loaded, for it needs torch. Shapes: R rows, H key heads, C columns, D width of a head.

A row of 5 tokens beside one of 8, in a window that begins at column 2 and ends at column 10:

    column   0 1 2 3 4 5 6 7 8 9
    row 0            0 1 2 3 4      <- positions; columns 2 to 4 are its padding
    row 1        0 1 2 3 4 5 6 7

All rows end in the same column, so one forward pass appends the next token to each of them. transformers' own cache
copies everything at every token, and drops what has left a sliding window, after which rows can no longer be moved.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from harness.engines.transformers.planning import BLOCK
from harness.errors import HarnessError


class Layout:
    """The layout of keys and values in memory: which plane holds the tensors of each layer.

    Tensors of one shape, type and device are stacked into a plane [tensors, R, H, C, D]: a row then moves by one copy
    a plane, and most models have a single plane.

    Attributes:
        places: for each layer, (plane, index) of its keys and (plane, index) of its values.
        token_bytes: memory of one token of one row.
    """

    def __init__(self, layers: Sequence[tuple[Tensor, Tensor]]) -> None:
        self._planes: list[tuple[tuple[int, int], torch.dtype, torch.device]] = []
        counts: list[int] = []
        self.places: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self.token_bytes = 0
        for tensors in layers:
            both = []
            for tensor in tensors:
                kind = ((tensor.shape[1], tensor.shape[3]), tensor.dtype, tensor.device)
                if kind not in self._planes:
                    self._planes.append(kind)
                    counts.append(0)
                plane = self._planes.index(kind)
                both.append((plane, counts[plane]))
                counts[plane] += 1
                self.token_bytes += tensor.shape[1] * tensor.shape[3] * tensor.element_size()
            self.places.append((both[0], both[1]))
        self._counts = counts

    @classmethod
    def learn(cls, model: Any, device: torch.device) -> Layout:
        """From one forward pass of one token.

        Raises:
            HarnessError: the model keeps something else than keys and values of every token (a recurrent state).
        """
        cache = DynamicCache(config=model.config.get_text_config())
        if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
            raise HarnessError(
                f"engine=transformers batches models of plain attention only, and {model.config.model_type} keeps a "
                "recurrent state; use engine=vllm"
            )
        model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=device), past_key_values=cache, use_cache=True)
        if not cache.layers or any(layer.keys is None for layer in cache.layers):
            raise HarnessError(f"{model.config.model_type} does not use transformers' key-value cache; use engine=vllm")
        return cls([(layer.keys, layer.values) for layer in cache.layers])

    def allocate(self, rows: int, columns: int) -> list[Tensor]:
        """Planes of zeros: what stands in a padding column is multiplied by 0, and must be finite."""
        return [
            torch.zeros((count, rows, shape[0], columns, shape[1]), dtype=dtype, device=device)
            for count, (shape, dtype, device) in zip(self._counts, self._planes, strict=True)
        ]


class Window:
    """Keys and values of rows that end in the same column.

    Attributes:
        rows: rows in use, the first ones of those allocated.
        begin, end: columns in use.
    """

    def __init__(self, layout: Layout, rows: int, columns: int) -> None:
        self.planes = layout.allocate(rows, columns)
        self._places = layout.places
        self.capacity = rows
        self.columns = columns
        self.rows = rows
        self.begin = 0
        self.end = 0

    def cache(self) -> Cache:
        """What a model of transformers takes as `past_key_values`: a forward pass writes behind `end`, and the caller
        then moves `end`."""
        # Made for each pass, for a window that held it would be part of a cycle, and would keep its memory after use
        # until Python collects cycles, which may be hundreds of windows later.
        return Cache(layers=[_Layer(self, *places) for places in self._places])

    def write(self, place: tuple[int, int], states: Tensor) -> Tensor:
        """Puts [rows, H, new, D] behind the end; gives [rows, H, begin to end of the new, D]."""
        plane, index = place
        tensor = self.planes[plane][index]
        stop = self.end + states.shape[-2]
        tensor[: self.rows, :, self.end : stop] = states
        return tensor[: self.rows, :, self.begin : stop]

    def put(self, row: int, planes: Sequence[Tensor], stop: int) -> None:
        """Copies [tensors, H, n, D] of each plane into a row, so that they stop before a column."""
        for own, given in zip(self.planes, planes, strict=True):
            own[:, row, :, stop - given.shape[2] : stop] = given

    def take(self, row: int, first: int, stop: int) -> list[Tensor]:
        """[tensors, H, stop - first, D] of each plane of a row: a view."""
        return [plane[:, row, :, first:stop] for plane in self.planes]


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer's part of a window. It calls itself not sliding: the mask does what a sliding window needs."""

    is_sliding = False

    def __init__(self, window: Window, keys: tuple[int, int], values: tuple[int, int]) -> None:
        super().__init__()
        self.is_initialized = True
        self._window, self._keys, self._values = window, keys, values

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        pass

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        return self._window.write(self._keys, key_states), self._window.write(self._values, value_states)

    def get_seq_length(self) -> int:
        return self._window.end - self._window.begin

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1

    get_max_cache_shape = get_max_length  # the name of older versions


class Prefixes:
    """Blocks of keys and values of sequences seen before; those not used for longest go first.

    Args:
        room: bytes that they may take together.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._blocks: OrderedDict[bytes, list[Tensor]] = OrderedDict()

    def matched(self, keys: Sequence[bytes]) -> int:
        """How many blocks from the first on are held."""
        for i, key in enumerate(keys):
            if key not in self._blocks:
                return i
        return len(keys)

    def fetch(self, keys: Sequence[bytes]) -> list[Tensor]:
        """The blocks side by side, [tensors, H, BLOCK * len(keys), D] of each plane."""
        parts = [self._blocks[key] for key in keys]
        self._touch(keys)
        return [torch.cat(plane, dim=2) for plane in zip(*parts, strict=True)]

    def keep(self, keys: Sequence[bytes], window: Window, row: int, first: int) -> None:
        """Keeps the blocks of a row whose position 0 is column `first`; without memory for them, none at all."""
        try:
            for i, key in enumerate(keys):
                if key not in self._blocks:
                    start = first + i * BLOCK
                    block = [part.clone() for part in window.take(row, start, start + BLOCK)]
                    self._blocks[key] = block
                    self._used += _size(block)
        except torch.OutOfMemoryError:
            self.clear()
            return
        self._touch(keys)
        while self._used > self._room:
            _, block = self._blocks.popitem(last=False)
            self._used -= _size(block)

    def clear(self) -> None:
        """Frees the memory."""
        self._blocks.clear()
        self._used = 0

    def _touch(self, keys: Sequence[bytes]) -> None:
        # The last first: a block is of no use without those before it, so it must go before them.
        for key in reversed(keys):
            self._blocks.move_to_end(key)


def _size(block: Sequence[Tensor]) -> int:
    return sum(part.numel() * part.element_size() for part in block)
