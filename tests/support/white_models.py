"""Random causal language models of every architecture that the white box knows, small enough for unit tests."""

from __future__ import annotations

from functools import cache
from typing import Any

LAYERS, WIDTH, HEADS, HEAD_WIDTH, NEURONS, TOKENS, WINDOW = 3, 32, 4, 8, 48, 61, 4
"""NEURONS is the width of the MLP, TOKENS the size of the vocabulary, WINDOW that of sliding-window layers."""

_COMMON: dict[str, Any] = {
    "vocab_size": TOKENS,
    "hidden_size": WIDTH,
    "intermediate_size": NEURONS,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "head_dim": HEAD_WIDTH,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_MIXED = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": NEURONS}

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "mistral": ("Mistral", {"sliding_window": WINDOW}),
    "ministral": ("Ministral", _MIXED),
    "mixtral": ("Mixtral", {"num_local_experts": 4, "sliding_window": None}),
    "qwen2": ("Qwen2", {"use_sliding_window": True, **_MIXED}),
    "qwen2_moe": ("Qwen2Moe", {**_EXPERTS, "shared_expert_intermediate_size": NEURONS}),
    "qwen3": ("Qwen3", {}),
    "qwen3_moe": ("Qwen3Moe", {**_EXPERTS, "mlp_only_layers": [1]}),
    "gemma": ("Gemma", {}),
    "gemma2": ("Gemma2", {"query_pre_attn_scalar": HEAD_WIDTH, **_MIXED}),
    "gemma3_text": ("Gemma3Text", {"query_pre_attn_scalar": HEAD_WIDTH, **_MIXED}),
    "olmo": ("Olmo", {}),
    "olmo2": ("Olmo2", {}),
    "olmo3": ("Olmo3", _MIXED),
    "phi3": ("Phi3", {"sliding_window": None}),
    "smollm3": ("SmolLM3", {}),
    "starcoder2": ("Starcoder2", {"sliding_window": None}),
    "gpt2": ("GPT2", {"n_inner": NEURONS}),
    "gpt_neox": ("GPTNeoX", {"use_parallel_residual": True}),
    "gpt_neox_sequential": ("GPTNeoX", {"use_parallel_residual": False}),
}
"""Model type (and variant), the stem of its classes, and settings of its own."""


def white_model(kind: str, attention: str = "sdpa", dtype: str = "float64", **settings: Any) -> Any:
    """A model with random weights, always the same, large enough that layers, heads and positions differ."""
    import torch
    import transformers

    stem, own = CONFIGS[kind]
    config_class = getattr(transformers, f"{stem}Config")
    config = config_class(**_COMMON | own | settings)
    model_class = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[config_class]
    model = model_class._from_config(config, attn_implementation=attention, dtype=getattr(torch, dtype))
    model.set_experts_implementation("eager")  # the others know no float64
    return _randomised(model)


shared_model = cache(white_model)
"""Each is built once: nothing that a test does may stay in a model."""


def _randomised(model: Any) -> Any:
    """The model in eval mode with every parameter drawn anew."""
    import torch

    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=draw, dtype=torch.float64) * 0.3
            weight.copy_(noise + 1 if weight.ndim == 1 else noise)
    return model.eval()
