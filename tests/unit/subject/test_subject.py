"""The subject: exact option probabilities, addressable draws, answers from the store."""

import asyncio
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.subject.choices import Choice
from harness.testing import fake_subject

ASK = Prompt.user("q", "Answer:")


def choose(replies: Mapping[str, Mapping[str, float]], options: dict[str, list[str]]) -> Choice:
    """Probabilities when what follows the prompt's end has the given distributions."""

    def distribution(text: str) -> Mapping[str, float]:
        return next(odds for end, odds in replies.items() if text.endswith(end))

    return asyncio.run(fake_subject(distribution).choose(ASK, options))


def test_surface_forms_add_up_and_the_mass_is_what_they_hold() -> None:
    odds = {" A": 0.3, "A": 0.1, " B": 0.2, "!": 0.4}
    choice = choose({"Answer:": odds}, {"a": [" A", "A"], "b": [" B", "B"]})
    assert choice.p == pytest.approx({"a": 0.4 / 0.6, "b": 0.2 / 0.6}, abs=1e-12)
    assert choice.mass == pytest.approx(0.6, abs=1e-12)
    assert choice.logp == pytest.approx({"a": math.log(0.4), "b": math.log(0.2)}, abs=1e-12)
    assert choice.best == "a"


def test_options_of_several_tokens_are_walked_exactly() -> None:
    # p(" red box") = 0.5 * 0.25, p(" red bag") = 0.5 * 0.75, p(" blue") = 0.2
    replies = {"Answer:": {" red": 0.5, " blue": 0.2, " x": 0.3}, "Answer: red": {" box": 0.25, " bag": 0.75}}
    choice = choose(replies, {"box": [" red box"], "bag": [" red bag"], "blue": [" blue"]})
    assert choice.mass == pytest.approx(0.7, abs=1e-12)
    assert choice.p == pytest.approx({"box": 0.125 / 0.7, "bag": 0.375 / 0.7, "blue": 0.2 / 0.7}, abs=1e-12)


def test_an_impossible_option_has_probability_zero_and_no_options_at_all_are_uniform() -> None:
    choice = choose({"Answer:": {" A": 1.0}}, {"a": [" A"], "b": [" B"]})
    assert choice.p == {"a": 1.0, "b": 0.0}
    nothing = choose({"Answer:": {"!": 1.0}}, {"a": [" A"], "b": [" B"]})
    assert (nothing.p, nothing.mass) == ({"a": 0.5, "b": 0.5}, 0.0)


def test_an_option_that_begins_another_is_refused() -> None:
    with pytest.raises(ItemError, match="beginning of option"):
        choose({"Answer:": {" A": 1.0}}, {"a": [" red"], "b": [" red box"]})


def test_an_option_that_merges_with_the_prompt_is_refused() -> None:
    with pytest.raises(ItemError, match=r"option 'er' merges with the end of the prompt .*Answ"):
        asyncio.run(fake_subject(lambda _: {"er": 1.0}).choose(Prompt.user("q", "Answ"), {"a": ["er"], "b": ["B"]}))


def test_draws_follow_the_distribution_and_are_addressable(tmp_path: Path) -> None:
    odds = {" yes": 0.7, " no": 0.3}

    async def run() -> tuple[list[str], list[str], list[str], int]:
        subject = fake_subject(lambda _: odds, folder=tmp_path)
        ten = [t.text for t in await subject.draws(ASK, 10, max_tokens=4, temperature=1.0)]
        asked = subject.store.misses
        many = [t.text for t in await subject.draws(ASK, 4000, max_tokens=4, temperature=1.0)]
        assert subject.store.misses - asked == 3990  # the first ten cost nothing again
        other = fake_subject(lambda _: odds, seed=1, folder=tmp_path)
        return (
            ten,
            many,
            [t.text for t in await other.draws(ASK, 10, max_tokens=4, temperature=1.0)],
            other.store.misses,
        )

    ten, many, other_seed, asked_by_other = asyncio.run(run())
    assert many[:10] == ten
    # Standard error 0.0072; the seed is fixed, so this cannot flake.
    assert many.count(" yes") / 4000 == pytest.approx(0.7, abs=0.02)
    assert asked_by_other == 10
    assert other_seed != ten


def test_greedy_calls_and_probabilities_are_shared_between_seeds(tmp_path: Path) -> None:
    async def run(seed: int) -> int:
        subject = fake_subject(lambda _: {" A": 0.6, " B": 0.4}, seed=seed, folder=tmp_path)
        text = await subject.generate(ASK, max_tokens=4)
        assert text.text == " A"
        assert text.logprobs == pytest.approx([math.log(0.6)])
        await subject.choose(ASK, {"a": [" A"], "b": [" B"]})
        subject.store.close()
        return subject.store.misses

    assert asyncio.run(run(0)) == 2
    assert asyncio.run(run(1)) == 0


def test_the_transcript_is_in_the_order_of_asking_with_exact_prompts() -> None:
    async def run() -> None:
        view = fake_subject(lambda _: {" A": 1.0}).for_item("item")
        await asyncio.gather(view.generate(ASK, max_tokens=4), view.choose(ASK, {"a": [" A"], "b": [" B"]}))
        first, second = view.transcript
        assert first.prompt == second.prompt == "<user> q\n<assistant> Answer:"
        assert (first.reply, first.new_tokens, first.cached) == (" A", 1, False)
        assert second.reply == "p(a) = 1.0000  p(b) = 0.0000  mass 1.0000"
        assert len(second.keys) == 1

    asyncio.run(run())


def test_a_stream_of_random_numbers_belongs_to_seed_item_and_name() -> None:
    def numbers(seed: int, item: str, name: str) -> list[float]:
        stream = fake_subject(lambda _: {"x": 1.0}, seed=seed).for_item(item).random(name)
        return [stream.random() for _ in range(3)]

    first = numbers(0, "a", "opponent")
    assert numbers(0, "a", "opponent") == first
    others = [numbers(*of) for of in [(1, "a", "opponent"), (0, "b", "opponent"), (0, "a", "dealer"), (0, "", "a")]]
    assert len({*map(tuple, others), tuple(first)}) == 5
    # No two pairs of item and name are one, wherever the item's id ends.
    assert numbers(0, "a", "b/c") != numbers(0, "a/b", "c")


def test_a_name_asked_for_again_begins_its_stream_again_and_no_other() -> None:
    view = fake_subject(lambda _: {"x": 1.0}).for_item("a")
    stream = view.random("opponent")
    begun = [stream.random(), stream.random()]
    view.random("dealer").random()
    again = view.random("opponent")
    assert [again.random(), again.random()] == begun
    assert stream.random() == again.random()


def test_streams_of_different_names_are_uncorrelated() -> None:
    view = fake_subject(lambda _: {"x": 1.0}).for_item("a")
    table = np.array([[r.random() for _ in range(2000)] for r in (view.random(f"name {i}") for i in range(8))])
    off = np.corrcoef(table)[~np.eye(8, dtype=bool)]
    assert np.abs(off).max() < 0.08  # 3.6 standard errors of 0.0224; the seed is fixed


def test_top_k_reaches_the_engine() -> None:
    subject = fake_subject(lambda _: {"a": 0.4, "b": 0.35, "c": 0.25})

    async def texts(top_k: int) -> set[str]:
        draws = await subject.draws(Prompt.user("q"), 200, max_tokens=2, temperature=1.0, top_k=top_k)
        return {text.text for text in draws}

    assert asyncio.run(texts(2)) == {"a", "b"}
    assert asyncio.run(texts(0)) == {"a", "b", "c"}


def test_a_prompt_that_does_not_fit_is_an_item_error_and_nothing_is_asked() -> None:
    subject = fake_subject(lambda _: {"x": 1.0})
    subject.renderer.context = 10
    with pytest.raises(ItemError, match="a prompt of 9 tokens plus 3 new ones does not fit the context of 10"):
        asyncio.run(subject.generate(Prompt.user("q"), max_tokens=3))
    assert subject.engine.usage.calls == 0


def test_other_roles_answer_from_their_own_engine_and_enter_the_same_transcript() -> None:
    subject = fake_subject(lambda _: {"mine": 1.0})
    judge = dataclasses.replace(fake_subject(lambda _: {"theirs": 1.0}), name="judge")
    view = dataclasses.replace(subject, players={"judge": (judge,), "critic": (subject,)}).for_item("item")

    async def ask() -> list[str]:
        prompt = Prompt.user("Q")
        texts = [await who.generate(prompt, max_tokens=4) for who in (view, view.role("judge"), view.role("critic"))]
        return [text.text for text in texts]

    assert asyncio.run(ask()) == ["mine", "theirs", "mine"]
    assert [(e.role, e.reply) for e in view.transcript] == [("", "mine"), ("", "mine"), ("judge", "theirs")]
    assert view.role("judge").item == "item"
    assert not subject.transcript


def test_several_models_may_play_one_part() -> None:
    golds = tuple(dataclasses.replace(fake_subject(lambda _: {"x": 1.0}), name="gold", model=m) for m in ("a", "b"))
    view = dataclasses.replace(fake_subject(lambda _: {"x": 1.0}), players={"gold": golds, "judge": golds[:1]})
    assert [player.model for player in view.for_item("i").cast("gold")] == ["a", "b"]
    assert view.role("judge").model == "a"
    with pytest.raises(HarnessError, match="2 models play the part 'gold'; the protocol asks for one"):
        view.role("gold")
    with pytest.raises(HarnessError, match="nobody plays the part 'critic' in this run; its parts: 'gold', 'judge'"):
        view.role("critic")
    with pytest.raises(HarnessError, match="its parts: none but the subject's"):
        fake_subject(lambda _: {"x": 1.0}).cast("judge")[0].cast("judge")


WALK = {"Score:": {" yes": 0.2, " no": 0.3, "!": 0.5}, "yes Score:": {" yes": 0.6, " no": 0.1, "!": 0.3}}
"""What follows the text's end; the longer end first."""


def walking(text: str) -> Mapping[str, float]:
    return next((WALK[end] for end in sorted(WALK, key=len, reverse=True) if text.endswith(end)), {"!": 1.0})


def test_choices_at_many_positions_are_those_of_the_prompts_that_end_there() -> None:
    subject = fake_subject(walking)
    prompt = Prompt.user("q", "Score: no and yes Score: yes or Score:")
    options = {"yes": [" yes"], "no": [" no"]}
    places = [subject.positions(prompt, "Score:", nth)[-1] for nth in range(3)]
    choices = asyncio.run(subject.choose_at(prompt, options, [places[0], places[1], -1]))
    (exchange,) = subject.transcript
    assert [choice.p["yes"] for choice in choices] == pytest.approx([0.2 / 0.5, 0.6 / 0.7, 0.2 / 0.5], abs=1e-12)
    assert [choice.mass for choice in choices] == pytest.approx([0.5, 0.7, 0.5], abs=1e-12)
    ends = ("Score:", "Score: no and yes Score:", prompt.prefill)
    alone = [asyncio.run(subject.choose(Prompt.user("q", end), options)) for end in ends]
    assert choices == alone
    assert len(exchange.keys) == 1
    assert exchange.reply.splitlines()[1].startswith(f"after token {places[1]}: p(yes) = 0.8571")
    asked, keys = subject.store.misses, {e.keys for e in subject.transcript}
    (last,) = asyncio.run(subject.choose_at(prompt, options, [-1]))
    assert subject.store.misses == asked, "the last position alone is the call that `choose` makes"
    assert {e.keys for e in subject.transcript} == keys
    assert last == alone[2]


def test_choices_at_many_positions_name_what_cannot_be() -> None:
    subject = fake_subject(walking)
    prompt = Prompt.user("q", "Score: no and yes Score:")
    with pytest.raises(ItemError, match="option 'maybe' is more than one token after position"):
        asyncio.run(subject.choose_at(prompt, {"maybe": [" may be"], "no": [" no"]}, [-1]))
    with pytest.raises(ItemError, match="position 99 is beyond a prompt of"):
        asyncio.run(subject.choose_at(prompt, {"no": [" no"]}, [99]))
    with pytest.raises(ItemError, match="ascending"):
        asyncio.run(subject.choose_at(prompt, {"no": [" no"]}, [-1, -2]))
    with pytest.raises(ItemError, match=r"option 'w' merges with the end of the prompt"):
        asyncio.run(subject.choose_at(prompt, {"w": ["w"]}, [-3]))


def test_an_engine_that_cannot_answer_at_positions_is_refused_before_it_is_asked() -> None:
    subject = fake_subject(walking)
    subject.engine.can = frozenset({"generate", "choose", "score"})
    prompt = Prompt.user("q", "Score: no and yes Score:")
    with pytest.raises(HarnessError, match=r"can 'choose_at', which fake cannot do exactly; use engine=transformers"):
        asyncio.run(subject.choose_at(prompt, {"yes": [" yes"]}, [-4, -1]))
    assert subject.engine.usage.calls == 0


def test_a_pooled_read_is_the_mean_of_what_each_position_gives() -> None:
    subject = fake_subject(walking)
    each, mean = (
        asyncio.run(subject.read(ASK, layers=[0, 2], positions=[0, -2, -1], pool=pool)).numpy()
        for pool in ("none", "mean")
    )
    assert mean.shape == (2, 1, each.shape[2])
    np.testing.assert_allclose(mean[:, 0], each.mean(1), rtol=1e-6, atol=1e-7)
