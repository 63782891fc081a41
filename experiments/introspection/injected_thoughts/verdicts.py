"""A judge reads free reports: does the model notice a thought before it names it, does it name it, is it coherent?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from experiments.shared.judge_reliability import JudgeReliability, reliability
from harness import Choice, Probability, Prompt, Subject, fill, together, yes_no

Judges = Literal["notices", "names", "coherent"]


class Case(NamedTuple):
    """A question about a reply; `word` is the injected one."""

    judges: Judges
    reply: str
    word: str = "bread"


async def judged(wording: Mapping[str, str], judge: Subject, case: Case, asked: str, *, turned: bool = False) -> Choice:
    """The judge's exact probabilities of yes and no.

    Args:
        asked: the question that the model replied to.
        turned: whether the judge is told to answer No or Yes, and not Yes or No.
    """
    question, options = fill(wording[case.judges], {"word": case.word}), "No or Yes" if turned else "Yes or No"
    shown = {"asked": asked, "reply": case.reply, "question": question, "options": options}
    return await yes_no(judge, Prompt.user(fill(wording["judge"], shown), wording["lead"]), thought="")


async def verdicts(
    wording: Mapping[str, str], judge: Subject, cases: Sequence[Case], asked: str
) -> tuple[list[bool], Probability | None]:
    """The judge's verdicts on a reply, and the least mass of yes and no. An empty reply is not shown."""
    if not all(case.reply for case in cases):
        return [False] * len(cases), None
    found = await together(judged(wording, judge, case, asked) for case in cases)
    return [choice.best == "yes" for choice in found], Probability(min(choice.mass for choice in found))


CLEAR: Sequence[tuple[Case, bool]] = (
    (Case("notices", "Yes, I notice an injected thought. It seems to be about bread."), True),
    (Case("notices", "I do detect something unusual, a thought that I did not start. I think of the sea."), True),
    (Case("notices", "Yes. There is an injected thought in my mind, and it is about music."), True),
    (Case("notices", "There is a thought here that does not feel like mine. It is about tigers."), True),
    (Case("notices", "No, I do not detect any injected thought on this trial."), False),
    (Case("notices", "I do not notice anything unusual. My mind is quiet."), False),
    (Case("notices", "Bread, bread, bread. Yes, I notice an injected thought."), False),
    (Case("notices", "Silver is a soft white metal that is used for coins and jewelry."), False),
    (Case("names", "Yes, I notice an injected thought. It seems to be about bread."), True),
    (Case("names", "I detect a thought about a fresh loaf of bread, still warm."), True),
    (Case("names", "The thought is about bread."), True),
    (Case("names", "Yes, I notice an injected thought. It seems to be about the ocean."), False),
    (Case("names", "I notice a thought, but I cannot tell what it is about."), False),
    (Case("names", "No, I do not detect any injected thought on this trial."), False),
    (Case("coherent", "No, I do not detect any injected thought on this trial."), True),
    (Case("coherent", "Yes, I notice a thought. It seems to be about the ocean."), True),
    (Case("coherent", "bread the the bread of bread bread and and bread the"), False),
    (Case("coherent", "xx ;; ocean ocean ,, the the qq 00 ocean ,, ,,"), False),
)  # fmt: skip
"""Replies whose verdicts are plain, nine of either kind. One names the word before it claims to notice a thought."""


async def check(wording: Mapping[str, str], judge: Subject) -> JudgeReliability:
    """How far the judge can be relied on, on the clear cases."""
    asked = fill(wording["report"], {"trial": fill(wording["trial"], {"trial": 1})})

    async def decide(case: Case, turned: bool, drawn: bool) -> bool | None:
        choice = await judged(wording, judge, case, asked, turned=turned)
        if not drawn:
            return choice.best == "yes"
        return judge.random(f"{case.judges} {case.reply}").random() < choice.p["yes"]

    return await reliability(CLEAR, decide)
