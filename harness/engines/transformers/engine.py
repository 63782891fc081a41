"""Loads a Hugging Face model in this process: the engine that can look inside the model.

`engines.batching` does the work; `engines.planning` decides the batches, `engines.keys_values` holds the memory.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from harness.calls.calls import EVERYTHING, Capability
from harness.engines.allocator import keep_freed_memory
from harness.engines.base import Engine
from harness.engines.needs import check_installed
from harness.engines.phases import phase
from harness.errors import BaseHarnessError, HarnessError, nearest
from harness.models.model import LocalModel, Model
from harness.processes.imports import LARGE
from harness.prompting.tokens import Tokenizer

if TYPE_CHECKING:
    from harness.engines.transformers.keys_values import Layout
    from harness.engines.transformers.planning import Limits


NEEDS = "transformers", ("torch", "accelerate"), ("transformers",)
"""The engine, the packages that it needs and the extras that bring them."""

DTYPES = ("auto", "float32", "bfloat16", "float16", "float64")
ATTENTION = ("auto", "sdpa", "eager")

LOADING = frozenset(
    {"quantization_config", "max_memory", "offload_folder", "offload_buffers", "key_mapping", "variant"}
    | {"experts_implementation", "use_kernels", "kernel_config", "tp_plan", "tp_size"}
)
"""Keywords of `from_pretrained` that `args` may name, besides attributes of the model's config."""

PLACEMENT = frozenset({"max_memory", "offload_folder", "offload_buffers"})
"""Arguments that change the placement of the model, not its answers."""

LOGITS = 1 << 28
"""Numbers of one pass's logits where texts are scored: 1 GiB in float32."""


@dataclass(frozen=True, kw_only=True)
class Transformers:
    """Settings of `engine=transformers`: reads and changes activations, and answers every other call too.

    Attributes:
        dtype: "auto" is float32 on a CPU, and bfloat16 on a GPU; else float32, bfloat16, float16 or float64. The output
            head is computed in float32 with bfloat16 and float16, too: bfloat16 logits step by 0.06 to 0.12.
        attention: "sdpa", "eager", or "auto": eager where the model caps its attention scores (Gemma 2), which sdpa
            would leave out, else sdpa.
        device_map: "auto" is one GPU where the model fits it, all of them and then the CPU where not (accelerate), or
            the CPU where there is none. Else as `from_pretrained` takes it: "cpu", "cuda:1", "balanced".
        max_model_len: longest prompt plus reply; None is the model's own, at most 8192.
        max_batch_tokens: tokens of one forward pass that reads prompts.
        max_rows: texts written at once.
        kv_cache_gib: memory for keys and values; None is 4 GiB on a CPU, on a GPU 0.7 of the memory that the model
            leaves.
        args: any other keyword of `from_pretrained` or attribute of the model's config; an unknown one is refused by
            name. {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": true}} loads 8-bit weights.
    """

    can: ClassVar[frozenset[Capability]] = EVERYTHING
    has_weights: ClassVar[bool] = True

    dtype: str = "auto"
    attention: str = "auto"
    device_map: str = "auto"
    max_model_len: int | None = None
    max_batch_tokens: int = 4096
    max_rows: int = 256
    kv_cache_gib: float | None = None
    args: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, known in (("dtype", self.dtype, DTYPES), ("attention", self.attention, ATTENTION)):
            if value not in known:
                raise HarnessError(f"engine.{name}={value}: it is one of {', '.join(known)}")
        for name in ("max_model_len", "max_batch_tokens", "max_rows", "kv_cache_gib"):
            if (number := getattr(self, name)) is not None and number <= 0:
                raise HarnessError(f"engine.{name}={number}: it must be above 0")

    @property
    def gpus(self) -> int:
        """One, unless the model is put on the CPU."""
        return 0 if self.device_map == "cpu" else 1

    def tokenizer(self, model: Model) -> Tokenizer:
        """The model's own."""
        return model.tokenizer()

    def load(self, model: Model) -> Engine:
        """Loads the model, and its adapter where it has one.

        Raises:
            HarnessError: torch is not installed, an argument is unknown, or the model or its adapter cannot be loaded.
        """
        check_installed(*NEEDS)
        _environment()
        phase("files")
        # Before the imports, which take long: a model that is not there is told at once.
        local = model.resolve()
        phase("imports")
        with LARGE:
            import torch
            import transformers
            from transformers import AutoConfig, AutoTokenizer

            from harness.engines.transformers.attention import use_grouped
            from harness.engines.transformers.batching import TransformersEngine
            from harness.engines.transformers.keys_values import Layout

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        phase("weights")
        code = model.trust_remote_code
        try:
            config = AutoConfig.from_pretrained(local.path, trust_remote_code=code)
            tokenizer = AutoTokenizer.from_pretrained(local.path, trust_remote_code=code)
        except (OSError, ValueError, ImportError) as error:
            raise _not_loaded(model, error) from error
        args = self._checked_args(config)
        model.check(local, args.get("key_mapping"))
        device = _device(self.device_map, torch.cuda.is_available())
        if device == "cpu":
            keep_freed_memory()
        dtype = self.dtype if self.dtype != "auto" else "bfloat16" if device == "cuda" else "float32"
        text = config.get_text_config()
        capped = getattr(text, "attn_logit_softcapping", None) is not None
        attention = self.attention if self.attention != "auto" else "eager" if capped else None
        placed = _placement(self.device_map, device, local.path)
        try:
            loaded = _load(local, code, dtype=getattr(torch, dtype), attn_implementation=attention, **placed, **args)
            use_grouped(loaded)
            with torch.inference_mode():
                layout = Layout.learn(loaded, loaded.get_input_embeddings().weight.device)
        except BaseHarnessError:
            raise
        except Exception as error:  # any error of transformers, accelerate or a quantiser
            raise _not_loaded(model, error) from error
        identity = self._identity(loaded, local, device, dtype) | model.unchecked()
        own = min(getattr(text, "max_position_embeddings", 8192), 8192)
        engine = TransformersEngine(loaded, tokenizer, identity, layout, self._limits(loaded, layout, own))
        engine.parameters, engine.snapshot = local.parameters, local.snapshot
        return engine

    def _identity(self, loaded: Any, local: LocalModel, device: str, dtype: str) -> dict[str, str]:
        """The facts that decide the numbers; widens the output head if it is to be float32."""
        import torch
        import transformers

        identity = {
            "engine": "transformers",
            "version": transformers.__version__,
            "torch": torch.__version__,
            "device": device,
            "model": local.fingerprint,
            "dtype": dtype,
            "attention": str(loaded.config.get_text_config()._attn_implementation).removeprefix("grouped_"),
            "args": json.dumps({k: v for k, v in self.args.items() if k not in PLACEMENT}, sort_keys=True, default=str),
        }
        if dtype in ("bfloat16", "float16") and widen_head(loaded):
            identity["head"] = "float32"
        return identity

    def _checked_args(self, config: Any) -> dict[str, Any]:
        for name in self.args:
            if name not in LOADING and not hasattr(config, name):
                hint = nearest(name, [*LOADING, *vars(config)])
                raise HarnessError(f"engine.args.{name}: transformers has no such argument for this model{hint}")
        args = dict(self.args)
        if isinstance(given := args.get("quantization_config"), Mapping):
            from transformers.quantizers.auto import AutoQuantizationConfig

            try:
                args["quantization_config"] = AutoQuantizationConfig.from_dict(dict(given))
            except (ValueError, TypeError) as error:
                raise HarnessError(f"engine.args.quantization_config: {error}") from error
        return args

    def _limits(self, model: Any, layout: Layout, own: int) -> Limits:
        import torch

        from harness.engines.transformers.planning import Limits

        if self.kv_cache_gib is not None:
            memory = int(self.kv_cache_gib * 2**30)
        elif model.get_input_embeddings().weight.device.type == "cuda":
            memory = int(0.7 * torch.cuda.mem_get_info()[0])
        else:
            memory = 4 << 30
        columns = memory // layout.token_bytes
        return Limits(
            context=self.max_model_len or own,
            batch_tokens=self.max_batch_tokens,
            rows=self.max_rows,
            pass_columns=columns // 4,
            # Buffers are up to twice as large as their content, and are copied when they grow.
            running_columns=columns // 4,
            scored=LOGITS // int(model.get_output_embeddings().weight.shape[0]),
            prefix_bytes=memory // 4,
        )


def _environment() -> None:
    """Settings that must stand before torch is imported; a value of the user's own wins."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # A busy wait would take the cores from other processes; a passive one costs nothing measurable.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _device(device_map: str, cuda: bool) -> str:
    """The type of device that the model begins on."""
    if device_map in ("auto", "balanced", "balanced_low_0", "sequential"):
        return "cuda" if cuda else "cpu"
    return device_map.partition(":")[0]


def _placement(device_map: str, device: str, path: Path) -> dict[str, Any]:
    """The device map of the weights, as `from_pretrained` takes it."""
    import torch

    if device_map != "auto":
        return {"device_map": device_map}
    if device == "cpu":
        return {}
    size = sum(file.stat().st_size for file in path.glob("*.safetensors"))
    # A fifth is left for keys, values and the activations of a pass; on one GPU no pass waits for another GPU's.
    fits = size < 0.8 * torch.cuda.mem_get_info(0)[0]
    return {"device_map": {"": "cuda:0"} if fits else "auto"}


def _load(local: LocalModel, code: bool, **settings: Any) -> Any:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(local.path, trust_remote_code=code, use_safetensors=True, **settings)
    if local.adapter is not None:
        try:
            from peft import PeftModel
        except ImportError as error:
            raise HarnessError("model.adapter with engine=transformers needs peft: pip install peft") from error
        adapted = PeftModel.from_pretrained(model, str(local.adapter), is_trainable=False)  # changes the model itself
        # In 32 bits a sum of both is as good and twice as fast. Shorter numbers would round a small change away, and
        # quantised ones cannot take it: there the adapter's matrices stay beside the weights, as in vLLM.
        if settings["dtype"].itemsize >= 4 and not getattr(model, "is_quantized", False):
            model = adapted.merge_and_unload()
    return model.eval()


def _not_loaded(model: Model, error: Exception) -> HarnessError:
    lines = str(error).strip().splitlines() or [""]
    return HarnessError(f"transformers cannot load {model.name}: {type(error).__name__}: {lines[0]}")


def widen_head(model: Any) -> bool:
    """Lets the output head compute in float32; whether it could be done.

    The weights keep their bfloat16 values; embeddings that share them stay as they are.
    """
    import torch

    head = model.get_output_embeddings()
    if type(head) is not torch.nn.Linear or head.weight.device.type == "meta" or not head.weight.is_floating_point():
        return False
    for name in ("weight", "bias"):
        values = getattr(head, name)
        if values is not None:
            setattr(head, name, torch.nn.Parameter(values.detach().float(), requires_grad=False))
    head.register_forward_pre_hook(lambda _, args: (args[0].float(), *args[1:]))
    return True
