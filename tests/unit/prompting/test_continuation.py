"""Prompts that go on with a reply's own token ids: what stays exact, what is put after it, what is refused."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from harness.calls.calls import Text
from harness.engines.fake.engine import END
from harness.errors import ItemError
from harness.prompting.prompts import Message, Prompt
from harness.prompting.rendering import Renderer
from harness.prompting.spelling import places, spelled
from harness.prompting.tokens import HFTokenizer, Tokenizer
from harness.testing import fake_subject
from tests.support import tiny_tokenizers as tiny

ASK = Prompt.user("Where is the marble?", "Answer:")
FAMILIES = [tiny.chatml, tiny.qwen3, tiny.r1, tiny.llama3, tiny.gemma, tiny.mistral, tiny.mistral1]
PLAIN = [lambda: tiny.base(bos=False), lambda: tiny.base(bos=True)]


def reply(tokenizer: Tokenizer, *pieces: str) -> Text:
    """A cut reply whose tokens are those of its pieces, each tokenised by itself inside a text."""
    anchor = tokenizer.encode("a\n")
    ids = [token for piece in pieces for token in tokenizer.encode("a\n" + piece)[len(anchor) :]]
    return Text("".join(pieces), tuple(ids), (0.0,) * len(ids), "length")


def renderer(make: Callable[[], HFTokenizer]) -> Renderer:
    return Renderer(make(), "auto", 4096)


@pytest.mark.parametrize("make", [*FAMILIES, *PLAIN])
def test_the_ids_are_the_prompts_and_then_the_replys(make: Callable[[], HFTokenizer]) -> None:
    """The reply's tokens are not those of its text, so decoding and encoding again would ask another prompt."""
    r = renderer(make)
    said = reply(r.tokenizer, "the a", "nswer", " is Pa", "ris")
    before, on = r.render(ASK), r.render(ASK.after(said))
    assert on.ids == before.ids + said.tokens
    assert on.text == before.text + "the answer is Paris"
    again = r.encode(on.text).ids
    assert again != on.ids
    assert r.render(ASK) == before


@pytest.mark.parametrize("make", [*FAMILIES, *PLAIN])
def test_words_after_a_reply_have_their_own_tokens_behind_it(make: Callable[[], HFTokenizer]) -> None:
    r = renderer(make)
    said = reply(r.tokenizer, "the a", "nswer")
    on = r.render(ASK.after(said, " is the box."))
    behind = on.ids[len(r.render(ASK).ids) + len(said.tokens) :]
    assert on.ids == r.render(ASK).ids + said.tokens + behind
    assert spelled(r.tokenizer, said.tokens, behind) == " is the box."
    # The same tokens as behind the same words when nothing is continued.
    usual = r.render(Prompt.user("Where is the marble?", "Answer: the answer is the box."))
    assert usual.ids[-len(behind) :] == behind
    assert not r.prompt_style.notes or not any("tokens of their own" in note for note in r.prompt_style.notes)


def test_words_that_would_merge_with_the_reply_keep_it_as_it_is_and_are_noted() -> None:
    r = renderer(lambda: tiny.base(bos=False))
    said = reply(r.tokenizer, "Paris.")
    on = r.render(Prompt.exact("Answer: ").after(said, "\n\nWait"))
    begin = len(r.render(Prompt.exact("Answer: ")).ids)
    assert on.ids[begin : begin + len(said.tokens)] == said.tokens
    behind = on.ids[begin + len(said.tokens) :]
    assert r.tokenizer.decode(behind) == "\n\nWait"
    assert r.tokenizer.encode("a\n\nWait")[1:] == list(behind)
    whole = r.encode(on.text).ids
    assert whole != on.ids  # here "." and the line breaks are one token
    assert any("tokens of their own" in note for note in r.prompt_style.notes)


@pytest.mark.parametrize("make", [*FAMILIES, *PLAIN])
def test_options_are_read_behind_a_reply(make: Callable[[], HFTokenizer]) -> None:
    r = renderer(make)
    said = reply(r.tokenizer, "the a", "nswer is Pa", "ris")
    for prompt in (ASK.after(said), ASK.after(said, " and it is"), ASK.after(said).after(said, " or")):
        forms = r.options(r.render(prompt), {"the": [" the"], "lazy": [" lazy"]})
        for form, (ids,) in forms.items():
            assert spelled(r.tokenizer, r.render(prompt).ids, ids) == f" {form}"
            usual = r.options(r.render(Prompt.user("Q", "so it is")), {form: [f" {form}"]})[form]
            assert usual == [ids]


@pytest.mark.parametrize("make", [*FAMILIES, *PLAIN])
def test_spans_cover_the_replys_own_tokens(make: Callable[[], HFTokenizer]) -> None:
    r = renderer(make)
    pieces = ("the a", "nswer", " is naïve")
    said = reply(r.tokenizer, *pieces)
    on = r.render(ASK.after(said, " and the box"))
    base = len(r.render(ASK).ids)
    begin = base
    lengths = [len(reply(r.tokenizer, piece).tokens) for piece in pieces]
    for piece, length in zip(pieces, lengths, strict=True):
        span = r.span(on, piece.strip(), -1)
        assert span.stop == begin + length
        assert span.start in {begin, begin + 1}  # a space of its own may come first
        begin += length
    assert r.span(on, "naïve and").stop > begin
    assert r.span(on, "marble") == r.span(r.render(ASK), "marble")
    assert r.span(on, "box").stop == len(on.ids)


def test_tokens_of_one_character_all_have_its_place() -> None:
    tokenizer = tiny.base(bos=False)
    ids = tokenizer.encode("a🦊b")
    assert len(ids) > 4
    found = places(tokenizer, tokenizer.encode("x"), ids)
    assert found == [(0, 1), *[(1, 2)] * (len(ids) - 2), (2, 3)]
    first, second = ids[:2], ids[2:]
    said = [Text(tokenizer.decode(some), tuple(some), (), "length") for some in (first, second)]
    r = Renderer(tokenizer, "auto", 100)
    on = r.render(Prompt.exact("x").after(said[0]).after(said[1]))
    assert on.text == "xa🦊b"  # a character that one reply begins and the next completes
    half = r.render(Prompt.exact("x").after(said[0]))
    assert half.text == "xa\ufffd"
    assert half.ids == on.ids[:3]
    with pytest.raises(ItemError, match="cut inside a character, so ' and' cannot follow; raise max_tokens"):
        r.render(Prompt.exact("x").after(said[0], " and"))
    with pytest.raises(ItemError, match="ends in tokens that the tokenizer makes of no text"):
        r.options(half, {"a": [" the"], "b": [" lazy"]})


@pytest.mark.parametrize(
    ("make", "end"),
    [(tiny.chatml, "<|im_end|>"), (tiny.llama3, "<|eot_id|>"), (tiny.gemma, "<end_of_turn>"), (tiny.mistral, "</s>")],
)
def test_a_reply_that_ended_its_turn_is_refused(make: Callable[[], HFTokenizer], end: str) -> None:
    r = renderer(make)
    said = reply(r.tokenizer, "in the box")
    ended = Text(said.text, (*said.tokens, *r.tokenizer.encode(end)[-1:]), (), "stop")
    with pytest.raises(
        ItemError, match=r"the reply 'in the box' ended its turn and cannot be continued; .*Prompt\.then"
    ):
        r.render(ASK.after(ended))
    inside = Text("a b", (*ended.tokens, *said.tokens), (), "length")
    with pytest.raises(ItemError, match="the reply holds the text of the special token"):
        r.render(ASK.after(inside))
    with pytest.raises(ItemError, match="what follows a reply holds the text of the special token"):
        r.render(ASK.after(said, end))


def test_a_reply_of_another_model_is_refused() -> None:
    said = reply(tiny.llama3(), "the quick brown fox")
    with pytest.raises(ItemError, match="only a model's own replies can be continued"):
        renderer(tiny.gemma).render(ASK.after(said))


def test_a_stop_string_that_cut_the_reply_is_part_of_its_ids() -> None:
    r = renderer(tiny.chatml)
    said = reply(r.tokenizer, "the box.\n")
    stopped = Text("the box", said.tokens, said.logprobs, "stop")
    assert r.render(ASK.after(stopped)).text.endswith("Answer:the box.\n")


def test_the_length_check_counts_the_replys_ids() -> None:
    tokenizer = tiny.base(bos=False)
    r = Renderer(tokenizer, "auto", 12)
    said = reply(tokenizer, *"abcdefgh")
    on = r.render(Prompt.exact("x").after(said))
    assert len(on.ids) == 9
    r.check_length(on, 3)
    with pytest.raises(ItemError, match="a prompt of 9 tokens plus 4 new ones does not fit the context of 12"):
        r.check_length(on, 4)


def test_the_next_turn_holds_what_was_continued() -> None:
    said = Text("one", (1,), (), "length")
    prompt = Prompt.user("Q", "A:").after(said, " and").after(said)
    assert prompt.then(" two", "And?") == Prompt(
        (Message("user", "Q"), Message("assistant", "A:one andone two"), Message("user", "And?"))
    )
    exact = Prompt.exact("x").after(said)
    assert exact.then(" two", "\nQ: ", "A:").said[-1].more == " two\nQ: A:"


def asked(replies: dict[str, float], cuts: Sequence[int]) -> tuple[list[str], list[str], list[int]]:
    """Greedy replies of a fake subject, each cut after a few tokens and continued; prompts and their sizes."""

    async def run() -> tuple[list[str], list[str], list[int]]:
        view = fake_subject(lambda _: replies).for_item("i")
        prompt, texts = Prompt.user("q"), []
        for cut in cuts:
            text = await view.generate(prompt, max_tokens=cut)
            texts.append(text.text)
            prompt = prompt.after(text)
        return texts, [e.prompt for e in view.transcript], [e.prompt_tokens for e in view.transcript]

    return asyncio.run(run())


def test_a_subject_goes_on_where_it_was_cut() -> None:
    texts, prompts, sizes = asked({"I think that it is seven.": 1.0}, [2, 3, 5])
    assert texts == ["I think", " that it is", " seven."]
    assert prompts[2] == "<user> q\n<assistant> I think that it is"
    assert [after - sizes[0] for after in sizes] == [0, 2, 5]


def test_the_fake_subjects_end_of_turn_is_refused_too() -> None:
    async def run() -> None:
        view = fake_subject(lambda _: {"no": 0.9, "no way": 0.1}).for_item("i")
        text = await view.generate(Prompt.user("q"), max_tokens=4)
        assert text.tokens[-1] == END
        with pytest.raises(ItemError, match="the reply 'no' ended its turn"):
            await view.generate(Prompt.user("q").after(text), max_tokens=4)
        assert len(view.transcript) == 1

    asyncio.run(run())
