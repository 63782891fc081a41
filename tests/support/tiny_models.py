"""Small random models with a toy tokenizer, saved in Hugging Face format: what an engine loads, in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CHARACTERS = [chr(i) for i in range(32, 127)]
"""Token 3 + i is the i-th of these; a text is one token a character."""

SPECIAL = ["<bos>", "<eos>", "<turn>"]

SHAPE: dict[str, Any] = {
    "vocab_size": len(SPECIAL) + len(CHARACTERS),
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}


def toy_tokenizer() -> Any:
    """One token a character, and three special ones."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<bos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", extra_special_tokens=["<turn>"]
    )


def tiny_config(kind: str) -> Any:
    """A config of three small layers: "llama" (grouped heads), "gpt2" (learned positions), "gemma2" (a sliding window
    of 8 in some layers, capped scores), "mistral" (a sliding window of 8)."""
    from transformers import Gemma2Config, GPT2Config, LlamaConfig, MistralConfig

    if kind == "gpt2":
        sizes = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256}
        return GPT2Config(vocab_size=SHAPE["vocab_size"], bos_token_id=0, eos_token_id=1, **sizes)
    if kind == "gemma2":
        return Gemma2Config(**SHAPE, sliding_window=8, attn_logit_softcapping=5.0, final_logit_softcapping=10.0)
    if kind == "mistral":
        return MistralConfig(**SHAPE, sliding_window=8)
    return LlamaConfig(**SHAPE, tie_word_embeddings=False)


def save_tiny(folder: Path, kind: str, scale: float = 6.0) -> Path:
    """Saves a random model and the toy tokenizer; the same numbers every time.

    Args:
        scale: random weights say nothing; larger ones make distributions that differ from uniform.
    """
    import torch
    from transformers import AutoModelForCausalLM, logging

    logging.disable_progress_bar()
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(tiny_config(kind))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "norm" not in name:
                weight.mul_(scale)
    model.generation_config.eos_token_id = [1, 2]
    model.save_pretrained(folder)
    toy_tokenizer().save_pretrained(folder)
    return folder
