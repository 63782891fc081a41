"""Models that think: what they are asked, what they answer, and what is read after which thought."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from harness import Ablate, HarnessError, ItemError, Prompt, Subject, Text, Thought, letter, yes_no
from harness.calls.calls import Generate, Sampling, call_key
from harness.items import Item
from harness.store.packing import pack_reply, unpack_reply
from harness.subject.thinking import ThoughtCounts, thoughts_of
from harness.subject.transcript import ThoughtPart
from harness.tasks.fates import graded
from harness.tasks.graders import short_answer
from harness.testing import fake_subject
from tests.support.thinking_models import FAMILIES, Thinker, deepseek31, thinking_subject

WORDS = "It could be Lyon.\n\nAnswer: Lyon? No: the capital of France is Paris."
ANSWERS = {"": {"Paris.\nQuestion: ?": 1.0}, "Answer:": {" Paris\nQuestion": 0.75, " Lyon": 0.25}}
QUESTION = Prompt.user("Question: capital?", "Answer:")


def subject(family: str, thought: str | None = WORDS, **settings: Any) -> tuple[Subject, Thinker]:
    thinker = Thinker(FAMILIES[family], thought, ANSWERS)
    return thinking_subject(thinker, **settings), thinker


def say(model: Subject, prompt: Prompt, **settings: Any) -> Text:
    return asyncio.run(model.generate(prompt, **{"max_tokens": 8, **settings}))


def readings(thinker: Thinker) -> list[str]:
    """The prompts that were read where the answer begins."""
    return [asked for asked in thinker.asked if asked.endswith("Answer:")]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_thought_is_apart_from_the_answer_and_stops_end_the_answer_alone(family: str) -> None:
    model, thinker = subject(family)
    text = say(model, Prompt.user("Capital?"), stop=["\n"])
    assert (text.text, text.finish, text.thinking) == ("Paris.", "stop", "closed")
    assert text.thought is not None
    assert text.thought.text == WORDS
    turn, of = FAMILIES[family].turn, FAMILIES[family]
    assert thinker.asked[0].endswith(turn)
    assert thinker.asked[1].endswith(turn + of.open + WORDS + of.close)
    assert [len(e.keys) for e in model.transcript] == [1, 1]
    thought, answer = model.transcript
    assert WORDS in thought.reply
    assert answer.reply == "Paris."
    assert thought.thought == ThoughtPart("closed", len(text.thought.tokens), len(thought.reply), empty=False)
    assert answer.thought is None


@pytest.mark.parametrize("family", FAMILIES)
def test_first_words_of_an_answer_come_behind_the_thought(family: str) -> None:
    model, thinker = subject(family)
    text = say(model, QUESTION, stop=["\n"])
    assert (text.text, text.thinking) == (" Paris", "closed")
    of = FAMILIES[family]
    assert thinker.asked[1].endswith(of.turn + of.open + WORDS + of.close + "Answer:")
    # The answer's tokens are its own: nothing of the thought is in them.
    assert model.renderer.tokenizer.decode(text.tokens) == " Paris\n"
    assert len(text.logprobs) == len(text.tokens)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_thought_beyond_its_budget_is_closed_by_force(family: str) -> None:
    model, thinker = subject(family, tokens=5)
    text = say(model, QUESTION, stop=["\n"])
    assert (text.text, text.thinking) == (" Paris", "forced")
    assert text.thought is not None
    assert len(text.thought.tokens) <= 5
    assert WORDS.startswith(text.thought.text)
    begun = FAMILIES[family].begun(thinker.asked[1])
    assert begun.startswith(FAMILIES[family].open + text.thought.text)
    assert begun.endswith(FAMILIES[family].forced + "Answer:")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_thought_beyond_its_budget_may_be_given_up_and_is_never_graded(family: str) -> None:
    model, thinker = subject(family, tokens=5, overrun="fail")
    text = say(model, QUESTION, stop=["\n"])
    assert (text.text, text.tokens, text.finish, text.thinking) == ("", (), "length", "cut")
    assert graded(Item(fields={"question": "?"}, gold=["Lyon"], grader=short_answer), text).fate == "cut"
    assert len(thinker.asked) == 1
    with pytest.raises(ItemError, match="did not end within 5 tokens"):
        asyncio.run(model.choose(QUESTION, {"P": (" Paris",), "L": (" Lyon",)}))


@pytest.mark.parametrize("family", FAMILIES)
def test_without_thoughts_a_model_answers_after_what_its_family_writes_for_none(family: str) -> None:
    model, thinker = subject(family, mode="off")
    text = say(model, QUESTION, stop=["\n"])
    assert (text.text, text.thinking) == (" Paris", "none")
    assert thinker.asked == [thinker.asked[0]]
    assert thinker.asked[0].endswith(FAMILIES[family].turn + FAMILIES[family].nothing + "Answer:")


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_are_read_after_no_thought_the_models_own_and_a_given_one(family: str) -> None:
    model, thinker = subject(family)
    options = {"P": (" Paris",), "L": (" Lyon",)}
    of = FAMILIES[family]
    given = {None: of.open + WORDS + of.close, "": of.nothing, "Hm.": of.open + "Hm." + of.forced}
    for thought, stands in given.items():
        choice = asyncio.run(model.choose(QUESTION, options, thought=thought))
        assert choice.p == pytest.approx({"P": 0.75, "L": 0.25})
        assert readings(thinker)[-1].endswith(of.turn + stands + "Answer:")
    scored = asyncio.run(model.score(QUESTION, " Lyon", thought="Hm."))
    assert scored.logprob == pytest.approx(-1.3862944)


@pytest.mark.parametrize("family", FAMILIES)
def test_confidence_is_read_along_the_models_own_thought(family: str) -> None:
    model, thinker = subject(family)

    async def along() -> list[Thought]:
        whole = await model.think(QUESTION)
        parts = [model.first_part(whole, share) for share in (0.0, 0.1, 0.5, 1.0)]
        for part in parts:
            await model.choose(QUESTION, {"P": (" Paris",), "L": (" Lyon",)}, thought=part)
        return [whole, *parts]

    whole, *parts = asyncio.run(along())
    n = len(whole.tokens)
    assert [len(part.tokens) for part in parts] == [0, round(0.1 * n), round(0.5 * n), n]
    assert [part.ended for part in parts] == ["forced", "forced", "forced", "closed"]
    of = FAMILIES[family]
    for part, asked in zip(parts, readings(thinker), strict=True):
        stands = of.begun(asked)
        assert stands.startswith(of.open.strip())
        assert part.text in stands
        assert stands.endswith("Answer:")
    # The thought is asked for once: an answer follows the same one.
    before = [asked for asked in thinker.asked if asked.endswith(of.turn)]
    say(model, QUESTION)
    assert [asked for asked in thinker.asked if asked.endswith(of.turn)] == before
    assert len(before) == 1


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].open])
def test_a_model_may_answer_at_once(family: str) -> None:
    direct = "<|channel|>final<|message|>" if family == "gpt_oss" else ""
    thinker = Thinker(
        FAMILIES[family], None, {"": {direct + "Paris. Lyon. Nice.\nMore": 1.0}, "Answer:": ANSWERS["Answer:"]}
    )
    model = thinking_subject(thinker)
    text = say(model, Prompt.user("Capital?"), max_tokens=50, stop=["\n"])
    assert (text.text, text.finish, text.thinking) == ("Paris. Lyon. Nice.", "stop", "none")
    assert len(thinker.asked) == 1
    assert model.renderer.tokenizer.decode(text.tokens).endswith("Nice.\n") or text.tokens
    short = say(model, Prompt.user("Capital?"), max_tokens=2)
    assert (len(short.tokens), short.finish) == (2, "length")
    assert "Paris. Lyon. Nice.".startswith(short.text)
    assert say(model, QUESTION, stop=["\n"]).text == " Paris"


def test_a_model_that_never_closes_its_thought_is_asked_for_its_answer_all_the_same() -> None:
    thinker = Thinker(FAMILIES["qwen3"], None, {"": {"<think>\nOn and on": 1.0}, "Answer:": ANSWERS["Answer:"]})
    text = say(thinking_subject(thinker), QUESTION, stop=["\n"])
    assert (text.text, text.thinking) == (" Paris", "forced")
    failing = say(thinking_subject(thinker, overrun="fail"), QUESTION)
    assert (failing.text, failing.finish, failing.thinking) == ("", "length", "cut")


@pytest.mark.parametrize(
    ("reply", "answer", "thought", "ended"),
    [
        ("<think>a</think>b", "b", "Hm.\na", "closed"),
        ("c</think>\n\nb", "b", "Hm.\nc", "closed"),
        ("<think>again and again", "", "Hm.\nagain and again", "cut"),
        ("The tag <think> begins it", "The tag <think> begins it", "Hm.", "closed"),
    ],
)
def test_thoughts_behind_a_thought_are_thoughts(reply: str, answer: str, thought: str, ended: str) -> None:
    thinker = Thinker(FAMILIES["qwen3"], "Hm.", {"": {reply: 1.0}})
    model = thinking_subject(thinker)
    text = say(model, Prompt.user("q"), max_tokens=50)
    assert text.thought is not None
    assert (text.text, text.thought.text, text.thinking) == (answer, thought, ended)
    before, behind = model.transcript
    assert before.thought is not None
    assert before.thought.ended == "closed"
    counts = ThoughtCounts()
    counts.add(thoughts_of(model.transcript)[""])
    assert (counts.replies, counts.tokens) == (1, len(text.thought.tokens))
    if thought == "Hm.":
        assert behind.thought is None
    else:
        assert behind.thought is not None
        assert (behind.thought.ended, behind.thought.further) == (ended, True)
        assert behind.reply[behind.thought.characters :] == answer
        assert counts.cut == (ended == "cut")


def test_tags_of_a_user_are_words() -> None:
    thinker = Thinker(FAMILIES["reasoning"], "Hm.", ANSWERS)
    text = say(thinking_subject(thinker), Prompt.user("What is <reasoning> or <think>, and </reasoning>?"), stop=["\n"])
    assert (text.text, text.thinking) == ("Paris.", "closed")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_goes_on_from_the_answer_alone(family: str) -> None:
    model, thinker = subject(family)
    first = say(model, Prompt.user("Capital?"), stop=["\n"])
    turn = Prompt.user("Capital?").then(first.text, "Sure?")
    say(model, turn, stop=["\n"])
    assert "Paris." in thinker.asked[2]
    assert WORDS not in thinker.asked[2]
    of = FAMILIES[family]
    # What a person pasted, with its thought, is quoted without it.
    whole = Prompt.user("Capital?").then(of.open + WORDS + of.close + "Paris.", "Sure?")
    if family not in ("gpt_oss",):
        assert model.renderer.render(whole).ids == model.renderer.render(turn).ids


def test_a_cut_answer_goes_on_behind_its_thought() -> None:
    model, thinker = subject("qwen3")
    first = say(model, QUESTION, max_tokens=1)
    assert first.finish == "length"
    rest = say(model, QUESTION.after(first), stop=["\n"], max_tokens=20)
    assert first.text + rest.text == " Paris"
    assert thinker.asked[2].endswith("<think>\n" + WORDS + "\n</think>\n\nAnswer:" + first.text)
    assert len(thinker.asked) == 3


def test_draws_have_thoughts_of_their_own_and_seeds() -> None:
    model, thinker = subject("qwen3")
    texts = asyncio.run(model.draws(QUESTION, 40, max_tokens=8, temperature=1.0, stop=["\n"]))
    assert {t.text for t in texts} == {" Paris", " Lyon"}
    assert len(thinker.asked) == 80


def test_readings_follow_thoughts() -> None:
    thinker = Thinker(
        FAMILIES["r1"], WORDS, {"": {"x": 1.0}, "Answer: (": {"A": 0.9, "B": 0.1}, "Answer:": {" yes": 0.6, " no": 0.4}}
    )
    model = thinking_subject(thinker)
    turns = Prompt.user("(A) or (B)?").messages
    for thought in (None, "", "Hm"):
        read = asyncio.run(letter(model, turns, "Answer:", {"a": "A", "b": "B"}, thought=thought))
        assert read.p == pytest.approx({"a": 0.9, "b": 0.1})
        said = asyncio.run(yes_no(model, Prompt.user("ok?", "Answer:"), thought=thought))
        assert said.p == pytest.approx({"yes": 0.6, "no": 0.4})
    assert "<think>\nHm\n</think>\n\nAnswer:" in thinker.asked[-1]


def test_a_template_that_is_told_to_think_does_and_else_does_not() -> None:
    from harness.models.model import Model

    quiet = Model(source="x").renderer(deepseek31(), 1000)
    assert quiet.render(QUESTION).text.endswith("[A]</think>Answer:")
    assert not quiet.thoughts.awaited(QUESTION)
    with pytest.raises(ItemError, match=r"the chat template leaves none: see model\.template\.thinking"):
        quiet.render(QUESTION.thinking("Hm"))
    told = Model(source="x", template={"thinking": True}).renderer(deepseek31(), 1000)
    assert told.render(Prompt.user("q")).text.endswith("[A]<think>")
    assert told.render(QUESTION.thinking("Hm")).text.endswith("[A]<think>Hm\n</think>\n\nAnswer:")
    assert told.render(QUESTION.thinking("")).text.endswith("[A]</think>Answer:")


def test_what_cannot_be_is_said() -> None:
    model, _ = subject("qwen3")
    with pytest.raises(ItemError, match="holds a mark"):
        model.renderer.render(QUESTION.thinking("a </think> b"))
    with pytest.raises(ItemError, match="never ended"):
        model.renderer.render(QUESTION.thinking(Thought("x", (5,), ended="cut")))
    with pytest.raises(ItemError, match="between 0 and 1"):
        model.first_part(Thought("x", (5,), ended="closed"), 1.5)
    with pytest.raises(HarnessError, match=r"model\.thinking\.mode=off"):
        say(model, QUESTION, interventions=[Ablate(0, "resid_post", (0,))])
    model.renderer.context = 500
    with pytest.raises(ItemError, match=r"does not fit the context of 500; .* lower model\.thinking\.tokens"):
        say(model, QUESTION)
    with pytest.raises(ItemError, match="thought that has no end"):
        model.renderer.render(Prompt.user("q").then("<think>on and on", "Sure?"))


@pytest.mark.parametrize(
    ("reply", "answer", "thought", "ended"),
    [
        (
            "<think>\nThe final answer is 5\n</think>\n\nIt is 4",
            "It is 4",
            "The final answer is 5",
            "closed",
        ),
        ("<think>2+2=4 so maybe", "", "2+2=4 so maybe", "cut"),
        (" [THINK]a[/THINK]4", "4", "a", "closed"),
        ("<think>\n\n</think>\n\n4", "4", "", "closed"),
        ("4 <think> is a tag", "4 <think> is a tag", "", "none"),
        ("Is it 5? No.\n</think>\n\n4", "4", "Is it 5? No.", "closed"),
        ("The tag `</think>` ends it: 4", "The tag `</think>` ends it: 4", "", "none"),
        ("<b> or </reasoning>", "", "<b> or", "closed"),
    ],
)
def test_a_model_of_unknown_marks_that_thinks_all_the_same_is_not_graded_by_its_thoughts(
    reply: str, answer: str, thought: str, ended: str
) -> None:
    model = fake_subject(lambda _: {reply: 1.0})
    text = say(model, Prompt.user("2+2?"), max_tokens=50)
    assert (text.text, text.thought.text if text.thought else "", text.thinking) == (answer, thought, ended)
    assert text.new_tokens == len(model.renderer.tokenizer.encode(reply))
    # The call is the one of any other model, and the store has all that was written.
    assert model.transcript[0].reply == reply
    part = model.transcript[0].thought
    if ended == "none":
        assert part is None
    else:
        assert part is not None
        assert (reply[part.characters :], part.ended, part.empty) == (answer, ended, not thought)
    if ended == "cut":
        assert text.finish == "length"
        with pytest.raises(ItemError, match="not known to think"):
            model.renderer.render(Prompt.user("2+2?").after(text))


def test_a_call_without_marks_has_the_key_that_it_always_had() -> None:
    plain = Generate((1, 2, 3), Sampling(8, stop=("\n",)))
    sampling = '{"max_tokens":8,"temperature":0.0,"top_p":1.0,"top_k":0,"stop":["\\n"]}'
    old = f'["m",["Generate",{{"prompt":[1,2,3],"sampling":{sampling},"draw":0,"seed":0,"interventions":[]}}]]'
    assert call_key("m", plain) == hashlib.sha256(old.encode()).digest()[:16]
    assert call_key("m", replace(plain, until=(5,))) != call_key("m", plain)


def test_the_store_keeps_all_that_the_model_wrote_and_no_thought_apart() -> None:
    text = Text("a", (1,), (-0.5,), "stop")
    assert unpack_reply(pack_reply(text)) == text
