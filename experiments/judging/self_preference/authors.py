"""Asks the authors for their answers, and judges for verdicts on them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import fmean

from experiments.judging.self_preference.prompts import compared
from experiments.judging.self_preference.rows import Answer, Pair
from experiments.shared.pairs import PairVerdict, pair_verdict
from experiments.shared.thoughts import Before
from harness import HarnessError, Item, Prompt, Subject, fill, graded, together
from harness.tasks.fates import ungraded

Wording = Mapping[str, str]
"""The experiment's texts, of which `prompts.TEXTS` is a part."""


def same(one: Subject, other: Subject) -> bool:
    """Whether two parts are played by one model."""
    return one.engine.identity == other.engine.identity


def judges_of(subject: Subject) -> list[Subject]:
    """The models that decide which answer is better: none that gave one of them.

    Raises:
        HarnessError: there is none.
    """
    authors = (subject, subject.role("rival"))
    found = [judge for judge in subject.cast("judge") if not any(same(judge, author) for author in authors)]
    if not found:
        raise HarnessError(
            "experiment.gold=judges: no model but the authors of the answers plays the part 'judge'; name one: "
            "+model@roles.judge.model=NAME"
        )
    return found


async def answer(
    item: Item, author: Subject, prompt: Prompt, *, keyed: bool, max_tokens: int, temperature: float = 0.0
) -> Answer:
    """An author's answer, graded by the key where that decides; greedy, or one draw at a temperature above 0."""
    reply = await author.generate(prompt, max_tokens=max_tokens, temperature=temperature, stop=item.form.stop)
    if keyed:
        grade = graded(item, reply)
        return Answer(grade.text, grade.correct, grade.fate)
    fate = ungraded(reply).fate
    return Answer(reply.text.strip(), None, fate if fate in ("cut", "empty") else "answered")


async def verdict(
    wording: Wording, item: Item, judge: Subject, shown: tuple[str, str], thought: Before = "as set"
) -> PairVerdict:
    """A judge's verdict on two texts, the own one first, in both orders."""
    ask = partial(compared, wording, item.fields["question"])
    return await pair_verdict(judge, ask, *shown, lead=wording["compare_lead"], thought=thought)


async def majority(wording: Wording, item: Item, pair: Pair, subject: Subject) -> float:
    """How the judges decide: 1 where more votes are for the own answer, 0 for the other one, 1/2 where as many are.

    Each judge votes in both orders, as in the paper. Equal answers are a tie, and nobody is asked.
    """
    if pair.equal:
        return 0.5
    asked = (verdict(wording, item, judge, pair.texts) for judge in judges_of(subject))
    wins = fmean(float(one.win) for one in await together(asked))
    return (wins > 0.5) + (wins == 0.5) / 2


async def paraphrases(
    wording: Wording, item: Item, pair: Pair, writer: Subject, max_tokens: int
) -> tuple[tuple[str, str], bool | None]:
    """Both answers in the words of one model, and whether both stay as right as they were; None without a key."""

    async def paraphrase(text: str) -> str:
        asked = fill(wording["paraphrase"], {"question": item.fields["question"], "answer": text})
        prompt = Prompt.user(asked, wording["paraphrase_lead"])
        reply = await writer.generate(prompt, max_tokens=max_tokens, stop=item.form.stop)
        return reply.text.strip()

    own, other = await together(map(paraphrase, pair.texts))
    if pair.own.right is None:
        return (own, other), None
    return (own, other), [graded(item, text).correct for text in (own, other)] == [pair.own.right, pair.other.right]
