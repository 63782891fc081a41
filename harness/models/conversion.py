"""Converts GGUF to the Hugging Face format that the engines read: once, exactly, whole or not at all.

`transformers` reads GGUF too, but splits text for SmolLM's vocabulary as GPT-2 does, so that white space before a
digit ("\\n\\n1.") becomes other tokens than the model was trained on. Its version would leak into the files, too.
This converter knows one family, llama-shaped models with SmolLM's tokenizer, and refuses the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console import log
from harness.errors import HarnessError
from harness.models.fingerprints import sha256

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

VERSION = 1  # raise it when what is written changes
STALE = 3600.0  # seconds after which a half-written folder is taken for a dead process's
CONTROL = 3  # GGUF's token type of special tokens
NEEDED = (
    "llama.attention.head_count",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.block_count",
    "llama.context_length",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.tokens",
)
LAYER_TENSORS = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
OTHER_TENSORS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def converted(gguf: Path, cache: Path) -> Path:
    """The folder made from a GGUF file, converted on the first call.

    Any number of processes may ask at once: each writes a folder of its own, and the first to finish gives the
    result its final name. A killed one leaves nothing under that name.

    Args:
        gguf: the file.
        cache: folder that holds the converted models, each named by the file's SHA-256.

    Raises:
        HarnessError: the file is damaged or of another family, or the cache cannot be written.
    """
    target = cache / f"{sha256(gguf, cache.parent / 'hashes')}-v{VERSION}"
    if target.is_dir():
        return target
    size = gguf.stat().st_size / 1e6
    log(f"converting {gguf.name} ({size:.0f} MB) for the engines: once, about 10 seconds ...")
    began = time.monotonic()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        draft = Path(tempfile.mkdtemp(dir=cache, prefix=".draft-"))
        try:
            convert(gguf, draft)
            draft.chmod(0o755)
            _name(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise HarnessError(
            f"the cache folder {cache} cannot be written ({error.strerror or error}); free room there or set "
            "HARNESS_CACHE to another folder"
        ) from error
    log(f"converted in {time.monotonic() - began:.1f} s, kept in {target}")
    return target


def convert(gguf: Path, folder: Path) -> None:
    """Writes config, weights and tokenizer of a GGUF file into an existing folder.

    The weights become float32, which holds every value of the file's blocks (scale * q + minimum) as dequantisation
    gives it; half-precision types would round them. The files depend on the GGUF file alone.

    Raises:
        HarnessError: the file is damaged, or not of the family that this converter knows.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(gguf)
        fields = {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError) as error:
        raise HarnessError(f"{gguf} is no GGUF file or is damaged: {error}") from error
    _check_family(gguf, fields)
    if lacking := [key for key in NEEDED if key not in fields]:
        raise HarnessError(f"{gguf} lacks the entry {lacking[0]}; it cannot be converted")
    tensors = _tensors(gguf, reader.tensors, fields)
    _write_json(folder / "config.json", _config(fields, tied="lm_head.weight" not in tensors))
    ends = {f"{role}_token_id": fields[f"tokenizer.ggml.{key}_token_id"] for role, key in _roles(fields).items()}
    _write_json(folder / "generation_config.json", {k: v for k, v in ends.items() if not k.startswith("unk")})
    _write_tokenizer(folder, fields)

    from safetensors.numpy import save_file

    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    # safetensors writes for its owner alone, but users of one machine may share a cache.
    (folder / "model.safetensors").chmod(0o644)


def _check_family(gguf: Path, fields: Mapping[str, Any]) -> None:
    wanted = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.add_bos_token": False,
        "llama.rope.scaling.type": "none",
    }
    may_lack = {"tokenizer.ggml.add_bos_token", "llama.rope.scaling.type"}
    for key, value in wanted.items():
        found = fields.get(key, value if key in may_lack else None)
        if found != value:
            raise HarnessError(
                f"{gguf.name}: {key} is {found!r}, and only {value!r} is converted; give the model's safetensors "
                "folder or hub id as model.source instead"
            )


def _config(fields: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
    heads = fields["llama.attention.head_count"]
    width = fields["llama.embedding_length"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "hidden_size": width,
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": fields.get("llama.attention.head_count_kv", heads),
        "head_dim": fields.get("llama.rope.dimension_count", width // heads),
        "max_position_embeddings": fields["llama.context_length"],
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_parameters": {"rope_type": "default", "rope_theta": fields.get("llama.rope.freq_base", 10000.0)},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        **{f"{role}_token_id": fields[f"tokenizer.ggml.{key}_token_id"] for role, key in _roles(fields).items()},
    }


def _tensors(gguf: Path, tensors: Any, fields: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float32]]:
    """Weights by their Hugging Face names, each of shape (outputs, inputs)."""
    import numpy as np
    from gguf.quants import dequantize

    heads = fields["llama.attention.head_count"]
    pairs = {"attn_q.weight": heads, "attn_k.weight": fields.get("llama.attention.head_count_kv", heads)}
    result: dict[str, npt.NDArray[np.float32]] = {}
    for tensor in tensors:
        block, _, rest = tensor.name.removeprefix("blk.").partition(".")
        known = LAYER_TENSORS.get(rest) if tensor.name.startswith("blk.") else None
        name = f"model.layers.{block}.{known}" if known else OTHER_TENSORS.get(tensor.name)
        if name is None:
            raise HarnessError(f"{gguf.name}: tensor {tensor.name} is not part of a plain llama model")
        values = dequantize(tensor.data, tensor.tensor_type)
        result[name] = np.ascontiguousarray(_halves(values, pairs[rest]) if rest in pairs else values, np.float32)
    absent = fields["llama.block_count"] * len(LAYER_TENSORS) + 2 - len(result.keys() - {"lm_head.weight"})
    if absent:
        raise HarnessError(f"{gguf} lacks {absent} of its tensors; download it again")
    return result


def _halves(weight: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """GGUF rotates neighbouring rows of a head together, Hugging Face row i with row i + half."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _roles(fields: Mapping[str, Any]) -> dict[str, str]:
    """Roles of special tokens that the file names: Hugging Face's word and GGUF's."""
    roles = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    return {role: key for role, key in roles.items() if f"tokenizer.ggml.{key}_token_id" in fields}


def _write_tokenizer(folder: Path, fields: Mapping[str, Any]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    pairs = [(left, right) for left, right in (merge.split(" ") for merge in fields["tokenizer.ggml.merges"])]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = fields["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {
        f"{role}_token": tokens[fields[f"tokenizer.ggml.{key}_token_id"]] for role, key in _roles(fields).items()
    }
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    _write_json(
        folder / "tokenizer_config.json", settings | special | {"model_max_length": fields["llama.context_length"]}
    )
    if template := fields.get("tokenizer.chat_template"):
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _name(draft: Path, target: Path) -> None:
    try:
        os.rename(draft, target)
    except OSError:
        # Another process was first; its folder holds the same bytes.
        if not target.is_dir():
            raise


def _sweep(cache: Path) -> None:
    """Removes what killed conversions have left."""
    for draft in cache.glob(".draft-*"):
        if time.time() - draft.stat().st_mtime > STALE:
            shutil.rmtree(draft, ignore_errors=True)
