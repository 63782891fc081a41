"""Each site of each architecture against what the model's own modules compute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Read
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace, Site, same_site
from harness.engines.transformers.whitebox import Row, WhiteBox
from harness.errors import HarnessError, ItemError
from tests.support.white_models import CONFIGS, HEADS, LAYERS, NEURONS, WIDTH, shared_model
from tests.support.white_runs import run

PROMPTS = ((3, 14, 15, 9, 26, 5, 35, 8), (58, 9, 7, 9, 32))
SITES: tuple[Site, ...] = get_args(Site)
WITHOUT = {("gpt_neox", "resid_mid"), *((kind, "mlp_act") for kind in ("mixtral", "qwen2_moe"))}
"""Model types that lack a site."""


@dataclass(frozen=True)
class Names:
    """Module names of one family, written down a second time: norms before, norms after, projections."""

    blocks: str = "layers"
    attn: str = "self_attn"
    heads_out: str = "o_proj"
    down: str = "down_proj"
    attn_norm: str | None = "input_layernorm"
    mlp_norm: str | None = "post_attention_layernorm"
    after_attn: str | None = None
    after_mlp: str | None = None
    final: str = "norm"


AROUND = Names(
    mlp_norm="pre_feedforward_layernorm", after_attn="post_attention_layernorm", after_mlp="post_feedforward_layernorm"
)
AFTER = Names(
    attn_norm=None, mlp_norm=None, after_attn="post_attention_layernorm", after_mlp="post_feedforward_layernorm"
)
NEOX = Names(attn="attention", heads_out="dense", down="dense_4h_to_h", final="final_layer_norm")
NAMES = {
    "gemma2": AROUND,
    "gemma3_text": AROUND,
    "olmo2": AFTER,
    "olmo3": AFTER,
    "gpt2": Names("h", "attn", "c_proj", "c_proj", "ln_1", "ln_2", final="ln_f"),
    "gpt_neox": NEOX,
    "gpt_neox_sequential": NEOX,
    "starcoder2": Names(down="c_proj"),
}


def read_all(model: Any, prompt: tuple[int, ...], interventions: tuple[Intervention, ...] = ()) -> dict[Site, Any]:
    """Every site of every layer that the model has at every position: tensors [layers, positions, width]."""
    import torch

    calls: list[Read] = []
    for site in SITES:
        layers = (LAYERS - 1,) if site == "final_norm" else tuple(range(LAYERS))
        call = Read(prompt, layers, tuple(range(len(prompt))), site, interventions)
        with suppress(HarnessError):
            WhiteBox(model).check(call)
            calls.append(call)
    reads, _ = run(model, calls)
    return {call.site: torch.tensor(values).double() for call, values in zip(calls, reads, strict=True)}


def module_of(model: Any, kind: str, layer: int, name: str | None) -> Callable[[Any], Any]:
    """A module of a block by its path; the identity for None."""
    if name is None:
        return lambda x: x
    module = getattr(model.get_decoder(), NAMES.get(kind, Names()).blocks)[layer]
    for part in name.split("."):
        module = getattr(module, part)
    return module  # type: ignore[no-any-return]


def assert_follows(model: Any, kind: str, at: dict[Site, Any], changed: tuple[int, Site] | None = None) -> None:
    """Every site follows from the ones before it by the model's own modules, but for the one that was changed."""
    changed = same_site(*changed) if changed else None
    import torch

    names = NAMES.get(kind, Names())

    def close(site: Site, expected: Any) -> None:
        if (layer, site) != changed:
            torch.testing.assert_close(at[site][layer], expected, rtol=1e-5, atol=1e-5)

    with torch.no_grad():
        for layer in range(LAYERS):
            here = {site: values[layer] for site, values in at.items() if site != "final_norm"}
            mid = here.get("resid_mid", here["resid_pre"])
            close("attn_norm", module_of(model, kind, layer, names.attn_norm)(here["resid_pre"]))
            close("attn_out", module_of(model, kind, layer, f"{names.attn}.{names.heads_out}")(here["attn_heads"]))
            added = module_of(model, kind, layer, names.after_attn)(here["attn_out"])
            if "resid_mid" in here:
                close("resid_mid", here["resid_pre"] + added)
            close("mlp_norm", module_of(model, kind, layer, names.mlp_norm)(mid))
            if "mlp_act" in here:
                close("mlp_out", module_of(model, kind, layer, f"mlp.{names.down}")(here["mlp_act"]))
            added = mid + module_of(model, kind, layer, names.after_mlp)(here["mlp_out"])
            close("resid_post", added if "resid_mid" in here else added + here["attn_out"])
            if layer:
                torch.testing.assert_close(at["resid_pre"][layer], at["resid_post"][layer - 1], rtol=0, atol=0)
        if changed != (LAYERS - 1, "final_norm"):
            expected = getattr(model.get_decoder(), names.final)(at["resid_post"][-1])
            torch.testing.assert_close(at["final_norm"][0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_stream_is_what_hugging_face_calls_hidden_states_in_a_padded_batch(kind: str) -> None:
    model = shared_model(kind)
    layers = tuple(range(LAYERS))
    for site, shift in (("resid_pre", 0), ("resid_post", 1)):
        calls: list[Call] = [Read(prompt, layers, tuple(range(len(prompt))), site) for prompt in PROMPTS]  # type: ignore[arg-type]
        reads, output = run(model, calls, output_hidden_states=True)
        for b, prompt in enumerate(PROMPTS):
            for layer in range(LAYERS - shift):
                expected = output.hidden_states[layer + shift][b, -len(prompt) :].numpy()
                np.testing.assert_array_equal(reads[b][layer], expected.astype(np.float32))
    (read,), output = run(model, [Read(PROMPTS[0], (LAYERS - 1,), (0, 7), "final_norm")], output_hidden_states=True)
    np.testing.assert_array_equal(read[0], output.hidden_states[-1][0, [0, 7]].numpy().astype(np.float32))


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_site_follows_from_the_one_before_by_the_models_own_modules(kind: str) -> None:
    model = shared_model(kind)
    at = read_all(model, PROMPTS[0])
    missing = {(kind, site) for site in SITES if site not in at}
    assert missing <= WITHOUT | {("qwen3_moe", "mlp_act")}  # which has it in its dense layer only
    assert_follows(model, kind, at)
    assert at["resid_post"].shape == (LAYERS, 8, WIDTH)
    if "mlp_act" in at:
        assert at["mlp_act"].shape == (LAYERS, 8, NEURONS)


@pytest.mark.parametrize(
    ("kind", "site"), [(kind, site) for kind in CONFIGS for site in SITES if (kind, site) not in WITHOUT]
)
def test_a_vector_added_at_a_site_is_read_there_and_everything_else_follows_from_it(kind: str, site: Site) -> None:
    import torch

    model = shared_model(kind)
    layer = LAYERS - 1 if site == "final_norm" else 1
    plain = read_all(model, PROMPTS[0])
    width = plain[site].shape[-1] if site in plain else NEURONS
    v = np.random.default_rng(3).normal(size=width)
    added = Add(layer, site, Array.of(v), 2.0, (2, 5))
    steered = read_all(model, PROMPTS[0], (added,))
    if site in plain:
        index = 0 if site == "final_norm" else layer
        expected = plain[site][index].clone()
        expected[[2, 5]] += 2 * torch.tensor(added.vector.numpy())
        torch.testing.assert_close(steered[site][index], expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(steered["resid_post"][:, :2], plain["resid_post"][:, :2], rtol=0, atol=0)
    assert_follows(model, kind, steered, (layer, site))
    last, others = [run(model, [Choose(PROMPTS[0], (1,), i)])[1].logits[0] for i in ((added,), ())]
    moved = (last - others).abs().amax(dim=-1)
    assert moved[:2].max() == 0
    assert moved[2] > 1e-3
    assert moved[5] > 1e-3


@pytest.mark.parametrize("kind", ["llama", "gemma2", "qwen3"])
def test_heads_are_attention_weights_times_values_side_by_side(kind: str) -> None:
    import torch

    model = shared_model(kind, attention="eager", num_key_value_heads=2)
    heads, norms = (
        torch.tensor(run(model, [Read(PROMPTS[0], (0,), tuple(range(8)), s)])[0][0][0]).double()
        for s in ("attn_heads", "attn_norm")
    )
    weights = run(model, [Choose(PROMPTS[0], (1,))], output_attentions=True)[1].attentions[0][0]
    with torch.no_grad():
        values = model.get_decoder().layers[0].self_attn.v_proj(norms).view(8, 2, -1).transpose(0, 1)
    expected = weights @ values.repeat_interleave(HEADS // 2, dim=0)
    torch.testing.assert_close(heads, expected.transpose(0, 1).flatten(1), rtol=1e-5, atol=1e-5)


def test_zeroing_every_head_is_a_zero_input_of_the_output_projection() -> None:
    for kind in ("llama", "gpt2", "gpt_neox"):
        model = shared_model(kind)
        zeroed = read_all(model, PROMPTS[1], (Ablate(1, "attn_heads", (0, 1, 2, 3, 4)),))
        each = read_all(model, PROMPTS[1], (Ablate(1, "attn_heads", (0, 1, 2, 3, 4), heads=tuple(range(HEADS))),))
        assert not zeroed["attn_heads"][1].any()
        bias = getattr(module_of(model, kind, 1, f"{NAMES.get(kind, Names()).attn}"), "o_proj", None)
        if bias is not None:  # Llama's projection has no bias
            assert not zeroed["attn_out"][1].any()
        for site in zeroed:
            assert (zeroed[site] == each[site]).all()
        assert_follows(model, kind, zeroed, (1, "attn_heads"))


def test_only_the_named_heads_are_zeroed() -> None:
    model = shared_model("llama")
    plain = read_all(model, PROMPTS[1])["attn_heads"][1].reshape(5, HEADS, -1)
    cut = read_all(model, PROMPTS[1], (Ablate(1, "attn_heads", (1, 4), heads=(0, 3)),))["attn_heads"][1]
    cut = cut.reshape(5, HEADS, -1)
    assert not cut[[1, 4]][:, [0, 3]].any()
    assert (cut[[1, 4]][:, [1, 2]] == plain[[1, 4]][:, [1, 2]]).all()
    assert (cut[[0, 2, 3]] == plain[[0, 2, 3]]).all()


def test_a_site_that_the_model_lacks_stops_the_run_with_its_name() -> None:
    with pytest.raises(HarnessError, match=r"gpt_neox has no site resid_mid.*resid_pre or resid_post"):
        WhiteBox(shared_model("gpt_neox")).check(Read((1, 2), (0,), (1,), "resid_mid"))
    WhiteBox(shared_model("gpt_neox_sequential")).check(Read((1, 2), (0,), (1,), "resid_mid"))
    for kind, layer in (("mixtral", 1), ("qwen3_moe", 0)):
        with pytest.raises(HarnessError, match=f"layer {layer} of this {kind} has no site mlp_act"):
            WhiteBox(shared_model(kind)).check(Read((1, 2), (layer,), (1,), "mlp_act"))
    WhiteBox(shared_model("qwen3_moe")).check(Read((1, 2), (1,), (1,), "mlp_act"))  # a dense layer


def test_a_model_of_unknown_structure_is_refused_by_its_type() -> None:
    import transformers

    model = transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=11, hidden_size=8, ffn_dim=8, num_hidden_layers=1, num_attention_heads=2, word_embed_proj_dim=8
        )
    )
    with pytest.raises(HarnessError, match=r"'opt' is not known.*llama, mistral"):
        WhiteBox(model)


def test_the_bare_model_and_its_wrappers_have_the_same_sites() -> None:
    import torch

    model = shared_model("llama")
    for wrapped in (model, model.model):
        white = WhiteBox(wrapped)
        assert (white.layers, white.width, white.heads) == (LAYERS, WIDTH, HEADS)
        with torch.no_grad(), white.forward([Row(Read((5, 6), (1,), (0, 1)), 0)], 0, 2) as trace:
            wrapped(torch.tensor([[5, 6]]))
        np.testing.assert_array_equal(
            trace.activations(0).values.numpy(), run(model, [Read((5, 6), (1,), (0, 1))])[0][0]
        )


def test_the_text_part_of_a_model_that_also_sees_pictures_is_found() -> None:
    import torch
    import transformers

    text = transformers.Gemma3TextConfig(
        vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, head_dim=8
    )
    vision = transformers.SiglipVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4
    )
    config = transformers.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    model = transformers.Gemma3ForConditionalGeneration(config).eval()
    white = WhiteBox(model)
    assert white.layers == 2
    with torch.no_grad(), white.forward([Row(Read((5, 6), (0,), (0, 1)), 0)], 0, 2) as trace:
        output = model(torch.tensor([[5, 6]]), output_hidden_states=True)
    np.testing.assert_array_equal(trace.activations(0).values.numpy()[0], output.hidden_states[1][0].numpy())


V = Array.of(np.ones(WIDTH))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Read((1, 2), (LAYERS,), (0,)), "layer 3: the model has layers 0 to 2"),
        (Read((1, 2), (0,), (0,), "final_norm"), "final_norm is behind the last layer, 2, not behind layer 0"),
        (Add(3, "resid_post", V, 1.0, (0,)), "layers 0 to 2"),
        (Add(1, "final_norm", V, 1.0, (0,)), "not behind layer 1"),
        (Add(1, "mlp_act", V, 1.0, (0,)), r"Add at mlp_act of layer 1: numbers of shape \(32,\).*48 wide"),
        (Add(1, "resid_pre", Array.of(np.ones((1, 32))), 1.0, (0,)), r"shape \(1, 32\)"),
        (Add(1, "resid_pre", Array.of(np.zeros(32)), 1.0, (0,), relative=True), "length zero has no direction"),
        (Ablate(1, "resid_pre", (0,), Array.of(np.zeros(32))), "length zero has no direction"),
        (Ablate(1, "resid_pre", (0,), Array.of(np.ones(31))), r"shape \(31,\)"),
        (Ablate(1, "attn_heads", (0,), heads=(1, 4)), r"heads \(1, 4\), but the model has heads 0 to 3"),
        (Ablate(1, "attn_heads", (0,), heads=(-1,)), "the model has heads 0 to 3"),
        (Replace(1, "attn_out", Array.of(np.ones((1, 33))), (0,)), r"shape \(1, 33\)"),
        (Cut(5, (1,), (0,)), "layers 0 to 2"),
        (Cut(1, (1,), (0,), heads=(0, -1)), "head -1, but the model has heads 0 to 3"),
        (Cut(1, (1,), (0,), heads=(0, 4)), "head 4, but the model has heads 0 to 3"),
    ],
)
def test_a_call_that_the_model_cannot_answer_fails_alone_and_says_why(wrong: Read | Intervention, message: str) -> None:
    call = wrong if isinstance(wrong, Read) else Choose((1, 2), (3,), (wrong,))
    with pytest.raises(ItemError, match=message):
        WhiteBox(shared_model("llama")).check(call)


def test_vectors_of_length_zero_may_be_added_or_put_in_place() -> None:
    zero, white = Array.of(np.zeros(WIDTH)), WhiteBox(shared_model("llama"))
    white.check(Choose((1, 2), (3,), (Add(0, "resid_post", zero, 1.0, (0,)), Ablate(0, "mlp_act", (1,)))))
    white.check(Choose((1, 2), (3,), (Replace(0, "resid_post", Array.of(np.zeros((1, WIDTH))), (0,)),)))


def test_interventions_that_mean_nothing_cannot_be_written() -> None:
    for scale in (float("nan"), float("inf")):
        with pytest.raises(ItemError, match="a finite number of times"):
            Add(0, "resid_post", V, scale, (0,))
    with pytest.raises(ItemError, match="a position is replaced twice"):
        Replace(0, "resid_post", Array.of(np.ones((2, WIDTH))), (3, 3))
