"""Interventions: changes inside the model while it answers a call. They are a field of the call, and enter its key.

Layers count blocks from 0. Positions count the tokens of the prompt from 0, special tokens included; generated tokens
come after them. An intervention holds for its own call only: calls of different ones share a batch.

Interventions of one call at one site apply in the order given, and a `Read` there sees what they left. Formulas are
computed in float32 (float64 for a float64 model) and rounded to the model's dtype once each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from harness.calls.arrays import Array
from harness.errors import HarnessError, ItemError, nearest

Site = Literal[
    "resid_pre",
    "resid_mid",
    "resid_post",
    "attn_norm",
    "mlp_norm",
    "attn_heads",
    "attn_out",
    "mlp_act",
    "mlp_out",
    "final_norm",
]
"""Where in a block (names as in the literature on mechanistic interpretability):

resid_pre, resid_post: the residual stream entering and leaving the block, before any norm. resid_post of a block and
resid_pre of the next are one site under two names. resid_mid: the stream between attention and MLP; a model whose
attention and MLP read side by side has none. attn_norm, mlp_norm: what attention and MLP read, after the norm if the
model has one there; changing it leaves the stream as it is. attn_heads: the heads' outputs side by side, [heads * head
width], before the output projection. attn_out, mlp_out: what attention and MLP give, before a norm that some models put
after them. mlp_act: the neurons, before the down projection; a mixture of experts has none. final_norm: after the norm
behind the last block (layer must be the last). Hugging Face's hidden_states[i + 1] is resid_post of block i, but for
the last block it is final_norm.
"""


def check_site(site: str) -> None:
    """Refuses a word that is no site.

    Raises:
        HarnessError: the message names the nearest site.
    """
    if site not in get_args(Site):
        raise HarnessError(f"{site!r} is no site inside a model{nearest(site, get_args(Site))}")


def check_numbers(name: str, value: object) -> None:
    """Refuses numbers that are no part of a call, such as a numpy array.

    Raises:
        HarnessError: the message says how they become one.
    """
    if not isinstance(value, Array):
        raise HarnessError(f"{name} takes its numbers as an Array, not as {type(value).__name__}; write Array.of(...)")


def same_site(layer: int, site: Site) -> tuple[int, Site]:
    """One name for each site: resid_pre is the resid_post of the block before, where there is one."""
    return (layer - 1, "resid_post") if site == "resid_pre" and layer > 0 else (layer, site)


@dataclass(frozen=True, slots=True)
class Add:
    """h' = h + scale * v, at the chosen positions of one site.

    Attributes:
        vector: v, shape [width of the site].
        scale: any finite number; 0 changes nothing.
        positions: positions of the prompt, as a set; () is none of them.
        decode: also at every position after the prompt: each generated token when it is read, and the continuation of
            a `Score`. Keys and values computed from h' are kept, so it acts on all that follows.
        relative: the added vector has the length scale * |h| instead: h' = h + scale * |h| * v / |v|.
        keep_norm: h' is then rescaled to the length of h (h' = 0 stays).
    """

    layer: int
    site: Site
    vector: Array
    scale: float
    positions: tuple[int, ...]
    decode: bool = False
    relative: bool = False
    keep_norm: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale):
            raise ItemError(f"a vector is added a finite number of times, not {self.scale}")
        check_site(self.site)
        check_numbers("Add", self.vector)


@dataclass(frozen=True, slots=True)
class Replace:
    """h' = v_i at the i-th chosen position of the prompt. Generated tokens are not touched.

    Attributes:
        values: shape [len(positions), width of the site].
        positions: distinct.
    """

    layer: int
    site: Site
    values: Array
    positions: tuple[int, ...]

    def __post_init__(self) -> None:
        check_numbers("Replace", self.values)
        if len(self.values.shape) != 2 or self.values.shape[0] != len(self.positions):
            raise ItemError(f"{len(self.positions)} positions need values [{len(self.positions)}, width]")
        if len(set(self.positions)) < len(self.positions):
            raise ItemError(f"a position is replaced twice: {self.positions}")
        check_site(self.site)


@dataclass(frozen=True, slots=True)
class Ablate:
    """h' = 0, or h without its part along a direction: h' = h - (h . u) u with u = v / |v|.

    Attributes:
        direction: v, shape [width of the site]; None sets to zero.
        heads: only these heads' parts; () is all. For site attn_heads, without a direction.
        positions, decode: as in `Add`.
    """

    layer: int
    site: Site
    positions: tuple[int, ...]
    direction: Array | None = None
    heads: tuple[int, ...] = ()
    decode: bool = False

    def __post_init__(self) -> None:
        if self.direction is not None:
            check_numbers("Ablate", self.direction)
        if self.heads and (self.site != "attn_heads" or self.direction is not None):
            raise ItemError("heads are ablated at site attn_heads, without a direction")
        check_site(self.site)


@dataclass(frozen=True, slots=True)
class Cut:
    """Attention edges taken away at one layer: no query sees any of the keys.

    The weights of cut edges are exactly 0, and the other weights sum to 1. Positions of tokens stay what they are
    (rotary angles do not move). A position from the prompt's length on is that generated token. Cuts of one layer add
    up.

    Attributes:
        queries, keys: positions, as sets; every pair with key <= query is cut. A query must keep at least one key.
        heads: only in these heads (of the queries, where several share a key); () is all.
        keep_self: but a query still sees itself. So "every token sees only itself and the first token" (the mask of
            attention-based peeking, Mamidanna et al. 2025, arXiv:2509.09650) is one cut of all keys but the first.
    """

    layer: int
    queries: tuple[int, ...]
    keys: tuple[int, ...]
    heads: tuple[int, ...] = ()
    keep_self: bool = False


Intervention = Add | Replace | Ablate | Cut


def behind(interventions: Sequence[Intervention], prompt: int, more: int) -> tuple[Intervention, ...]:
    """The same interventions for a call whose prompt goes on with tokens that stand for generated ones.

    An intervention that holds for generated tokens holds for these, too. So an option of several tokens, which is
    walked token by token, has the probability that a `Score` of it gives.

    Args:
        prompt: the number of tokens of the prompt itself.
        more: the number of tokens behind it.
    """
    after = tuple(range(prompt, prompt + more))
    return tuple(
        replace(one, positions=(*one.positions, *after)) if isinstance(one, Add | Ablate) and one.decode and after
        else one
        for one in interventions
    )  # fmt: skip
