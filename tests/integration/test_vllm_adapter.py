"""LoRA adapters in vLLM, against transformers with W + (alpha / r) B A merged by hand, in float32."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Generate, Logprobs, Sampling, Score, Text
from harness.calls.interventions import Add
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.opening import opened
from harness.errors import HarnessError
from harness.models.model import LocalModel, Model
from tests.integration.engines import ask, reference_of, small_vllm

pytestmark = pytest.mark.engine

RANK, ALPHA = 4, 16
TOKENS = (5, 260, 1000, 20_000)
PROMPTS = [tuple(100 + 37 * i * j % 5000 for i in range(1, 20 + 10 * j)) for j in range(1, 6)]


def write_adapter(folder: Path, model: Path, *, size: float, rank: int = RANK) -> Path:
    """A random adapter of every query and value projection; `size` is the standard deviation of B."""
    from safetensors.numpy import save_file

    config = json.loads((model / "config.json").read_text())
    width, head = config["hidden_size"], config["hidden_size"] // config["num_attention_heads"]
    outputs = {"q_proj": head * config["num_attention_heads"], "v_proj": head * config["num_key_value_heads"]}
    rng = np.random.default_rng(1)
    matrices: dict[str, Any] = {}
    for layer in range(config["num_hidden_layers"]):
        for name, out in outputs.items():
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            a, b = rng.normal(0, width**-0.5, (rank, width)), rng.normal(0, 1, (out, rank)) * size
            matrices |= {f"{place}.lora_A.weight": a.astype("f4"), f"{place}.lora_B.weight": b.astype("f4")}
    folder.mkdir()
    save_file(matrices, folder / "adapter_model.safetensors")
    described = {"peft_type": "LORA", "r": rank, "lora_alpha": ALPHA, "target_modules": list(outputs), "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(described))
    return folder


def merge(adapter: Path, model: Any) -> None:
    """Adds (alpha / r) B A to the weights of a transformers model."""
    import torch
    from safetensors.numpy import load_file

    matrices = load_file(adapter / "adapter_model.safetensors")
    with torch.no_grad():
        for key, a in matrices.items():
            if key.endswith("lora_A.weight"):
                place = model.get_submodule(key.removeprefix("base_model.model.").removesuffix(".lora_A.weight"))
                place.weight += torch.from_numpy(ALPHA / RANK * matrices[key.replace("lora_A", "lora_B")] @ a)


@contextmanager
def loaded(base: LocalModel, adapter: Path | None) -> Iterator[Engine]:
    model = Model(name="smollm2", source=str(base.path), adapter=str(adapter or ""))
    engine = opened(small_vllm(512), frozenset({"intervene"})).load(model)
    yield engine
    engine.close()


def options(engine: Engine) -> Any:
    """Log-probabilities [prompts, tokens]."""
    replies = ask(engine, [Choose(ids, TOKENS) for ids in PROMPTS])
    return np.array([reply.values for reply in replies if isinstance(reply, Logprobs)])


def expected(reference: Any) -> Any:
    return np.array([reference(ids)[-1][list(TOKENS)] for ids in PROMPTS])


def path(table: Any, tokens: Sequence[int]) -> Any:
    return table[np.arange(len(tokens)), list(tokens)]


def check_steered(engine: Engine, model: Model) -> None:
    """Steered calls of an adapted model are those of transformers, scores too, which are walked token by token."""
    vector = Array.of(np.random.default_rng(2).normal(size=576))
    steer = (Add(14, "resid_post", vector, 1.0, (2, 15), decode=True),)
    calls: list[Call] = [
        Choose(PROMPTS[0], TOKENS, steer),
        Score(PROMPTS[1], PROMPTS[2][:5], steer),
        Score(PROMPTS[1], (5, 6, 7)),
    ]
    other = Transformers(dtype="float32").load(model)
    for reply, expected in zip(ask(engine, calls), ask(other, calls), strict=True):
        assert isinstance(reply, Logprobs)
        assert isinstance(expected, Logprobs)
        np.testing.assert_allclose(reply.values, expected.values, atol=1e-4)
    other.close()


def test_an_adapted_model_equals_merged_weights_and_a_zero_adapter_its_base(
    small_model: LocalModel, tmp_path: Path
) -> None:
    tuned = write_adapter(tmp_path / "tuned", small_model.path, size=0.05)
    zero = write_adapter(tmp_path / "zero", small_model.path, size=0.0)
    base_options = expected(reference_of(small_model))
    merged = reference_of(small_model, lambda model: merge(tuned, model))
    assert np.abs(expected(merged) - base_options).max() > 0.5  # else nothing below would show anything
    identities = []
    with loaded(small_model, zero) as engine:
        identities.append(engine.identity)
        np.testing.assert_allclose(options(engine), base_options, atol=1e-3)
    with loaded(small_model, tuned) as engine:
        identities.append(engine.identity)
        np.testing.assert_allclose(options(engine), expected(merged), atol=1e-3)
        text, score = ask(engine, [Generate(PROMPTS[0], Sampling(8)), Score(PROMPTS[1], PROMPTS[2])])
        assert isinstance(text, Text)
        assert isinstance(score, Logprobs)
        table = merged((*PROMPTS[0], *text.tokens))[len(PROMPTS[0]) - 1 : -1]
        np.testing.assert_array_equal(table.argmax(-1), text.tokens)
        np.testing.assert_allclose(text.logprobs, path(table, text.tokens), atol=1e-3)
        table = merged((*PROMPTS[1], *PROMPTS[2]))[len(PROMPTS[1]) - 1 : -1]
        np.testing.assert_allclose(score.values, path(table, PROMPTS[2]), atol=1e-3)
        check_steered(engine, Model(name="smollm2", source=str(small_model.path), adapter=str(tuned)))
    assert identities[0]["model"] != identities[1]["model"]
    assert small_model.fingerprint not in {identity["model"] for identity in identities}


def test_adapters_that_do_not_fit_are_refused_at_load(small_model: LocalModel, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter", small_model.path, size=0.1)
    config = json.loads((adapter / "adapter_config.json").read_text())
    for name, change, message in (
        ("high", {"r": 1000}, "of rank 1000, its matrices are of rank 4"),
        ("dora", {"use_dora": True}, "its config says use_dora=True"),
        ("bias", {"bias": "all"}, "bias"),
    ):
        other = Path(shutil.copytree(adapter, tmp_path / name))
        (other / "adapter_config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(HarnessError) as caught, loaded(small_model, other):
            pass
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
