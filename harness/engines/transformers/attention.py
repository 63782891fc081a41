"""Computes attention with fewer key heads than query heads, without a copy of the keys for every query head.

transformers repeats keys and values for each group of query heads whenever there is a padding mask: at a batch of 64
that is about half of a decoding step on a CPU. Here a single query of each head becomes G queries of its key head,
which is the same sum. Imported only once a model is loaded, for it needs torch.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "grouped_sdpa"


def grouped_sdpa(  # noqa: PLR0917  (transformers gives them by position)
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """transformers' "sdpa", to rounding. query [B, heads, Q, D], key and value [B, key heads, K, D]."""
    batch, heads, queries, _ = query.shape
    groups = heads // key.shape[1]
    plain = attention_mask is None or groups == 1 or kwargs.get("position_bias") is not None
    if plain or (queries > 1 and query.device.type != "cpu"):
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
        return result
    assert attention_mask is not None
    if queries > 1:
        out = scaled_dot_product_attention(query, key, value, attention_mask, scale=scaling, enable_gqa=True)
        return out.transpose(1, 2).contiguous(), None
    grouped = query.reshape(batch, key.shape[1], groups, -1)
    if attention_mask.shape[1] == 1:
        mask = attention_mask.expand(-1, -1, groups, -1)
    else:  # a mask for every query head
        mask = attention_mask.reshape(attention_mask.shape[0], key.shape[1], groups, -1)
    out = scaled_dot_product_attention(grouped, key, value, mask, scale=scaling)
    return out.reshape(batch, 1, heads, -1), None


def use_grouped(model: Any) -> None:
    """Switches a model of plain "sdpa" attention with grouped heads over to it; leaves every other one as it is."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", 0)
    if config._attn_implementation != "sdpa" or getattr(config, "num_key_value_heads", None) in (None, heads):
        return
    AttentionInterface.register(NAME, grouped_sdpa)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
