"""Finds the sites of `harness.calls.interventions` in Hugging Face's causal language models.

| model types | resid_mid | mlp_act | remarks |
| --- | --- | --- | --- |
| llama, mistral, ministral, qwen2, qwen3, gemma, phi3, olmo, smollm3, starcoder2 | yes | yes | norms before |
| gemma2, gemma3 (text) | yes | yes | norms before and after; attn_out, mlp_out are before the norm that follows them |
| olmo2, olmo3 | yes | yes | norms only after: attn_norm and mlp_norm are the stream itself, as it is read |
| mixtral, qwen2_moe, qwen3_moe | yes | in dense layers | experts have no common neurons |
| gpt2 | yes | yes | |
| gpt_neox (Pythia) | without parallel residual | yes | |

Every other site is in all of them. Most sites need no name: what a module reads and gives is the same thing in every
architecture. The table below holds what does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.calls.interventions import Site, same_site
from harness.errors import HarnessError, ItemError


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of modules: in the decoder (blocks, final_norm), in a block (attn, mlp, mid), in attention (heads_out)
    and in the MLP (act_out).

    Attributes:
        mid: the module that reads the residual stream between attention and MLP, which goes on beside it.
    """

    blocks: str
    final_norm: str
    attn: str
    heads_out: str
    mlp: str
    act_out: str
    mid: str


_LLAMA = Layout("layers", "norm", "self_attn", "o_proj", "mlp", "down_proj", "post_attention_layernorm")
_NORMS_AROUND = replace(_LLAMA, mid="pre_feedforward_layernorm")
_NORMS_AFTER = replace(_LLAMA, mid="mlp")

LAYOUTS = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "ministral": _LLAMA,
    "mixtral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen2_moe": _LLAMA,
    "qwen3": _LLAMA,
    "qwen3_moe": _LLAMA,
    "gemma": _LLAMA,
    "gemma2": _NORMS_AROUND,
    "gemma3_text": _NORMS_AROUND,
    "olmo": _LLAMA,
    "olmo2": _NORMS_AFTER,
    "olmo3": _NORMS_AFTER,
    "phi3": _LLAMA,
    "smollm3": _LLAMA,
    "starcoder2": replace(_LLAMA, act_out="c_proj"),
    "gpt2": Layout("h", "ln_f", "attn", "c_proj", "mlp", "c_proj", "ln_2"),
    "gpt_neox": Layout(
        "layers", "final_layer_norm", "attention", "dense", "mlp", "dense_4h_to_h", "post_attention_layernorm"
    ),
}
"""By `config.model_type` of the text model."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a site's tensor, [rows, columns, width], in the model.

    Attributes:
        module: it is this module's first input or first output.
        in_place: the same tensor is also used beside the module (a residual), so a change must be made in it.
    """

    module: Any
    side: Literal["input", "output"]
    width: int
    in_place: bool = False


class Blocks:
    """The blocks of a loaded model.

    Attributes:
        layers, width, heads: number of blocks, width of the residual stream, attention heads (of queries) per block.

    Raises:
        HarnessError: the model's type is not in `LAYOUTS`.
    """

    def __init__(self, model: Any) -> None:
        self._decoder = model.get_decoder()
        self.config = self._decoder.config
        kind = self.config.model_type
        if kind not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise HarnessError(f"the inside of model type {kind!r} is not known here; known are {known}")
        self._layout = LAYOUTS[kind]
        self._blocks = getattr(self._decoder, self._layout.blocks)
        self.layers = len(self._blocks)
        self.width = int(self.config.hidden_size)
        self.heads = int(self.config.num_attention_heads)

    def attention(self, layer: int) -> Any:
        """The attention module of a block."""
        return getattr(self._blocks[layer], self._layout.attn)

    def window(self, layer: int) -> int | None:
        """How many keys, itself included, a query of this block sees at most; None is all before it."""
        types = getattr(self.config, "layer_types", None)
        if types and types[layer] != "sliding_attention":
            return None
        return getattr(self.config, "sliding_window", None)

    def place(self, layer: int, site: Site) -> Place:
        """The place of a site.

        Raises:
            ItemError: the model has no such layer, or the layer no such site but others have it.
            HarnessError: the model, or this layer of it, is built without that site.
        """
        check_layer(layer, site, self.layers)
        layer, site = same_site(layer, site)
        block, attention = self._blocks[layer], self.attention(layer)
        mlp = getattr(block, self._layout.mlp)
        modules: dict[Site, tuple[Any, Literal["input", "output"]]] = {
            "resid_pre": (block, "input"),
            "resid_post": (block, "output"),
            "attn_norm": (attention, "input"),
            "attn_out": (attention, "output"),
            "mlp_norm": (mlp, "input"),
            "mlp_out": (mlp, "output"),
        }
        if site in modules:
            return Place(*modules[site], self.width)
        if site == "attn_heads":
            return _read_by(getattr(attention, self._layout.heads_out))
        if site == "final_norm":
            return Place(getattr(self._decoder, self._layout.final_norm), "output", self.width)
        return self._mid(layer) if site == "resid_mid" else self._act(layer)

    def _mid(self, layer: int) -> Place:
        block = self._blocks[layer]
        if getattr(block, "use_parallel_residual", False):
            raise HarnessError(
                f"this {self.config.model_type} has no site resid_mid: its attention and MLP read the same stream "
                "side by side; use resid_pre or resid_post"
            )
        return Place(getattr(block, self._layout.mid), "input", self.width, in_place=True)

    def _act(self, layer: int) -> Place:
        down = getattr(getattr(self._blocks[layer], self._layout.mlp), self._layout.act_out, None)
        if down is None:
            raise HarnessError(
                f"layer {layer} of this {self.config.model_type} has no site mlp_act: a mixture of experts has no "
                "neurons common to all tokens; use mlp_out"
            )
        return _read_by(down)


def check_layer(layer: int, site: Site, layers: int) -> None:
    """Refuses a layer that a model of so many does not have, or that does not have the site.

    Raises:
        ItemError: it is such a one.
    """
    if not 0 <= layer < layers:
        raise ItemError(f"layer {layer}: the model has layers 0 to {layers - 1}")
    if site == "final_norm" and layer < layers - 1:
        raise ItemError(f"final_norm is behind the last layer, {layers - 1}, not behind layer {layer}")


def _read_by(projection: Any) -> Place:
    # GPT-2 keeps its own kind of linear layer, which names its width differently.
    return Place(projection, "input", int(projection.nx if hasattr(projection, "nx") else projection.in_features))
