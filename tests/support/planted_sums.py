"""A Llama that adds and subtracts two digits, planted by hand: every layer's work is known.

It reads "3+4=" or "9-4=" behind its BOS token and puts nearly all probability on the right digit. Queries and
keys are zero, so that attention weighs all visible tokens alike. The stream's coordinates:

    0     a constant so large that every norm divides by the same number
    1     the digit of a token; a digit behind an operator loses it in block 0
    2     the digit behind an operator, negative behind "-"; block 0 writes it
    3, 4  the sums over coordinates 1 and 2 of the visible tokens, written by the transfer layers
    5, 6  the token's own sign ("+" or "-"), and the signs before it
    7     1 for "=", behind which alone a digit is said
    8     a clock: every block adds 1 to it, the last block only at a token that sees "="
    9     whether the token sees "=", written by the last block's attention

So block 0 does the work that needs the context of a token (which operand it is) and not the other operand. The last
token learns the first operand at the first transfer layer, the second at the second, and computes on its own from then
on. All other attention does nothing. A digit is off by as much as the last token's clock is, so that clock and mark
tell of a stream that was put at another layer or token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.tiny_models import CHARACTERS, SPECIAL, toy_tokenizer

LAYERS, WIDTH, TOKENS = 6, 16, 5
"""Blocks, width of the stream, and tokens of a problem with its BOS token."""

LARGE, STEP = 1e5, 50.0
"""The constant of coordinate 0, and how steep the step is that tells signs apart."""

TRANSFERS = ((2, 3), (1, 4), (3, 3))
"""Layers that move the first and the second operand: beside each other, apart, and one for both."""


def token(character: str) -> int:
    """The id of a character in the toy tokenizer."""
    return len(SPECIAL) + CHARACTERS.index(character)


def problem_ids(first: int, sign: str, second: int) -> tuple[int, ...]:
    """The tokens of a problem, BOS first."""
    return (0, *map(token, f"{first}{sign}{second}="))


def planted_sums(transfer: tuple[int, int]) -> Any:
    """The model in float64 whose transfer layers are given; see the module."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(SPECIAL) + len(CHARACTERS),
        hidden_size=WIDTH,
        intermediate_size=3,
        num_hidden_layers=LAYERS,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=WIDTH,
        rms_norm_eps=1e-9,  # so that a stream of zeros stays one
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=None,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM._from_config(config, attn_implementation="sdpa", dtype=torch.float64).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1.0 if weight.ndim == 1 else 0.0)
        _embed(model)
        _tell_operands_apart(model.model.layers[0])
        *blocks, last = model.model.layers
        for block in blocks:
            _tick(block.mlp)
        _tick_on_sight(last)
        for layer, source, target in zip(transfer, (1, 2), (3, 4), strict=True):
            _move(model.model.layers[layer].self_attn, source, target, TOKENS)
        _answer(model)
    return model


def save_planted(folder: Path, transfer: tuple[int, int]) -> Path:
    """Saves the model and its tokenizer, which puts the BOS token in front, as an engine loads them."""
    from tokenizers.processors import TemplateProcessing
    from transformers import logging

    logging.disable_progress_bar()
    planted_sums(transfer).save_pretrained(folder)
    tokenizer = toy_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    tokenizer.save_pretrained(folder)
    return folder


NORM = LARGE / WIDTH**0.5
"""What every norm divides by."""


def _embed(model: Any) -> None:
    table = model.model.embed_tokens.weight
    table[:, 0] = LARGE
    for digit in range(10):
        table[token(str(digit)), 1] = digit
    for character, sign in (("+", 1), ("-", -1)):
        table[token(character), 5] = sign
    table[token("="), 7] = 1


def _move(attention: Any, source: int, target: int, scale: float) -> None:
    """Attention writes `scale` times the mean of one coordinate over the visible tokens into another."""
    attention.v_proj.weight[target, source] = 1
    attention.o_proj.weight[target, target] = scale * NORM


def _tell_operands_apart(block: Any) -> None:
    # The second operand stands at position 3, and sees one sign among 4 tokens: coordinate 6 becomes 1 or -1.
    _move(block.self_attn, 5, 6, 4)
    mlp = block.mlp
    for neuron, sign in enumerate((1, -1)):
        # silu(STEP) is STEP and silu(-STEP) is 0: the neuron gives the digit behind this sign, and no other.
        mlp.gate_proj.weight[neuron, 6] = sign * STEP * NORM
        mlp.up_proj.weight[neuron, 1] = NORM
        mlp.down_proj.weight[1, neuron] = -1 / STEP
        mlp.down_proj.weight[2, neuron] = sign / STEP


def _tick(mlp: Any) -> None:
    mlp.gate_proj.weight[2, 0] = STEP * NORM / LARGE
    mlp.up_proj.weight[2, 0] = NORM / LARGE
    mlp.down_proj.weight[8, 2] = 1 / STEP


def _tick_on_sight(block: Any) -> None:
    # Coordinate 9 is 1 where "=" is one of 5 visible tokens, 2.5 where it is one of 2: both give a tick, 0 gives none.
    _move(block.self_attn, 7, 9, TOKENS)
    mlp = block.mlp
    mlp.gate_proj.weight[:2, 9] = STEP * NORM
    mlp.gate_proj.weight[1, 0] = -STEP * 0.5 * NORM / LARGE
    mlp.up_proj.weight[:2, 0] = NORM / LARGE
    mlp.down_proj.weight[8, 0], mlp.down_proj.weight[8, 1] = 2 / STEP, -2 / STEP


def _answer(model: Any) -> None:
    """The logit of digit i is 10 (2 i s - i^2), greatest at i = s, where s is the sum of coordinates 3 and 4 and of
    what the clock is off by. Every digit has 1,000 less where the token is no "=", and loses against all others."""
    head = model.lm_head.weight
    for i in range(10):
        digit = head[token(str(i))]
        digit[3] = digit[4] = digit[8] = 20 * i * NORM
        digit[0] = -(10 * i**2 + 20 * i * LAYERS + 1000) / LARGE * NORM
        digit[7] = 2000 * NORM
