"""Carries out `Read`, `Add`, `Replace` and `Ablate` on the residual stream of a model that vLLM runs in this process.

vLLM's blocks give (h, r), and the stream is h + r: the next norm adds the two. At rows that are changed the hook puts
the new stream in place of h and zero in place of r, so that formulas see the stream itself, and all other rows stay as
they are, bit for bit. `plan` says which rows these are.

Hooks are silent in a captured CUDA graph, so the model runs eagerly. A hook that should have fired and did not is an
error, never a reply without intervention.

Negative statements: no `Cut` (paged kernels take no mask of edges), no site but those in `SITES` (the norm between
attention and MLP is fused with the sum that resid_mid names, heads and neurons are split between GPUs), one process and
one GPU, and no model type but those in `KNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.calls.calls import Activations, Call, Read
from harness.calls.interventions import Cut, Site
from harness.engines.transformers.blocks import check_layer
from harness.engines.transformers.edits import Editor, check_edit
from harness.engines.vllm.plan import Plan, Point, Span, Watched, plan
from harness.engines.vllm.requests import INSIDE
from harness.errors import HarnessError

SITES: tuple[Site, ...] = ("resid_pre", "resid_post", "final_norm")

KNOWN = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "GemmaForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "Phi3ForCausalLM",
        "MixtralForCausalLM",
        "Qwen2MoeForCausalLM",
        "Qwen3MoeForCausalLM",
    }
)
"""vLLM's classes whose blocks were held against the transformers engine: `model.layers` take (positions, h, r) and give
(h, r), and `model.norm` takes (h, r) and gives the normed stream first."""


class Inside:
    """The residual stream of a loaded model.

    Attributes:
        layers, width: number of blocks, width of the residual stream.

    Args:
        engine: a `vllm.v1.engine.llm_engine.LLMEngine` of one process.

    Raises:
        HarnessError: the engine runs elsewhere, or the model's type is not known.
    """

    def __init__(self, engine: Any) -> None:
        self._runner = _runner(engine)
        model = self._runner.get_model()
        kind = type(model).__name__
        if kind not in KNOWN:
            known = ", ".join(sorted(KNOWN))
            raise HarnessError(
                f"engine=vllm does not know the inside of vLLM's {kind}, only of {known}; use engine=transformers"
            )
        _clean_blocks(engine)
        self._decoder = model.model
        self.layers = len(self._decoder.layers)
        self.width = int(engine.model_config.hf_text_config.hidden_size)
        self._editor = Editor(0)
        self._watched: dict[int, Watched] = {}
        self._spans: list[Span] = []
        self._plan: Plan = {}
        model.register_forward_pre_hook(self._begin)
        model.register_forward_hook(self._end)
        self._hook_blocks()

    def check(self, call: Call) -> None:
        """Refuses what cannot be read or changed here.

        Raises:
            ItemError: a layer or width that the model does not have, a direction of length zero, or final_norm not at
                the last layer.
            HarnessError: `Cut`, or another site.
        """
        if isinstance(call, Read):
            call.check_width(self.width)
            for layer in call.layers:
                self._check_place(layer, call.site)
        for one in call.interventions:
            if isinstance(one, Cut):
                raise HarnessError("engine=vllm cannot cut attention edges (Cut); use engine=transformers")
            self._check_place(one.layer, one.site)
            check_edit(one, self.width, heads=0)

    def _check_place(self, layer: int, site: Site) -> None:
        if site not in SITES:
            raise HarnessError(
                f"engine=vllm reads and changes the residual stream only, at {', '.join(SITES)}; use "
                f"engine=transformers for {site}"
            )
        check_layer(layer, site, self.layers)

    def begin(self, number: int, call: Call) -> None:
        """Reads and changes from now on what a call asks for, whose request carries the number under `INSIDE`."""
        self._watched[number] = Watched(call)

    def drop(self, number: int) -> None:
        """Forgets a call that vLLM refused."""
        del self._watched[number]

    def end(self, number: int, computed: int) -> Activations | None:
        """The reply to a `Read` that vLLM is done with; None for any other call.

        Args:
            computed: tokens that vLLM computed for it.

        Raises:
            RuntimeError: the hooks did not see all of them.
            ValueError: the model's numbers overflowed.
        """
        watched = self._watched.pop(number)
        watched.check(computed)
        if not isinstance(watched.call, Read):
            return None
        assert watched.read is not None
        if not np.isfinite(watched.read).all():
            raise ValueError(
                f"{watched.call.site}: the model's numbers overflowed; try another dtype or a weaker intervention"
            )
        return watched.call.reply(watched.read)

    def norm(self, stream: Any) -> Any:
        """The norm behind the last block, of streams [n, width]."""
        import torch

        module = self._decoder.norm
        weight = next(module.parameters())
        with torch.inference_mode():
            return module.forward_native(torch.tensor(stream).to(weight)).float().cpu().numpy()

    def _hook_blocks(self) -> None:
        blocks = self._decoder.layers
        blocks[0].register_forward_pre_hook(self._before_first)
        for layer, block in enumerate(blocks):
            block.register_forward_hook(self._after(layer, "resid_post"))
        self._decoder.norm.register_forward_hook(self._after(self.layers - 1, "final_norm"))

    def _begin(self, module: Any, args: Any) -> None:
        self._spans = list(self._present()) if self._watched else []
        self._plan = plan(self._spans)

    def _present(self) -> Iterator[Span]:
        """The calls in the step that is about to run."""
        batch = self._runner.input_batch
        rows = self._runner.query_start_loc.np[: batch.num_reqs + 1].tolist()
        for i, request in enumerate(batch.req_ids[: batch.num_reqs]):
            extra = self._runner.requests[request].sampling_params.extra_args or {}
            # Of a text that has just ended one token more may be under way; nobody waits for it.
            if (watched := self._watched.get(extra.get(INSIDE, 0))) is not None:
                position = int(batch.num_computed_tokens_cpu[i])
                yield Span(watched, rows[i], position, rows[i + 1] - rows[i])

    def _end(self, module: Any, args: Any, output: Any) -> None:
        if silent := [f"{site} of layer {layer}" for (layer, site), point in self._plan.items() if not point.fired]:
            raise RuntimeError(f"vLLM passed by {', '.join(silent)}: nothing was read or changed there")
        for span in self._spans:
            span.watched.reached = max(span.watched.reached, span.position + span.length)
        self._spans, self._plan = [], {}

    def _before_first(self, module: Any, args: tuple[Any, ...]) -> None:
        if (point := self._plan.get((0, "resid_pre"))) is not None:
            self._pass(point, args[1], args[2])

    def _after(self, layer: int, site: Site) -> Any:
        def after(module: Any, args: Any, output: tuple[Any, Any]) -> None:
            if (point := self._plan.get((layer, site))) is not None:
                hidden, residual = output
                self._pass(point, hidden, residual if site == "resid_post" else None)

        return after

    def _pass(self, point: Point, hidden: Any, residual: Any) -> None:
        """Changes h and r in place, and keeps what is read."""
        import torch

        if point.fired or point.rows[-1] >= len(hidden):
            raise RuntimeError(f"vLLM's step of {len(hidden)} rows is another one than was planned")
        point.fired = True
        rows = torch.from_numpy(point.rows).to(hidden.device)
        stream = hidden[rows] if residual is None else hidden[rows] + residual[rows]
        for edits in point.rounds:
            self._editor.apply(stream[None], edits)
        if len(point.changed):
            changed = torch.from_numpy(point.changed).to(hidden.device)
            hidden[rows[changed]] = stream[changed]
            if residual is not None:
                residual[rows[changed]] = 0
        if point.readings:
            columns = np.concatenate([reading.columns for reading in point.readings])
            values = stream[torch.from_numpy(columns).to(hidden.device)].float().cpu().numpy()
            ends = np.cumsum([len(reading.columns) for reading in point.readings])
            for reading, some in zip(point.readings, np.split(values, ends[:-1]), strict=True):
                reading.watched.keep(reading.layer, reading.which, some)


def _runner(engine: Any) -> Any:
    """The model runner of this process, where it holds its batches as it is known here."""
    worker = getattr(getattr(engine, "model_executor", None), "driver_worker", None)
    runner = getattr(getattr(worker, "worker", worker), "model_runner", None)
    if runner is None:
        raise HarnessError(
            "engine=vllm reads and changes activations only where vLLM runs in this process: unset "
            "VLLM_ENABLE_V1_MULTIPROCESSING"
        )
    if not hasattr(getattr(runner, "input_batch", None), "num_computed_tokens_cpu"):
        raise _another_version(type(runner).__name__)
    return runner


def _clean_blocks(engine: Any) -> None:
    """Lets vLLM set blocks of its cache to zero before it uses them again.

    Numbers that overflowed stay in the blocks of a call that failed. Attention on a CPU multiplies what lies behind the
    end of a text by zero, so that such a rest would make the next call's numbers none, too.
    """
    try:
        scheduler = engine.engine_core.engine_core.scheduler
        managers = scheduler.kv_cache_manager.coordinator.single_type_managers
        known = all(hasattr(manager, "_record_new_block_ids") for manager in managers)
    except AttributeError:
        known = False
    if not known or not hasattr(scheduler, "needs_kv_cache_zeroing"):
        raise _another_version("scheduler")
    scheduler.needs_kv_cache_zeroing = True
    for manager in managers:
        manager._record_new_block_ids = True


def _another_version(part: str) -> HarnessError:
    return HarnessError(
        f"engine=vllm cannot read or change activations in this version of vLLM, whose {part} has other parts than are "
        "known; use engine=transformers"
    )
