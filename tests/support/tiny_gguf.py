"""A GGUF file of a llama model small enough to check by hand: 2 layers, width 8, 2 heads, 1 key head, 12 tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "1", "2", "Ċ", "Ġ", "ĊĊ", "ĠĠ", "ab"]
MERGES = ["Ċ Ċ", "Ġ Ġ", "a b"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
WIDTH, HEADS, KEY_HEADS, INNER, LAYERS = 8, 2, 1, 16, 2
SHAPES = {
    "attn_norm": (WIDTH,),
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (WIDTH // HEADS * KEY_HEADS, WIDTH),
    "attn_v": (WIDTH // HEADS * KEY_HEADS, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_norm": (WIDTH,),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def tiny_tensors() -> dict[str, npt.NDArray[np.float32]]:
    """Random weights under GGUF's names."""
    shapes = {f"blk.{i}.{name}.weight": shape for i in range(LAYERS) for name, shape in SHAPES.items()}
    shapes |= {"token_embd.weight": (len(TOKENS), WIDTH), "output_norm.weight": (WIDTH,)}
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_tiny(
    file: Path,
    tensors: Mapping[str, npt.NDArray[np.float32]] | None = None,
    *,
    architecture: str = "llama",
    splitter: str = "smollm",
    **strings: str,
) -> Path:
    """Writes the file; other tensors, or further text entries (dots written as double underscores), where asked."""
    from gguf import GGUFWriter

    writer: Any = GGUFWriter(file, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(500.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitter)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    for key, value in strings.items():
        writer.add_string(key.replace("__", "."), value)
    for name, values in (tiny_tensors() if tensors is None else tensors).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
