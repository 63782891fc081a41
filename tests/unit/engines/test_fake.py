"""The fake engine: every kind of call answers from the same known distribution."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.calls.interventions import Ablate
from harness.engines.fake.engine import END, FakeEngine, UnknownPrompt, WordTokenizer, dry_engine
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Message, Prompt
from harness.testing import fake_subject

ODDS = {" red box": 0.125, " red bag": 0.25, " red": 0.125, " blue": 0.3, " blue sky now": 0.2}


def ask(engine: FakeEngine, *calls: Call) -> list[Reply]:
    """The replies, in order."""

    async def run() -> list[Reply]:
        return [await engine.answer(call) for call in calls]

    return asyncio.run(run())


def ids(text: str, prefill: str = "Answer:") -> tuple[int, ...]:
    tokenizer = WordTokenizer()
    return tuple(tokenizer.encode(tokenizer.chat([Message("user", text)]) + prefill))


def words(text: str) -> tuple[int, ...]:
    return tuple(WordTokenizer().encode(text))


def score(engine: FakeEngine, prompt: tuple[int, ...], tokens: tuple[int, ...]) -> tuple[float, ...]:
    (reply,) = ask(engine, Score(prompt, tokens))
    assert isinstance(reply, Logprobs)
    return reply.values


def chain(engine: FakeEngine, prompt: tuple[int, ...], tokens: tuple[int, ...]) -> list[float]:
    """The log-probability of each token, asked one position at a time."""
    replies = ask(engine, *(Choose(prompt + tokens[:i], (t,)) for i, t in enumerate(tokens)))
    return [reply.values[0] for reply in replies if isinstance(reply, Logprobs)]


def test_log_probabilities_are_the_masses_of_the_replies_that_begin_so() -> None:
    engine = FakeEngine(lambda _: ODDS)
    prompt = ids("q")
    # 0.5 of the mass begins with " red"; of it 1/4 is the box, 1/2 the bag, and 1/4 ends there.
    assert score(engine, prompt, words(" red box")) == pytest.approx([math.log(0.5), math.log(0.25)], abs=1e-12)
    assert score(engine, prompt, (*words(" red"), END)) == pytest.approx([math.log(0.5), math.log(0.25)], abs=1e-12)
    assert score(engine, prompt, words(" blue sky now")) == pytest.approx([math.log(0.5), math.log(0.4), 0], abs=1e-12)
    # After an end that is certain comes the end token, and never a word.
    assert score(engine, prompt, (*words(" red box"), END))[2] == 0
    assert score(engine, prompt, words(" red box top"))[2] == -math.inf
    assert score(engine, prompt, words(" green box")) == (-math.inf, -math.inf)


def test_the_log_probabilities_of_a_whole_reply_add_up_to_its_own() -> None:
    engine = FakeEngine(lambda _: ODDS)
    drawn = ask(engine, *(Generate(ids("q"), Sampling(8, 1.0), draw=d) for d in range(60)))
    texts = [reply for reply in drawn if isinstance(reply, Text)]
    assert {text.text for text in texts} == set(ODDS)
    for text in texts:
        assert math.exp(math.fsum(text.logprobs)) == pytest.approx(ODDS[text.text], abs=1e-12)
        assert (text.tokens[-1] == END) == (text.text in (" red", " blue"))


distributions = st.lists(
    st.tuples(st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(" ".join), st.floats(0.01, 1)),
    min_size=1,
    max_size=6,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=150, deadline=None)
@given(distributions, st.integers(0, 5), st.sampled_from([0.0, 0.5, 1.0]))
def test_generate_score_and_a_chain_of_choose_agree(
    pairs: list[tuple[str, float]], draw: int, temperature: float
) -> None:
    total = math.fsum(p for _, p in pairs)
    # Every word has its leading space, so that the words of a reply are the same tokens after any prompt.
    engine = FakeEngine(lambda _: {f" {text}" if text else "": p / total for text, p in pairs})
    prompt = ids("q", "Say:")
    call = Generate(prompt, Sampling(9, temperature), draw=draw if temperature else 0)
    (text,) = ask(engine, call)
    assert isinstance(text, Text)
    if text.tokens:
        assert score(engine, prompt, text.tokens) == pytest.approx(text.logprobs, abs=1e-12)
        assert chain(engine, prompt, text.tokens) == pytest.approx(text.logprobs, abs=1e-12)


def test_what_follows_the_words_already_written_sums_to_one() -> None:
    engine = FakeEngine(lambda _: ODDS)
    nexts = tuple(sorted({END, *words(" red box bag blue sky now")}))
    for written, expected in (("", 1), (" red", 1), (" blue", 1), (" blue sky", 1)):
        (reply,) = ask(engine, Choose(ids("q") + words(written), nexts))
        assert isinstance(reply, Logprobs)
        assert math.fsum(map(math.exp, reply.values)) == pytest.approx(expected, abs=1e-12)


def test_a_prompt_that_holds_the_beginning_of_a_reply_is_gone_on_with() -> None:
    engine = FakeEngine(lambda _: ODDS)
    prompt = ids("q") + words(" blue sky")
    (text,) = ask(engine, Generate(prompt, Sampling(8)))
    assert text == Text(" now", words(" now"), (0.0,), "stop")
    after_red = [
        t.text
        for t in ask(engine, *(Generate(ids("q") + words(" red"), Sampling(8, 1.0), draw=d) for d in range(2000)))
        if isinstance(t, Text)
    ]
    # Standard errors below 0.012; the seed is fixed.
    assert after_red.count(" bag") / 2000 == pytest.approx(0.5, abs=0.04)
    assert after_red.count("") / 2000 == pytest.approx(0.25, abs=0.04)


def test_a_reply_in_an_earlier_turn_is_not_taken_for_the_one_being_written() -> None:
    tokenizer = WordTokenizer()
    talk = [Message("user", "q"), Message("assistant", "blue"), Message("user", "again")]
    engine = FakeEngine(lambda _: {"blue sky": 0.5, "red": 0.5})
    (reply,) = ask(engine, Choose(tuple(tokenizer.encode(tokenizer.chat(talk))), tuple(sorted(words("blue red")))))
    assert isinstance(reply, Logprobs)
    assert sorted(reply.values) == [-math.inf, math.log(0.5)], "' red' is another token than 'red'"


def test_a_distribution_of_its_own_for_a_longer_prompt_goes_before_a_reply_that_is_complete() -> None:
    def replies(text: str) -> Mapping[str, float]:
        return {" box": 0.25, " bag": 0.75} if text.endswith(" red") else {" red": 0.5, " blue": 0.5}

    assert chain(FakeEngine(replies), ids("q"), words(" red box")) == pytest.approx([math.log(0.5), math.log(0.25)])


def test_options_of_several_words_have_their_exact_probabilities() -> None:
    subject = fake_subject(lambda _: ODDS)
    options = {"box": [" red box"], "bag": [" red bag"], "sky": [" blue sky"]}
    choice = asyncio.run(subject.choose(Prompt.user("q", "Answer:"), options))
    assert choice.logp == pytest.approx(
        {"box": math.log(0.125), "bag": math.log(0.25), "sky": math.log(0.2)}, abs=1e-12
    )
    assert choice.mass == pytest.approx(0.575, abs=1e-12)
    likelihood = asyncio.run(subject.score(Prompt.user("q", "Answer:"), " blue sky now"))
    assert likelihood.logprob == pytest.approx(math.log(0.2), abs=1e-12)


def test_greedy_takes_the_most_probable_whole_reply_and_a_cut_one_ends_by_length() -> None:
    engine = FakeEngine(lambda _: {" a b c": 0.6, " d": 0.4})
    whole, cut = ask(engine, Generate(ids("q"), Sampling(3)), Generate(ids("q"), Sampling(2)))
    assert whole == Text(" a b c", words(" a b c"), (math.log(0.6), 0.0, 0.0), "stop")
    assert cut == Text(" a b", words(" a b"), (math.log(0.6), 0.0), "length")


def test_a_stop_string_ends_the_tokens_where_it_is_complete() -> None:
    engine = FakeEngine(lambda _: {" a b\nQ: c d": 1.0})
    (reply,) = ask(engine, Generate(ids("q"), Sampling(20, stop=("\nQ:", "never"))))
    assert reply == Text(" a b", words(" a b\nQ:"), (0.0,) * 5, "stop")


def test_a_token_that_ends_a_text_is_not_shown() -> None:
    engine = FakeEngine(lambda _: {" a b\nQ: c d": 1.0})
    (until,) = words(" b")
    (reply,) = ask(engine, Generate(ids("q"), Sampling(20), until=(until,)))
    assert reply == Text(" a", words(" a b"), (0.0,) * 2, "stop")


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(4, 1.0), {" a": 0.5, " b": 0.3, " c": 0.2}),
        (Sampling(4, 0.5), {" a": 25 / 38, " b": 9 / 38, " c": 4 / 38}),
        (Sampling(4, 1.0, top_k=1), {" a": 1.0}),
        (Sampling(4, 1.0, top_k=2), {" a": 0.625, " b": 0.375}),
        (Sampling(4, 1.0, top_p=0.5), {" a": 1.0}),
        (Sampling(4, 1.0, top_p=0.51), {" a": 0.625, " b": 0.375}),
    ],
)
def test_temperature_top_k_and_top_p_change_the_draws_but_not_the_log_probabilities(
    sampling: Sampling, expected: Mapping[str, float]
) -> None:
    odds = {" c": 0.2, " a": 0.5, " b": 0.3}
    drawn = ask(FakeEngine(lambda _: odds), *(Generate(ids("q"), sampling, draw=d) for d in range(2000)))
    texts = [t for t in drawn if isinstance(t, Text)]
    counts = Counter(t.text for t in texts)
    assert set(counts) == set(expected)
    for text, p in expected.items():
        assert counts[text] / 2000 == pytest.approx(p, abs=0.04)  # 3.6 standard errors; the seed is fixed
    assert all(t.logprobs == pytest.approx([math.log(odds[t.text])]) for t in texts)


@pytest.mark.parametrize("odds", [{" a": 0.5}, {" a": 0.9, " b": 0.2}])
def test_probabilities_that_do_not_sum_to_one_are_refused(odds: Mapping[str, float]) -> None:
    with pytest.raises(HarnessError, match="do not sum to 1"):
        ask(FakeEngine(lambda _: odds), Generate(ids("q"), Sampling(1)))


def test_a_table_answers_the_latest_question() -> None:
    engine = FakeEngine.table({"capital of France": "Paris it is", "Are you sure?": "Yes", "you sure?": "never said"})
    tokenizer = WordTokenizer()
    first = [Message("user", "What is the capital of France?")]
    second = [*first, Message("assistant", "Paris it is"), Message("user", "Are you sure?")]
    asked = [Generate(tuple(tokenizer.encode(tokenizer.chat(talk))), Sampling(9)) for talk in (first, second)]
    assert [r.text for r in ask(engine, *asked) if isinstance(r, Text)] == ["Paris it is", "Yes"]
    # The beginning of the answer is recognised as such.
    assert score(engine, asked[0].prompt + words("Paris"), words(" it is")) == (0.0, 0.0)


def test_a_table_takes_the_exact_prompt_first_and_names_the_prompt_that_it_lacks() -> None:
    exact = WordTokenizer().decode(ids("one two"))
    engine = FakeEngine.table({"two": "part", exact: "whole"})
    replies = ask(engine, Generate(ids("one two"), Sampling(3)), Generate(ids("two"), Sampling(3)))
    assert [r.text for r in replies if isinstance(r, Text)] == ["whole", "part"]
    with pytest.raises(UnknownPrompt, match=r"no key for the prompt ending '<user> three\\n.*'; keys: 'two', "):
        ask(engine, Generate(ids("three"), Sampling(3)))


def test_activations_depend_on_the_text_so_far_the_layer_the_site_and_nothing_else() -> None:
    engine = FakeEngine(lambda _: {})
    one, other = ids("one two"), ids("one three")
    n = len(one)
    calls = [
        Read(one, (0, 3), (0, n - 1)),
        Read(other, (0, 3), (0, n - 1)),
        Read(one, (3,), (0,)),
        Read(one, (3,), (0,), "mlp_out"),
    ]
    first, second, part, site = (r.values.numpy() for r in ask(engine, *calls) if isinstance(r, Activations))
    assert first.shape == (2, 2, 16)
    np.testing.assert_array_equal(first[:, 0], second[:, 0])
    assert not np.isclose(first[:, 1], second[:, 1]).any()
    np.testing.assert_array_equal(part[0, 0], first[1, 0])
    assert not np.isclose(site, part).any()
    assert not np.isclose(first[0], first[1]).any()


def test_activations_may_be_given_and_there_is_no_layer_beyond_the_last() -> None:
    def lengths(call: Read, text: str, layer: int) -> Sequence[float]:
        return [len(text), layer]

    (reply,) = ask(FakeEngine(lambda _: {}, activations=lengths), Read(words("ab cd"), (1, 7), (0, 1)))
    assert isinstance(reply, Activations)
    assert reply.values.numpy().tolist() == [[[2, 1], [5, 1]], [[2, 7], [5, 7]]]
    with pytest.raises(ItemError, match="no layer 4: the fake model has 4"):
        ask(FakeEngine(lambda _: {}), Read(words("ab"), (4,), (0,)))


def test_interventions_do_what_the_engine_was_told_or_are_refused() -> None:
    def silenced(call: Call, odds: Mapping[str, float]) -> Mapping[str, float]:
        return {" b": 1.0} if call.interventions else odds

    cut = Ablate(0, "resid_post", (0,))
    plain, changed = Choose(ids("q"), words(" a")), Choose(ids("q"), words(" a"), (cut,))
    engine = FakeEngine(lambda _: {" a": 0.5, " b": 0.5}, intervened=silenced)
    assert "intervene" in engine.can
    assert ask(engine, plain, changed) == [Logprobs((math.log(0.5),)), Logprobs((-math.inf,))]
    deaf = FakeEngine(lambda _: {" a": 1.0})
    assert "intervene" not in deaf.can
    with pytest.raises(HarnessError, match="was not told what interventions do"):
        ask(deaf, changed)


def test_the_dry_run_answers_every_kind_of_call_the_same_in_every_process() -> None:
    engine = dry_engine()
    cut = (Ablate(0, "resid_post", (0,)),)
    tokens = words("A")
    plain, changed, text, read, scored = ask(
        engine,
        Choose(ids("q"), tokens),
        Choose(ids("q"), tokens, cut),
        Generate(ids("q"), Sampling(4)),
        Read(ids("q"), (0,), (0,)),
        Score(ids("q"), words(" Yes")),
    )
    assert plain != changed
    # The weights of A, B, Yes, No, 7, 12 and Paris for this prompt are 52, 61, 31, 21, 58, 49 and 48, together 320.
    assert plain == Logprobs((math.log(52 / 320),))
    assert text == Text("B", words("B"), (math.log(61 / 320),), "stop")
    assert scored == Logprobs((math.log(31 / 320),))
    assert isinstance(read, Activations)
    assert read.values.numpy()[0, 0, :2] == pytest.approx([0.57963079, 0.60243553], abs=1e-6)


def test_named_tokens_at_many_positions_are_those_of_a_choose_per_prefix() -> None:
    engine = FakeEngine(lambda text: ODDS if text.endswith("Answer:") else {"yes": 1.0})
    prompt = ids("q", "Answer: red box")
    options = tuple(sorted({*words(" red blue box bag"), *words("yes")}))
    places = tuple(range(len(prompt) - 3, len(prompt)))
    together, *alone = ask(
        engine, Choose(prompt, options, positions=places), *(Choose(prompt[: p + 1], options) for p in places)
    )
    assert isinstance(together, Logprobs)
    assert together.values == tuple(value for reply in alone if isinstance(reply, Logprobs) for value in reply.values)
    table = np.exp(np.reshape(together.values, (3, len(options))))
    (box,), (red,) = words(" box"), words(" red")
    assert table[0, options.index(red)] == pytest.approx(0.5, abs=1e-12)
    assert table[1, options.index(box)] == pytest.approx(0.25, abs=1e-12)


def test_a_pooled_read_is_the_mean_over_the_positions() -> None:
    engine = dry_engine()
    prompt = ids("q")
    each, mean = ask(engine, Read(prompt, (0, 2), (1, 3, 4)), Read(prompt, (0, 2), (1, 3, 4), pool="mean"))
    assert isinstance(each, Activations)
    assert isinstance(mean, Activations)
    assert mean.values.shape == (2, 1, 16)
    np.testing.assert_allclose(mean.values.numpy()[:, 0], each.values.numpy().mean(1), rtol=1e-6, atol=1e-7)
