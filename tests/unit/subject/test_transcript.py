"""Transcripts: beginnings kept once, whole prompts put together again, whatever order answers come in."""

import asyncio
import json
import random
from dataclasses import replace

import orjson
import pytest

from harness.prompting.prompts import Prompt
from harness.subject.transcript import BLOCK, Exchange, Log, ThoughtPart, Transcript
from harness.testing import fake_subject

ANSWER = ("r", ("00",), False, 1, 1, "")
"""The fields of an exchange behind its prompt."""


def exchange(prompt: str) -> Exchange:
    return Exchange(prompt, *ANSWER)


def kept(prompts: list[str]) -> Transcript:
    """What a log makes of prompts that are asked and answered in turn."""
    log = Log()
    for prompt in prompts:
        log.note(log.ask(prompt), *ANSWER)
    return log.transcript


def size(transcript: Transcript) -> int:
    return len(orjson.dumps(transcript.stored))


def test_a_prompt_that_goes_on_keeps_an_index_and_the_rest() -> None:
    first = "a" * (2 * BLOCK)
    other = "o" * 3 * BLOCK
    told = kept([first, first + "b" * 40, first + "b" * 300, other])
    assert [e.start for e in told.stored] == [None, (0, 2 * BLOCK), (0, 2 * BLOCK), None]
    assert [len(e.prompt) for e in told.stored] == [2 * BLOCK, 40, 300, 3 * BLOCK]
    assert [e.prompt for e in told] == [first, first + "b" * 40, first + "b" * 300, other]
    assert {e.start for e in told} == {None}


def test_a_beginning_is_taken_from_whoever_had_it_first() -> None:
    shared, one, two = "s" * BLOCK, "1" * BLOCK, "2" * BLOCK
    told = kept([shared + two + one + "end", shared + two, shared + one, shared + one + two])
    # Each conversation stands together: what goes on after the first, then the second and what goes on after that.
    assert [e.start for e in told.stored] == [None, (0, 2 * BLOCK), (0, BLOCK), (2, 2 * BLOCK)]
    assert told[3].prompt == shared + two + one + "end"


def test_any_prompts_come_back_whole() -> None:
    rng = random.Random(0)
    prompts = [""]
    for _ in range(300):
        base = rng.choice(prompts)
        prompts.append(base[: rng.randint(0, len(base))] + rng.choice("xyz") * rng.randint(0, 700))
    asked = list(enumerate(prompts))
    log = Log()
    for n, prompt in asked:
        log.note(log.ask(prompt), str(n), (f"{n:04}",), False, 1, 1, "")
    told = log.transcript
    assert sorted((int(e.reply), e.prompt) for e in told) == asked
    assert list(Transcript.read(json.loads(orjson.dumps(told.stored)))) == list(told)
    assert size(told) < size(Transcript(replace(e, start=None) for e in told))
    again = Log()
    for n, prompt in rng.sample(asked, len(asked)):
        again.note(again.ask(prompt), str(n), (f"{n:04}",), False, 1, 1, "")
    assert again.transcript.stored == told.stored, "the order does not depend on when each was asked"


def test_of_one_prompt_what_is_not_sampled_stands_first_and_draws_by_their_index() -> None:
    log = Log()
    for draw, key in ((2, "01"), (0, "05"), (None, "09"), (10, "00"), (1, "02")):
        log.note(log.ask("What?", draw), str(draw), (key,), False, 1, 1, "")
    assert [e.reply for e in log.transcript] == ["None", "0", "1", "2", "10"]


def test_a_conversation_of_t_turns_costs_t_bytes() -> None:
    async def talk(turns: int) -> Transcript:
        view = fake_subject(lambda _: {"an answer of some length": 1.0}).for_item("item")
        prompt = Prompt.user("The first question is longer than the others. " * 4)
        for _ in range(turns):
            text = await view.generate(prompt, max_tokens=16)
            prompt = prompt.then(text.text, "And then?")
        return view.transcript

    sizes = {turns: size(asyncio.run(talk(turns))) for turns in (50, 100, 200, 400)}
    # Linear: twice the turns add twice the bytes. Whole prompts would cost 400 turns 64 times what they cost 50.
    assert sizes[400] - sizes[200] == pytest.approx(2 * (sizes[200] - sizes[100]), rel=0.05)
    assert sizes[400] / sizes[50] < 8.5
    told = asyncio.run(talk(400))
    assert told[399].prompt.count("And then?") == 399
    assert told[399].prompt.startswith(told[398].prompt)


def test_what_was_never_answered_is_left_out_and_nothing_begins_with_it() -> None:
    log = Log()
    first = "a" * BLOCK
    for prompt in (first, first + "b", first + "c" * BLOCK):
        log.ask(prompt)
    log.note(2, "last", *ANSWER[1:])
    log.note(1, "middle", *ANSWER[1:])
    part = ThoughtPart("closed", 1, 4, empty=False)
    log.thought(1, part)
    told = log.transcript
    assert [e.thought for e in told] == [part, None]
    assert [(e.prompt, e.reply) for e in told] == [(first + "b", "middle"), (first + "c" * BLOCK, "last")]
    assert [e.start for e in told.stored] == [None, (0, BLOCK)]


def test_lines_of_older_runs_are_whole() -> None:
    line = {
        "prompt": "p",
        "reply": "r",
        "keys": ["00"],
        "cached": True,
        "prompt_tokens": 1,
        "new_tokens": 2,
        "role": "",
    }
    part = {"ended": "forced", "tokens": 3, "characters": 9, "empty": False, "further": False}
    assert Transcript.read([{**line, "thought": part}])[0].thought == ThoughtPart("forced", 3, 9, empty=False)
    assert Transcript.read([line])[0] == Exchange("p", "r", ("00",), True, 1, 2)
    with pytest.raises(TypeError, match="prompt"):
        Transcript.read([{"reply": "r", "keys": []}])


@pytest.mark.parametrize("start", [(1, 1), (0, 99), (-1, 1), (7, 1)])
def test_a_start_that_no_transcript_has_is_refused(start: tuple[int, int]) -> None:
    told = Transcript([exchange("abc"), Exchange("d", "r", (), False, 1, 1, "", start)])
    assert told[0].prompt == "abc"
    with pytest.raises(ValueError, match=r"exchange [01]"):
        told[1]


def test_a_transcript_is_a_sequence() -> None:
    told = kept(["a", "b", "c"])
    assert len(told) == 3
    assert [e.prompt for e in told[1:]] == ["b", "c"]
    assert told[-1].prompt == "c"
    with pytest.raises(IndexError):
        told[3]
    assert not kept([])
