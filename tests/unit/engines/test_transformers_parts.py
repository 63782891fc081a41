"""Parts of the transformers engine: random numbers, sampling, planning, loading, attention of grouped heads."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from harness.calls.calls import Choose, Generate, Sampling, Score, Text
from harness.engines.transformers.decoding import Detokenizer, Draft, next_tokens, uniform
from harness.engines.transformers.engine import Transformers, widen_head
from harness.engines.transformers.planning import BLOCK, Limits, Shape, Waiting, block_keys, plan
from harness.engines.worker import Job
from harness.errors import HarnessError
from harness.models.model import Model
from tests.support.tiny_models import save_tiny, toy_tokenizer

NO_ENDS = Detokenizer(toy_tokenizer(), frozenset())


def draft(sampling: Sampling, draw: int = 0, prompt: tuple[int, ...] = (5,)) -> Draft:
    return Draft(cast(Job, None), Generate(prompt, sampling, draw=draw), NO_ENDS)


def test_random_numbers_are_uniform_and_depend_on_seed_and_step_alone() -> None:
    numbers = np.array([uniform(seed, step) for seed in range(200) for step in range(50)])
    assert uniform(3, 4) == uniform(3, 4)
    assert len(set(numbers)) == 10_000
    assert 0 <= numbers.min() < 0.001
    assert 0.999 < numbers.max() < 1
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert ((counts - 500) ** 2 / 500).sum() < 43.8  # chi-square with 19 degrees of freedom, p = 0.001


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(1, temperature=1.0), (0.5, 0.25, 0.15, 0.1)),
        (Sampling(1, temperature=0.5), tuple(np.square((0.5, 0.25, 0.15, 0.1)) / 0.345)),
        (Sampling(1, temperature=1.0, top_k=2), (2 / 3, 1 / 3, 0, 0)),
        (Sampling(1, temperature=1.0, top_p=0.75), (2 / 3, 1 / 3, 0, 0)),
        (Sampling(1, temperature=1.0, top_p=0.76), (0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0)),
        (Sampling(1, temperature=1.0, top_p=0.6, top_k=3), (2 / 3, 1 / 3, 0, 0)),
        (Sampling(1, temperature=1.0, top_p=1e-9), (1, 0, 0, 0)),
    ],
)
def test_draws_follow_the_distribution_that_their_parameters_name(
    sampling: Sampling, expected: tuple[float, ...]
) -> None:
    import torch

    order = [2, 0, 3, 1]  # token ids by probability
    logits = torch.full((1, 6), -math.inf)
    logits[0, order] = torch.tensor([0.5, 0.25, 0.15, 0.1]).log() + 3
    n = 4000
    drafts = [draft(sampling, d) for d in range(n)]
    picked = next_tokens(logits, drafts, [0] * n)
    counts = np.bincount([token for token, _ in picked], minlength=6) / n
    for token, p in zip(order, expected, strict=True):
        assert counts[token] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n) + 1e-12)
    raw = dict(zip(order, np.log((0.5, 0.25, 0.15, 0.1)), strict=True))
    assert all(logprob == pytest.approx(raw[token], abs=1e-6) for token, logprob in picked)


def test_greedy_and_sampled_rows_of_one_batch_do_not_mix() -> None:
    import torch

    logits = torch.randn((5, 98), generator=torch.Generator().manual_seed(1))
    drafts = [draft(Sampling(1, temperature=t), 0) for t in (0.0, 1.0, 0.0, 0.7, 0.0)]
    together = next_tokens(logits, drafts, range(5))
    for i, one in enumerate(drafts):
        assert next_tokens(logits, [one], [i])[0] == pytest.approx(together[i], abs=1e-6)
        if one.call.sampling.temperature == 0:
            assert together[i][0] == int(logits[i].argmax())


def test_a_stop_string_may_begin_in_one_token_and_end_in_another() -> None:
    one = draft(Sampling(9, stop=("##", "c\nd")))
    ids = toy_tokenizer().encode("ab#c#", add_special_tokens=False)
    assert [one.add(token, -1.0) for token in ids] == [None] * 5
    reply = one.add(ids[2], -2.0)
    assert reply is not None
    assert (reply.text, reply.finish, len(reply.tokens), reply.logprobs[-1]) == ("ab#c", "stop", 6, -2.0)


def test_a_text_ends_at_a_token_that_the_call_names_and_that_is_not_shown() -> None:
    tokenizer = toy_tokenizer()
    a, b = tokenizer.encode("ab", add_special_tokens=False)
    one = Draft(cast(Job, None), Generate((5,), Sampling(9), until=(b,)), Detokenizer(tokenizer, frozenset({1})))
    assert one.add(a, -1.0) is None
    reply = one.add(b, -2.0)
    assert reply == Text("a", (a, b), (-1.0, -2.0), "stop")


def test_a_text_ends_at_its_length_or_at_an_end_token_that_is_not_shown() -> None:
    full = draft(Sampling(2))
    assert full.add(10, 0.0) is None
    reply = full.add(11, 0.0)
    assert reply is not None
    assert (reply.text, reply.finish) == (chr(39) + chr(40), "length")
    ended = Draft(cast(Job, None), Generate((5,), Sampling(2)), Detokenizer(toy_tokenizer(), frozenset({1})))
    reply = ended.add(1, 0.0)
    assert reply is not None
    assert (reply.text, reply.finish, reply.tokens) == ("", "stop", (1,))


def limits(**changed: int) -> Limits:
    sizes = {"batch_tokens": 1000, "rows": 8, "pass_columns": 10_000, "running_columns": 10_000, "scored": 100}
    return Limits(**({"context": 500, "prefix_bytes": 0} | sizes | changed))


def waiting(*lengths: int, texts: int = 0) -> list[Waiting]:
    made = []
    for i, n in enumerate(lengths):
        ids = tuple([i + 5] * n)
        w = Waiting.of(Generate(ids, Sampling(10)) if texts else Choose(ids, (1,)), ids)
        w.drafts = [draft(Sampling(10), prompt=ids) for _ in range(texts)]
        made.append(w)
    return made


def nothing_held(_: Sequence[bytes]) -> int:
    return 0


def test_the_longest_waiting_is_read_with_those_of_about_its_length() -> None:
    some = waiting(100, 10, 110, 95, 400, 120)
    group = plan(some, nothing_held, limits(), [])
    assert group is not None
    assert {len(w.ids) for w, _ in group.rows} == {100, 110, 95, 120}
    assert group.new == group.columns == 120
    assert group.rows[0][0] is some[0]


@pytest.mark.parametrize(
    ("changed", "rows"), [({"batch_tokens": 350}, 3), ({"rows": 2}, 2), ({"pass_columns": 400}, 4), ({}, 6)]
)
def test_no_pass_is_larger_than_what_fits(changed: dict[str, int], rows: int) -> None:
    group = plan(waiting(*[100] * 6), nothing_held, limits(**changed), [])
    assert group is not None
    assert len(group.rows) == rows


def test_a_prompt_longer_than_a_pass_may_be_is_read_alone() -> None:
    group = plan(waiting(300, 300), nothing_held, limits(batch_tokens=200), [])
    assert group is not None
    assert [len(w.ids) for w, _ in group.rows] == [300]


def test_scored_positions_are_bounded_and_scores_are_read_apart() -> None:
    calls = [Score((i, 5, 6), (7,) * 30) for i in range(6)]
    some = [Waiting.of(call, call.prompt + call.continuation) for call in calls] + waiting(33)
    group = plan(some, nothing_held, limits(scored=100), [])
    assert group is not None
    assert [w.call for w, _ in group.rows] == calls[:3]


def test_no_text_overtakes_one_that_waits_for_room_but_choices_do() -> None:
    some = [*waiting(90, texts=2), *waiting(20, texts=1), *waiting(50)]
    assert plan(some[:2], nothing_held, limits(), [Shape(8, 100)]) is None
    group = plan(some, nothing_held, limits(), [Shape(8, 100)])
    assert group is not None
    assert group.rows == [(some[2], 0)]
    full = plan(some, nothing_held, limits(running_columns=250), [Shape(1, 100)])
    assert full is not None
    assert full.rows[0] == (some[0], 1)
    alone = plan(some, nothing_held, limits(running_columns=10), [])
    assert alone is not None
    assert alone.rows[0] == (some[0], 1)


def test_a_wide_text_has_room_only_where_the_rows_that_it_widens_have_it() -> None:
    wide = waiting(90, texts=9)  # a hundred columns each
    narrow = [Shape(10, 40)]
    group = plan(wide, nothing_held, limits(rows=99, running_columns=1200), narrow)
    assert group is not None
    assert group.rows == [(wide[0], 2)], "twelve rows of a hundred columns"
    assert plan(wide, nothing_held, limits(rows=99, running_columns=1000), narrow) is None
    apart = plan(wide, nothing_held, limits(rows=99, running_columns=1200), [Shape(10, 20)])
    assert apart is not None
    assert apart.rows == [(wide[0], 9)], "a cohort of their own"


def test_a_shared_beginning_is_left_to_the_first_and_found_by_the_rest() -> None:
    shared = tuple(range(5, 5 + 4 * BLOCK))
    some = [Waiting.of(Choose(ids, (1,)), ids) for ids in (shared + tuple([i + 80] * 20) for i in range(4))]
    group = plan(some, nothing_held, limits(), [])
    assert group is not None
    assert [w for w, _ in group.rows] == some[:1]
    held = set(some[0].keys)
    group = plan(some[1:], lambda keys: sum(key in held for key in keys), limits(), [])
    assert group is not None
    assert [w for w, _ in group.rows] == some[1:]
    assert (group.new, group.columns) == (20, 4 * BLOCK + 20)


def test_blocks_are_named_by_everything_before_them_and_stop_before_logits_that_are_needed() -> None:
    ids = tuple(range(40))
    assert len(block_keys(ids)) == 2
    assert block_keys(ids)[1] != block_keys((9, *ids[1:]))[1]
    assert block_keys(ids)[:1] == block_keys(ids[:20])
    assert len(Waiting.of(Choose(ids[:32], (1,)), ids[:32]).keys) == 1
    assert len(Waiting.of(Score(ids[:30], ids[30:]), ids).keys) == 1


def test_an_unknown_argument_is_refused_by_name(tmp_path: Path) -> None:
    model = Model(source=str(save_tiny(tmp_path, "llama")))
    with pytest.raises(HarnessError, match=r"engine\.args\.max_memry: .*did you mean 'max_memory'"):
        Transformers(args={"max_memry": 1}).load(model)
    with pytest.raises(HarnessError, match=r"engine\.args\.quantization_config"):
        Transformers(args={"quantization_config": {"quant_method": "none such"}}).load(model)
    with pytest.raises(HarnessError, match=r"engine\.dtype=float8: it is one of auto"):
        Transformers(dtype="float8")
    with pytest.raises(HarnessError, match=r"engine\.max_rows=0"):
        Transformers(max_rows=0)


def test_an_attribute_of_the_models_config_can_be_set_and_is_part_of_the_identity(tmp_path: Path) -> None:
    model = Model(source=str(save_tiny(tmp_path, "llama")))
    plain, changed = Transformers().load(model), Transformers(args={"rms_norm_eps": 0.5}).load(model)
    plain.close()
    changed.close()
    assert plain.identity["args"] == "{}"
    assert changed.identity == plain.identity | {"args": '{"rms_norm_eps": 0.5}'}
    assert plain.identity["dtype"] == "float32"
    assert plain.identity["model"] == model.resolve().fingerprint


def test_scores_that_the_model_caps_need_eager_attention(tmp_path: Path) -> None:
    engine = Transformers().load(Model(source=str(save_tiny(tmp_path, "gemma2"))))
    engine.close()
    assert engine.identity["attention"] == "eager"


def test_a_model_with_a_recurrent_state_is_refused(tmp_path: Path) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(vocab_size=98, hidden_size=16, state_size=4, num_hidden_layers=2)
    MambaForCausalLM(config).save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(HarnessError, match="use engine=vllm"):
        Transformers().load(Model(source=str(tmp_path)))


def test_a_float32_head_leaves_the_embeddings_that_share_its_weights_alone() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=98, tie_word_embeddings=True, **sizes)).to(torch.bfloat16).eval()
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        hidden = model.model(ids).last_hidden_state
        assert widen_head(model)
        logits = model(ids).logits
    assert logits.dtype == torch.float32
    assert model.get_input_embeddings().weight.dtype == torch.bfloat16
    expected = hidden.float() @ model.get_input_embeddings().weight.float().T
    np.testing.assert_allclose(logits.numpy(), expected.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize(("dtype", "head"), [("bfloat16", "float32"), ("float16", "float32"), ("float32", None)])
def test_half_precision_has_a_float32_head_whoever_chose_it(tmp_path: Path, dtype: str, head: str | None) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(vocab_size=98, **sizes)).save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    engine = Transformers(dtype=dtype).load(Model(source=str(tmp_path)))
    engine.close()
    assert (engine.identity["dtype"], engine.identity.get("head")) == (dtype, head)


@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("masks", [1, 6])
@pytest.mark.parametrize("additive", [False, True])
def test_attention_of_grouped_heads_equals_that_of_repeated_keys(queries: int, masks: int, additive: bool) -> None:
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    from harness.engines.transformers.attention import grouped_sdpa

    class Attention:
        num_key_value_groups = 3
        is_causal = True

    random = torch.Generator().manual_seed(2)
    query = torch.randn((4, 6, queries, 8), generator=random)
    key, value = (torch.randn((4, 2, 11, 8), generator=random) for _ in range(2))
    mask: Any = torch.rand((4, masks, queries, 11), generator=random) < 0.6
    mask[..., 0] = True
    if additive:
        mask = torch.where(mask, 0.0, torch.finfo(torch.float32).min)
    ours = grouped_sdpa(Attention(), query, key, value, mask, scaling=0.3)[0]
    theirs = sdpa_attention_forward(Attention(), query, key, value, mask, scaling=0.3)[0]
    assert ours.shape == theirs.shape == (4, queries, 6, 8)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-6)
