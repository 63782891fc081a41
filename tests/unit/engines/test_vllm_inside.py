"""The hooks of vLLM's white box on a stand-in for its runner and a model of its form, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from harness import Experiment, Item, Outcome, Part, Subject
from harness.calls.arrays import Array
from harness.calls.calls import Call, Capability, Choose, Generate, Read, Sampling
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace, Site
from harness.config import load_job
from harness.engines.auto import Auto
from harness.engines.base import check_capabilities
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLM
from harness.engines.vllm.inside import Inside
from harness.engines.vllm.opening import REFUSED, RUNNER, OpenVLLM, opened
from harness.engines.vllm.requests import INSIDE
from harness.errors import HarnessError, ItemError
from harness.models.model import Model

LAYERS, WIDTH, N = 3, 4, 6
PROMPT = tuple(range(N))
V = Array.of([1.0, 2.0, -1.0, 0.5])


class Block(torch.nn.Module):  # type: ignore[misc]  # not typed
    """Passes the stream on as vLLM's blocks do: (what it adds, what was there before)."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.weight = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(seed))

    def forward(self, positions: Any, hidden: Any, residual: Any) -> Any:
        stream = hidden if residual is None else hidden + residual
        return torch.tanh(stream @ self.weight), stream


class Norm(torch.nn.Module):  # type: ignore[misc]  # not typed
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(WIDTH), requires_grad=False)

    def forward(self, hidden: Any, residual: Any) -> Any:
        stream = hidden + residual
        return stream / stream.norm(dim=1, keepdim=True), stream


class LlamaForCausalLM(torch.nn.Module):  # type: ignore[misc]  # not typed
    """Named as vLLM's class, of the same form, and small."""

    def __init__(self) -> None:
        super().__init__()
        self.model = torch.nn.Module()
        self.model.layers = torch.nn.ModuleList(map(Block, range(LAYERS)))
        self.model.norm = Norm()

    def forward(self, embedded: Any) -> Any:
        hidden, residual = embedded.clone(), None
        for layer in self.model.layers:
            hidden, residual = layer(None, hidden, residual)
        return self.model.norm(hidden, residual)[0]


class OtherForCausalLM(LlamaForCausalLM):
    """A class that is not known."""


@dataclass
class Runner:
    """Holds batches as vLLM's first model runner does.

    Attributes:
        rows: how many rows each request has in the present step, and where the first of them is in its request.
    """

    model: Any = field(default_factory=LlamaForCausalLM)
    rows: list[tuple[int, int]] = field(default_factory=list)
    requests: dict[str, Any] = field(default_factory=dict)

    def get_model(self) -> Any:
        return self.model

    @property
    def input_batch(self) -> Any:
        return SimpleNamespace(
            num_reqs=len(self.rows),
            req_ids=list(self.requests),
            num_computed_tokens_cpu=np.array([first for _, first in self.rows]),
        )

    @property
    def query_start_loc(self) -> Any:
        return SimpleNamespace(np=np.cumsum([0, *(length for length, _ in self.rows)]))

    def add(self, inside: int | None, length: int, first: int = 0) -> None:
        extra = None if inside is None else {INSIDE: inside}
        self.requests[f"r{len(self.requests)}"] = SimpleNamespace(sampling_params=SimpleNamespace(extra_args=extra))
        self.rows.append((length, first))


def engine_of(runner: Any, **scheduler: Any) -> Any:
    manager = SimpleNamespace(
        coordinator=SimpleNamespace(single_type_managers=[SimpleNamespace(_record_new_block_ids=0)])
    )
    parts = {"kv_cache_manager": manager, "needs_kv_cache_zeroing": False} | scheduler
    return SimpleNamespace(
        engine_core=SimpleNamespace(engine_core=SimpleNamespace(scheduler=SimpleNamespace(**parts))),
        model_executor=SimpleNamespace(driver_worker=SimpleNamespace(worker=SimpleNamespace(model_runner=runner))),
        model_config=SimpleNamespace(hf_text_config=SimpleNamespace(hidden_size=WIDTH)),
    )


def embedded(n: int = N) -> Any:
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(9))


def streams(of: Any) -> list[Any]:
    """The stream before every block and behind the last one, without any hook."""
    found, hidden, residual = [of], of, None
    for layer in LlamaForCausalLM().model.layers:
        hidden, residual = layer(None, hidden, residual)
        found.append(hidden + residual)
    return found


def ran(call: Call, *, before: int = 2, at: Any = None) -> tuple[Any, Any]:
    """One step that holds a call behind a plain one: the normed rows, and the reply."""
    runner = Runner()
    inside = Inside(engine_of(runner))
    inside.check(call)
    inside.begin(7, call)
    runner.add(None, before)
    runner.add(7, N)
    rows = torch.cat([embedded(before), embedded() if at is None else at])
    return runner.model(rows), inside.end(7, N)


@pytest.mark.parametrize(("layer", "site", "stream"), [(0, "resid_pre", 0), (2, "resid_pre", 2), (2, "resid_post", 3)])
def test_the_stream_is_the_sum_of_what_a_block_gives(layer: int, site: Site, stream: int) -> None:
    _, reply = ran(Read(PROMPT, (layer,), (1, 4), site))
    torch.testing.assert_close(torch.tensor(reply.values.numpy()[0]), streams(embedded())[stream][[1, 4]])


def test_the_mean_over_positions_and_the_final_norm() -> None:
    _, mean = ran(Read(PROMPT, (0, 1), (1, 2, 4), pool="mean"))
    expected = [streams(embedded())[layer + 1][[1, 2, 4]].mean(0, keepdim=True).numpy() for layer in (0, 1)]
    np.testing.assert_allclose(mean.values.numpy(), expected, rtol=1e-5)
    normed, reply = ran(Read(PROMPT, (LAYERS - 1,), (0, 5), "final_norm"))
    np.testing.assert_array_equal(reply.values.numpy()[0], normed[[2, 7]].numpy())


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ((Add(1, "resid_post", V, 2.0, (3,)),), lambda h: h + 2 * torch.tensor(V.numpy())),
        ((Add(1, "resid_post", V, 0.0, (3,)),), lambda h: h),
        ((Replace(2, "resid_pre", Array.of([[1.0, 2, 3, 4]]), (3,)),), lambda h: torch.tensor([1.0, 2, 3, 4])),
        ((Ablate(1, "resid_post", (3,)),), lambda h: 0 * h),
        (
            (Ablate(1, "resid_post", (3,), V),),
            lambda h: h - torch.tensor(V.numpy()) * (h @ torch.tensor(V.numpy())) / (V.numpy() @ V.numpy()),
        ),
    ],
    ids=["add", "add nothing", "replace", "zero", "direction"],
)
def test_an_edited_row_goes_on_from_the_new_stream_and_all_others_as_they_were(edits: Any, changed: Any) -> None:
    plain, _ = ran(Choose(PROMPT, (1,)))
    normed, _ = ran(Choose(PROMPT, (1,), edits))
    stream = streams(embedded())[2][3]
    hidden, residual = LlamaForCausalLM().model.layers[2](None, changed(stream)[None], None)
    torch.testing.assert_close(normed[5], Norm()(hidden, residual)[0][0], equal_nan=True)
    others = [row for row in range(2 + N) if row != 5]
    assert torch.equal(normed[others], plain[others]), "bit for bit"


def test_a_read_sees_the_edits_of_its_own_call_at_its_site() -> None:
    call = Read(PROMPT, (1,), (2, 3), interventions=(Add(1, "resid_post", V, 1.0, (3,)),))
    values = ran(call)[1].values.numpy()[0]
    stream = streams(embedded())[2]
    np.testing.assert_allclose(values[1], stream[3].numpy() + V.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(values[0], stream[2].numpy())


def test_every_piece_of_a_call_is_found_by_its_position() -> None:
    runner = Runner()
    inside = Inside(engine_of(runner))
    inside.begin(1, Read(PROMPT, (1,), (0, 2, 5)))
    runner.add(1, 4)
    runner.model(embedded()[:4])
    runner.rows = [(2, 4)]
    runner.model(embedded()[4:])
    reply = inside.end(1, N)
    assert reply is not None
    np.testing.assert_allclose(reply.values.numpy()[0], streams(embedded())[2][[0, 2, 5]].numpy(), rtol=1e-6)


class GemmaForCausalLM(LlamaForCausalLM):
    """Scales its embeddings in place, as the Gemma models do: the first block reads the scaled ones."""

    def forward(self, embedded: Any) -> Any:
        return super().forward(embedded.clone().mul_(WIDTH**0.5))


W = np.array([0.5, -1.0, 2.0, 1.0], np.float32)
NEXT = 2
"""Tokens that are written behind the prompt."""


def crowded() -> Generate:
    """Several changes at one site, under both of its names, at the edges of pieces, on the prompt and on new tokens."""
    return Generate(
        PROMPT,
        Sampling(NEXT + 1),
        interventions=(
            Add(0, "resid_pre", V, 0.5, (0, 3)),
            Add(0, "resid_post", V, 2.0, (0, 2, 3, 5), decode=True),
            Ablate(1, "resid_pre", (2, 5), Array.of(W), decode=True),
            Replace(0, "resid_post", Array.of([W, 2 * W]), (3, 5)),
            Add(0, "resid_post", Array.of(W), 0.25, (3,), decode=True, relative=True, keep_norm=True),
            Add(LAYERS - 1, "resid_post", V, -1.0, (5,)),
        ),
    )


def by_hand(row: Any, position: int, changed: bool) -> Any:
    """The normed row of a position under `crowded`, computed without any hook."""
    v, w = torch.tensor(V.numpy()), torch.tensor(W)
    new = position >= N
    blocks = LlamaForCausalLM().model.layers
    stream = row.clone()
    for layer, block in enumerate(blocks):
        if changed and layer == 0 and position in (0, 3):
            stream = stream + 0.5 * v
        hidden, residual = block(None, stream[None], None)
        stream = (hidden + residual)[0]
        if changed and layer == 0:
            if position in (0, 2, 3, 5) or new:
                stream = stream + 2 * v
            if position in (2, 5) or new:
                stream = stream - (stream @ w) / (w @ w) * w
            if position in (3, 5):
                stream = w * (1 if position == 3 else 2)
            if position == 3 or new:
                turned = stream + 0.25 * stream.norm() * w / w.norm()
                stream = turned * stream.norm() / turned.norm()
        if changed and layer == LAYERS - 1 and position == 5:
            stream = stream - v
    return stream / stream.norm()


def pieces(total: int) -> list[list[int]]:
    """All ways to compute so many tokens in steps."""
    return [[total]] + [[first, *rest] for first in range(1, total) for rest in pieces(total - first)]


@pytest.mark.parametrize("model", [LlamaForCausalLM, GemmaForCausalLM], ids=["plain", "scaled embeddings"])
def test_whatever_the_pieces_a_position_is_changed_as_by_hand(model: type[LlamaForCausalLM]) -> None:
    """The call stands between two others in every step: one plain, one with the same changes, a piece behind."""
    scale = WIDTH**0.5 if model is GemmaForCausalLM else 1.0
    rows, plain = embedded(N + NEXT), torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(1))
    expected = [
        torch.stack([by_hand(scale * rows[i], i, changed) for i in range(N + NEXT)]) for changed in (False, True)
    ]
    assert (expected[0] - expected[1]).abs().amax(dim=1)[[0, 2, 3, 5, 6, 7]].min() > 1e-3
    for steps in (some + [1] * NEXT for some in pieces(N)):
        runner = Runner(model())
        inside = Inside(engine_of(runner))
        for number in (1, 2):
            inside.begin(number, crowded())
        runner.add(None, 1)
        runner.add(1, 0)
        runner.add(2, 0)
        done = 0
        found: tuple[list[Any], list[Any]] = ([], [])
        for step, behind in zip([*steps, 0], [0, *steps], strict=True):
            late = done - behind
            here = [(1, 0), (step, done), (behind, late)]
            runner.rows = [one for one in here if one[0]]
            names = [name for name, one in zip(("r0", "r1", "r2"), here, strict=True) if one[0]]
            runner.requests, kept = {name: runner.requests[name] for name in names}, runner.requests
            out = runner.model(torch.cat([plain, rows[done : done + step], rows[late:done]]))
            runner.requests = kept
            torch.testing.assert_close(out[0], by_hand(scale * plain[0], 0, changed=False))
            found[0].append(out[1 : 1 + step])
            found[1].append(out[1 + step :])
            done += step
        for some in found:
            torch.testing.assert_close(torch.cat(some), expected[1])
        assert inside.end(1, N + NEXT) is None
        assert inside.end(2, N + NEXT) is None


def test_a_step_after_the_end_of_a_text_is_nobodys() -> None:
    runner = Runner()
    inside = Inside(engine_of(runner))
    inside.begin(1, Generate(PROMPT, Sampling(2), interventions=(Add(1, "resid_post", V, 1.0, (), decode=True),)))
    runner.add(1, N)
    runner.model(embedded())
    assert inside.end(1, N) is None
    plain = LlamaForCausalLM()(embedded(1))
    runner.rows = [(1, N)]
    assert torch.equal(runner.model(embedded(1)), plain)


@pytest.mark.parametrize(
    "call", [Read(PROMPT, (1,), (0,)), Choose(PROMPT, (1,), (Add(1, "resid_post", V, 1.0, (0,)),))]
)
def test_a_hook_that_does_not_fire_is_an_error(call: Call) -> None:
    runner = Runner()
    inside = Inside(engine_of(runner))
    for handle in list(runner.model.model.layers[1]._forward_hooks):
        del runner.model.model.layers[1]._forward_hooks[handle]
    inside.begin(1, call)
    runner.add(1, N)
    with pytest.raises(RuntimeError, match="passed by resid_post of layer 1: nothing was read or changed there"):
        runner.model(embedded())


def test_a_model_that_passes_by_all_hooks_is_an_error_when_the_call_ends() -> None:
    inside = Inside(engine_of(Runner()))
    inside.begin(1, Choose(PROMPT, (1,), (Add(1, "resid_post", V, 1.0, (0,)),)))
    with pytest.raises(RuntimeError, match="computed 6 tokens of a call, of which the hooks saw 0"):
        inside.end(1, N)


def test_a_step_of_fewer_rows_than_planned_is_an_error() -> None:
    runner = Runner()
    inside = Inside(engine_of(runner))
    inside.begin(1, Read(PROMPT, (1,), (5,)))
    runner.add(1, N)
    with pytest.raises(RuntimeError, match="step of 4 rows is another one than was planned"):
        runner.model(embedded(4))


def test_overflow_is_told_of_its_own_call() -> None:
    high = Array.of([3e38] * WIDTH)
    edits = (Add(1, "resid_post", high, 1.0, (3,)), Add(1, "resid_post", high, 1.0, (3,)))
    with pytest.raises(ValueError, match="overflowed; try another dtype or a weaker intervention"):
        ran(Read(PROMPT, (1,), (3,), interventions=edits))


def edits(*some: Intervention) -> Choose:
    return Choose(PROMPT, (1,), some)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (edits(Cut(1, (3,), (1,))), "cannot cut attention edges"),
        (
            edits(Ablate(1, "attn_heads", (1,), heads=(0,))),
            "resid_pre, resid_post, final_norm; use engine=transformers",
        ),
        (edits(Add(1, "mlp_out", V, 1.0, (1,))), "use engine=transformers for mlp_out"),
        (edits(Add(1, "resid_mid", V, 1.0, (1,))), "use engine=transformers for resid_mid"),
        (Read(PROMPT, (1,), (0,), "attn_out"), "use engine=transformers for attn_out"),
    ],
    ids=["cut", "heads", "mlp_out", "resid_mid", "read"],
)
def test_what_transformers_alone_can_do_is_refused_by_name(call: Call, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Inside(engine_of(Runner())).check(call)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (edits(Add(3, "resid_post", V, 1.0, (1,))), "layer 3: the model has layers 0 to 2"),
        (Read(PROMPT, (1, 9), (0,)), "layer 9: the model has layers 0 to 2"),
        (edits(Add(0, "final_norm", V, 1.0, (1,))), "final_norm is behind the last layer, 2, not behind layer 0"),
        (edits(Add(1, "resid_post", Array.of([1.0]), 1.0, (1,))), r"shape \(1,\), but the site is 4 wide"),
        (edits(Ablate(1, "resid_post", (1,), Array.of([0.0] * 4))), "a vector of length zero has no direction"),
    ],
    ids=["layer", "read layer", "final norm", "width", "direction"],
)
def test_what_the_model_does_not_have_is_refused_as_by_transformers(call: Call, message: str) -> None:
    with pytest.raises(ItemError, match=message):
        Inside(engine_of(Runner())).check(call)


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (engine_of(Runner(model=OtherForCausalLM())), "does not know the inside of vLLM's OtherForCausalLM"),
        (SimpleNamespace(), "unset VLLM_ENABLE_V1_MULTIPROCESSING"),
        (engine_of(SimpleNamespace()), "whose SimpleNamespace has other parts than are known; use engine=transformers"),
        (engine_of(Runner(), kv_cache_manager=None), "whose scheduler has other parts than are known"),
    ],
    ids=["class", "process", "runner", "scheduler"],
)
def test_a_vllm_that_cannot_be_looked_into_is_refused(engine: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Inside(engine)


def test_only_runs_that_ask_for_activations_change_how_vllm_is_loaded() -> None:
    plain = VLLM(max_model_len=300, args={"block_size": 16})
    assert opened(plain, {"generate", "choose", "score"}) is plain
    asked: list[set[Capability]] = [{"read"}, {"choose", "intervene"}]
    for needed in asked:
        other = opened(plain, needed)
        assert other == OpenVLLM(max_model_len=300, args={"block_size": 16})
        assert other.can >= needed
    assert opened(Transformers(), {"read"}) == Transformers()
    with pytest.raises(HarnessError, match="engine=transformers; for the residual stream also engine=vllm"):
        check_capabilities({"read"}, plain.can, "this call", "vllm")


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_do_not_go_with_it_are_refused_by_name(name: str) -> None:
    only, _ = REFUSED[name]
    assert OpenVLLM(args={name: only}).args == {name: only}
    wrong = {int: 2, bool: not only, str: "ray"}[type(only)]
    with pytest.raises(HarnessError, match=rf"engine\.args\.{name}={wrong} does not go with reading or changing activ"):
        OpenVLLM(args={name: wrong})


def test_the_other_model_runner_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNNER, "1")
    with pytest.raises(HarnessError, match=f"{RUNNER}=1 does not go with reading or changing activations; unset it"):
        OpenVLLM().load(Model(source="some-name"))


def test_a_job_is_opened_where_its_experiment_asks_for_activations() -> None:
    words = ["engine=vllm", "tracker=none", "limit=2"]
    asks = load_job(["experiment=internalConsistency", *words])
    assert type(asks.engine) is OpenVLLM
    assert asks.config["engine"]["_target_"].endswith("VLLM")
    assert "OpenVLLM" not in str(asks.config), "the run is named after what was written"
    assert type(load_job(["experiment=pTrue", *words]).engine) is VLLM
    engine, why = Auto().choose({"read", "choose"}, None)
    assert (engine, why) == (Transformers(), "transformers, as vLLM reads and changes the residual stream alone")


class Watching(Experiment):
    """Reads what goes on in its judge."""

    parts: ClassVar = {"judge": Part(capabilities=frozenset({"read"}), several=True)}

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Outcome:
        raise NotImplementedError


def test_only_the_engine_of_the_part_that_is_read_is_opened() -> None:
    alone = load_job(["engine=vllm", "tracker=none"], built={"experiment": Watching()})
    assert type(alone.engine) is OpenVLLM, "the subject plays the part"
    role = ["+model@roles.judge.model=hub", "roles.judge.model.source=org/judge"]
    shared = load_job(["engine=vllm", "tracker=none", *role], built={"experiment": Watching()})
    assert (type(shared.engine), shared.roles["judge"].engine) == (OpenVLLM, None)
    own = ["+engine@roles.judge.engine=vllm"]
    apart = load_job(["engine=vllm", "tracker=none", *role, *own], built={"experiment": Watching()})
    assert (type(apart.engine), type(apart.roles["judge"].engine)) == (VLLM, OpenVLLM)
    two = [word.replace("roles.judge", f"roles.judge.{name}") for name in ("a", "b") for word in role]
    both = load_job(
        ["engine=vllm", "tracker=none", *two, "+engine@roles.judge.a.engine=vllm"], built={"experiment": Watching()}
    )
    assert (type(both.engine), type(both.roles["judge.a"].engine)) == (OpenVLLM, OpenVLLM)
