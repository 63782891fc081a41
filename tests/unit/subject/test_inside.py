"""The inside of a model as a protocol sees it: the logit lens, and texts of a model's own that are read back."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Pool, Text
from harness.calls.interventions import Ablate, Add, Cut, Intervention
from harness.calls.thoughts import Thought
from harness.engines.fake.engine import FakeEngine
from harness.engines.transformers.batching import TransformersEngine
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.subject.choices import Choice
from harness.subject.subject import Subject
from harness.testing import fake_subject
from tests.support import tiny_tokenizers as tiny
from tests.support.tiny_engines import load, plain
from tests.support.tiny_models import save_tiny

KINDS = ("llama", "gpt2", "gemma2")
ASK = Prompt.exact("What is 2 + 3? Answer: ")
DIGITS = {digit: (digit,) for digit in "0123456789"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save_tiny(tmp_path_factory.mktemp(kind), kind, scale=2.0) for kind in KINDS}


@pytest.fixture(scope="module")
def engines(folders: dict[str, Path]) -> Iterator[dict[str, TransformersEngine]]:
    loaded = {kind: load(folder) for kind, folder in folders.items()}
    yield loaded
    for engine in loaded.values():
        engine.close()


def subject_on(engine: TransformersEngine, folder: Path) -> Subject:
    return Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(folder), 0)


def through_the_head(model: Any, stream: Any) -> Any:
    """Log-probabilities [vocabulary] of a stream [width] by the model's own last norm and output matrix."""
    import torch

    decoder = model.get_decoder()
    norm = decoder.ln_f if hasattr(decoder, "ln_f") else decoder.norm
    with torch.inference_mode():
        logits = model.get_output_embeddings()(norm(torch.tensor(stream)))
        cap = getattr(model.config, "final_logit_softcapping", None)
        logits = cap * torch.tanh(logits / cap) if cap else logits
    return logits.log_softmax(-1).numpy()


def logps(choices: Sequence[Choice]) -> list[list[float]]:
    return [list(choice.logp.values()) for choice in choices]


@pytest.mark.parametrize("kind", KINDS)
def test_the_lens_is_the_stream_through_the_models_own_norm_and_head(
    kind: str, folders: dict[str, Path], engines: dict[str, TransformersEngine], tmp_path: Path
) -> None:
    subject, model = subject_on(engines[kind], tmp_path), plain(folders[kind])
    choices = asyncio.run(subject.lens(ASK, DIGITS, [2, 0, 1]))
    streams = asyncio.run(subject.read(ASK, layers=[0, 1, 2], positions=[-1])).numpy()[:, 0]
    named = [ids[0] for some in subject.renderer.options(subject.renderer.render(ASK), DIGITS).values() for ids in some]
    direct = [through_the_head(model, streams[layer])[named] for layer in (2, 0, 1)]
    np.testing.assert_allclose(logps(choices), direct, atol=1e-4)
    assert np.ptp(logps(choices), axis=0).max() > 0.1, "the layers differ"
    assert choices[0] == asyncio.run(subject.choose(ASK, DIGITS)), "the last layer is the model itself"
    lens, chosen = (next(e for e in subject.transcript if e.reply.startswith(begin)) for begin in ("behind", "p(0)"))
    assert [line[:15] for line in lens.reply.splitlines()] == [f"behind layer {i}:" for i in (2, 0, 1)]
    assert lens.keys[0] == chosen.keys[0]


def test_the_layers_of_a_lens_share_the_reading_of_the_prompt(folders: dict[str, Path], tmp_path: Path) -> None:
    engine = load(folders["llama"])
    try:
        subject, ask = subject_on(engine, tmp_path), Prompt.exact("x" * 120 + " Answer: ")
        asyncio.run(subject.lens(ask, DIGITS, [0, 1, 2]))
        assert subject.prompt_tokens(ask) == 129
        assert (engine.usage.prompt_tokens, engine.usage.cached_tokens) == (3 * 129, 2 * 128)
    finally:
        engine.close()


def inside(width: int = 32) -> dict[int, list[Intervention]]:
    """Interventions that hold behind each layer, and those of later layers that do not."""
    push = Array.of(np.random.default_rng(0).normal(size=width) * 5)
    return {
        0: [Add(0, "resid_post", push, 1.0, (22,))],
        1: [Add(1, "resid_pre", push, 1.0, (22,)), Cut(1, (22,), (3, 4))],
        2: [Add(2, "resid_post", push, 1.0, (22,)), Add(2, "attn_out", push, 1.0, (22,))],
    }


def test_interventions_hold_up_to_the_layer_and_those_behind_it_have_no_part(
    folders: dict[str, Path], engines: dict[str, TransformersEngine], tmp_path: Path
) -> None:
    subject, model = subject_on(engines["llama"], tmp_path), plain(folders["llama"])
    steered = [one for some in inside().values() for one in some]
    assert subject.prompt_tokens(ASK) == 23
    choices = asyncio.run(subject.lens(ASK, DIGITS, [0, 1, 2], interventions=steered))
    streams = asyncio.run(subject.read(ASK, layers=[0, 1, 2], positions=[-1], interventions=steered)).numpy()[:, 0]
    named = [ids[0] for some in subject.renderer.options(subject.renderer.render(ASK), DIGITS).values() for ids in some]
    np.testing.assert_allclose(logps(choices), [through_the_head(model, s)[named] for s in streams], atol=1e-4)
    assert choices[2] == asyncio.run(subject.choose(ASK, DIGITS, interventions=steered))


def test_a_fake_engine_sees_which_layer_is_the_last(tmp_path: Path) -> None:
    def intervened(call: Any, odds: Any) -> dict[str, float]:
        last = min(one.layer for one in call.interventions) - 1
        assert all(isinstance(one, Ablate) and one.positions == (len(call.prompt) - 1,) for one in call.interventions)
        return {" yes": last / 10, " no": 1 - last / 10}

    subject = fake_subject(lambda _: {" yes": 0.9, " no": 0.1})
    assert isinstance(subject.engine, FakeEngine)
    subject.engine.intervened = intervened
    subject.engine.can |= {"intervene"}
    options = {"yes": [" yes"], "no": [" no"]}
    choices = asyncio.run(subject.lens(Prompt.user("q", "Answer:"), options, [1, 2, 3]))
    assert [choice.p["yes"] for choice in choices] == pytest.approx([0.1, 0.2, 0.9], abs=1e-12)


def test_the_lens_names_what_cannot_be() -> None:
    subject = fake_subject(lambda _: {" yes": 0.9, " no": 0.1})
    ask, options = Prompt.user("q", "Answer:"), {"yes": [" yes"], "no": [" no"]}
    with pytest.raises(ItemError, match="layer 4: the model has layers 0 to 3"):
        asyncio.run(subject.lens(ask, options, [0, 4]))
    with pytest.raises(ItemError, match="layer -1: the model has layers 0 to 3"):
        asyncio.run(subject.lens(ask, options, [-1]))
    with pytest.raises(ItemError, match="option 'maybe' is more than one token; the lens reads one"):
        asyncio.run(subject.lens(ask, {"maybe": [" may be"], "no": [" no"]}, [0]))
    with pytest.raises(HarnessError, match="can 'intervene', which fake cannot do exactly; use engine=transformers"):
        asyncio.run(subject.lens(ask, options, [0]))
    subject.engine.layers = None
    with pytest.raises(HarnessError, match="fake cannot intervene; use engine=transformers"):
        asyncio.run(subject.lens(ask, options, [0]))
    assert subject.engine.usage.calls == 0


FAMILIES = [tiny.chatml, tiny.qwen3, tiny.r1, tiny.llama3, tiny.gemma, tiny.mistral, lambda: tiny.base(bos=True)]
MARBLE = Prompt.user("Where is the marble?", "Answer:")


def rendering(make: Callable[[], HFTokenizer]) -> Subject:
    subject = fake_subject({})
    return replace(subject, renderer=Renderer(make(), "auto", 4096))


def text(ids: Sequence[int], said: str, finish: Literal["stop", "length"] = "stop") -> Text:
    return Text(said, tuple(ids), (0.0,) * len(ids), finish)


@pytest.mark.parametrize("make", FAMILIES)
def test_a_reply_is_read_back_as_its_own_tokens_without_the_end_of_its_turn(make: Callable[[], HFTokenizer]) -> None:
    subject = rendering(make)
    r, words = subject.renderer, subject.renderer.tokenizer
    anchor = len(words.encode("a\n"))
    ids = [token for piece in ("the a", "nswer", " is Pa", "ris") for token in words.encode("a\n" + piece)[anchor:]]
    (end,) = words.encode(sorted(words.specials)[0])[-1:]
    asked = r.render(MARBLE)
    for reply in (text(ids, "the answer is Paris", "length"), text([*ids, end], "the answer is Paris")):
        whole = subject.after(MARBLE, reply)
        assert r.render(whole).ids == asked.ids + tuple(ids)
        assert r.render(whole).ids != r.encode(r.render(whole).text).ids, "its text has other tokens"
        assert subject.reply_positions(whole) == range(len(asked.ids), len(asked.ids) + len(ids))
    further = subject.after(MARBLE, text(ids, "the answer is Paris")).after(text(ids[:1], "the"), " and")
    assert subject.reply_positions(further) == range(len(asked.ids) + len(ids), len(asked.ids) + len(ids) + 1)


def test_a_thought_stands_before_the_reply_that_followed_it() -> None:
    subject = rendering(tiny.qwen3)
    words = subject.renderer.tokenizer
    ids = words.encode("box")
    thought = Thought("the fox", tuple(words.encode("the fox")), ended="forced")
    ask = Prompt.user("Where is the marble?")
    whole = subject.after(ask, replace(text(ids, "box"), thought=thought))
    assert subject.renderer.render(whole).ids == subject.renderer.render(ask.thinking(thought)).ids + tuple(ids)
    assert subject.reply_positions(whole)[-1] == len(subject.renderer.render(whole).ids) - 1


def test_what_is_read_of_a_reply_is_what_went_on_while_it_was_written(
    engines: dict[str, TransformersEngine], tmp_path: Path
) -> None:
    """The read of a steered text under the same steering equals that of the same ids in one prompt."""
    subject = subject_on(engines["llama"], tmp_path)
    reply = asyncio.run(subject.generate(ASK, max_tokens=8, temperature=1.0))
    whole = subject.after(ASK, reply)
    where = subject.reply_positions(whole)
    assert [*subject.renderer.render(whole).ids[where.start :]] == [*subject.renderer.unended(reply.tokens)]
    each = asyncio.run(subject.read(whole, layers=[1], positions=where)).numpy()
    mean = asyncio.run(subject.read(whole, layers=[1], positions=where, pool="mean")).numpy()
    np.testing.assert_allclose(mean[0, 0], each[0].mean(0), atol=1e-6)


def test_a_reply_that_cannot_be_read_is_named() -> None:
    subject = rendering(tiny.chatml)
    words = subject.renderer.tokenizer
    (end,) = words.encode("<|im_end|>")
    for ids in ((), (end,)):
        with pytest.raises(ItemError, match=r"the reply is empty \(stop\)"):
            subject.after(MARBLE, text(ids, ""))
    with pytest.raises(ItemError, match="only a model's own replies can be continued"):
        subject.after(MARBLE, text(words.encode("the fox"), "Paris"))
    with pytest.raises(ItemError, match="special token"):
        subject.after(MARBLE, text([*words.encode("the"), end, *words.encode("fox")], "the"))
    with pytest.raises(ItemError, match="goes on from no reply"):
        subject.reply_positions(MARBLE)
    short = replace(subject, renderer=Renderer(tiny.chatml(), "auto", 60))
    with pytest.raises(ItemError, match="does not fit the context of 60"):
        short.after(MARBLE, text(words.encode("fox") * 50, "fox" * 50, "length"))


def test_a_read_onto_axes_gives_the_lengths_along_them(engines: dict[str, TransformersEngine], tmp_path: Path) -> None:
    subject = subject_on(engines["llama"], tmp_path)
    axes = np.random.default_rng(0).normal(size=(2, 3, 32)).astype(np.float32)
    settings: dict[str, Any] = {"layers": [0, 2], "positions": range(4, 20)}
    whole = asyncio.run(subject.read(ASK, **settings)).numpy()
    units = axes / np.linalg.norm(axes, axis=2, keepdims=True)
    pools: list[tuple[Pool, Any]] = [("none", whole), ("mean", whole.mean(1, keepdims=True))]
    for pool, rows in pools:
        found = asyncio.run(subject.read(ASK, **settings, pool=pool, onto=Array.of(axes))).numpy()
        assert found.shape == (2, rows.shape[1], 3)
        np.testing.assert_allclose(found, np.einsum("lpw,lkw->lpk", rows, units), atol=1e-4)
    pushed = Add(2, "resid_post", Array.of(axes[1, 0]), 3.0, tuple(range(4, 20)))
    before, after = (
        asyncio.run(subject.read(ASK, **settings, pool="mean", onto=Array.of(axes), interventions=some)).numpy()
        for some in ((), (pushed,))
    )
    assert after[1, 0, 0] - before[1, 0, 0] == pytest.approx(3 * np.linalg.norm(axes[1, 0]), rel=1e-4)
    assert any(e.reply.startswith("mean resid_post onto 3 axes of layers [0, 2]") for e in subject.transcript)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 3, 32), r"axes of shape \[1, 3, 32\]; 2 layers need \[2, axes, width\]"),
        ((3, 32), r"axes of shape \[3, 32\]; 2 layers need"),
        ((2, 0, 32), r"axes of shape \[2, 0, 32\]; 2 layers need"),
        ((2, 3, 31), "axes of 31 numbers, but resid_post is 32 wide"),
    ],
)
def test_axes_that_do_not_fit_are_named(
    shape: tuple[int, ...], told: str, engines: dict[str, TransformersEngine], tmp_path: Path
) -> None:
    subject = subject_on(engines["llama"], tmp_path)
    with pytest.raises(ItemError, match=told):
        asyncio.run(subject.read(ASK, layers=[0, 2], positions=[-1], onto=Array.of(np.ones(shape))))


def test_an_axis_without_a_direction_is_named_and_so_is_a_width_that_a_fake_engine_lacks() -> None:
    subject = fake_subject({})
    with pytest.raises(ItemError, match="an axis of length zero has no direction"):
        asyncio.run(subject.read(MARBLE, layers=[0], positions=[-1], onto=Array.of(np.zeros((1, 2, 16)))))
    with pytest.raises(ItemError, match="axes of 17 numbers, but resid_post is 16 wide"):
        asyncio.run(subject.read(MARBLE, layers=[0], positions=[-1], onto=Array.of(np.ones((1, 2, 17)))))


def test_two_thousand_sentences_take_little_room_in_the_store(tmp_path: Path) -> None:
    """Of 8 axes at 4 layers of a model of 4,096 numbers: a twentieth of these sentences takes a twentieth of 5 MB."""
    subject = fake_subject({}, folder=tmp_path, activations=lambda call, text, layer: range(4096))
    axes = Array.of(np.random.default_rng(0).normal(size=(4, 8, 4096)))
    for i in range(100):
        said = Prompt.user(f"sentence {i}")
        asyncio.run(subject.read(said, layers=range(4), positions=[0, 1, -1], pool="mean", onto=axes))
    subject.store.close()
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 5e6 / 20
