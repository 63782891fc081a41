"""Self-preference: does a judge prefer its own answers more often than their quality and its own errors explain?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from experiments.judging.self_preference.prompts import TEXTS, check, compared
from experiments.judging.self_preference.rows import (
    ARMS,
    DEFAULT,
    Answer,
    Judging,
    Pair,
    Preference,
    cut_alike,
    judged,
    key_win,
    stand_in,
)
from experiments.shared.judge_reliability import JudgeReliability, judge_gate, judge_metrics
from experiments.shared.pairs import PairVerdict, pair_verdict
from experiments.shared.thoughts import Before
from harness import (
    ArmedExperiment,
    Bars,
    Gate,
    HarnessError,
    Item,
    ItemError,
    Metric,
    Part,
    Prompt,
    Subject,
    graded,
    metrics,
    option_mass,
    together,
)
from harness.tasks.fates import ungraded

DIFFERENT: metrics.Where = {"equal": False}
HARMFUL: metrics.Where = {**DIFFERENT, "cell": "other right"}
LEGITIMATE: metrics.Where = {**DIFFERENT, "cell": "own right"}
OWN: metrics.Where = {**DIFFERENT, "judge": "subject", "shown": "as given"}
ASKED = Part(capabilities=frozenset({"generate", "choose"}))
NO_THIRD = "the rival is the model itself at another temperature, so that no third party judges the pairs: name another"


@dataclass(frozen=True, kw_only=True)
class SelfPreference(ArmedExperiment[Judging, JudgeReliability | None]):
    """Claim: judges prefer their own answers more often than gold judges do, and small models most of all.

    Chen et al. 2025, "Beyond the Surface", arXiv 2506.02592 (DBG = own win rate by the judge less that by gold);
    harmful and legitimate preference after Chen et al. 2025, arXiv 2504.03846; the same verdict about another's answer
    of the same correctness after Roytburg et al. 2026, arXiv 2601.22548.
    Item: "Ada has 14 stamps and gets 23 more. How many stamps does Ada have now?" The model and its rival
    (+model@roles.rival.model=...) both answer, and judges say in both orders which answer is better, by the exact
    probabilities of (A) and (B). The key says who is right, and so puts each pair into a cell.

    A judge without any preference has a DBG of 1/2 less the gold win rate, which is large against a strong rival; so
    DBG is only shown beside the arms coin and longer wins. judge rival: the rival judges the same pairs; excess_dbg is
    the difference, in which quality cancels, and the interaction of judge and author. stand-in: an answer by rule, as
    right or wrong as the own one, in its place. blind: both answers in the words of the part judge (else the model's
    own). equal length: both cut to the shorter. Pairs with both answers right, or both wrong, need no gold at all.
    For models that think, arms after no thought and after their own, where the verdict is read.

    Without another model as rival the other answers are the model's own, drawn at `rival_temperature`: then judge rival
    has no rows. Open questions (task=alpaca_eval) have no key: experiment.gold=judges takes the majority of the models
    of the part judge, which must be others, and which are asked about clear cases first. Differs from the paper: no
    base models, no 200 words by default, one question form; equal answers are counted and left out.

    Attributes:
        gold: who says which answer is better: the task's key, or the models that play the part judge.
        words: the length that is asked for (the paper: 200). max_tokens: cap on an answer and a paraphrase.
        rival_temperature: temperature of the other answers where the rival is the model itself.
    """

    arms: Sequence[str] = DEFAULT
    gold: Literal["key", "judges"] = "key"
    words: Annotated[int, Ge(1)] = 30
    max_tokens: Annotated[int, Ge(1)] = 80
    rival_temperature: Annotated[float, Gt(0)] = 1.2

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    parts: ClassVar = {"rival": ASKED, "judge": replace(ASKED, several=True)}
    papers: ClassVar = ("chen2025beyond", "chen2025evaluators", "roytburg2026narcissists")
    outcome: ClassVar = Preference
    metrics: ClassVar = (
        Metric("own_win_rate", metrics.own_win_rate, ("own_win",), where=DIFFERENT),
        Metric("own_win_rate_by_cell", metrics.own_win_rate, ("own_win",), ("arm", "cell"), DIFFERENT),
        Metric("harmful", metrics.own_win_rate, ("own_win",), where=HARMFUL),
        Metric("legitimate", metrics.own_win_rate, ("own_win",), where=LEGITIMATE),
        Metric("gold_win_rate", metrics.own_win_rate, ("gold_win",), (), {**DIFFERENT, "arm": "coin"}),
        Metric("dbg", metrics.dbg, ("own_win", "gold_win"), where=DIFFERENT),
        Metric("excess_dbg", metrics.excess_dbg, ("own_win", "third_win"), where=OWN),
        Metric("wrong_vote_gap", metrics.wrong_vote_gap, ("own_win", "own_right", "other_right"), where=DIFFERENT),
        Metric("win_rate_at_equal_length", metrics.win_rate_at_equal_length, ("own_win", "longer"), where=DIFFERENT),
        *metrics.means("p_own", "first_bias", option_mass="mass", where=DIFFERENT),
        *metrics.rates("orders_agree", "agrees", where=DIFFERENT),
        *metrics.rates("equal", "own_right", "other_right", by=(), where={"arm": "coin"}),
        *metrics.rates(paraphrase_kept="kept"),
        *judge_metrics(),
    )
    gates: ClassVar = (
        option_mass("own_win", "p_own", "third_win", "agrees"),
        judge_gate("gold_win"),
        Gate(metric="paraphrase_kept", least=0.8, columns=("own_win",), why="paraphrases change what the answers say"),
    )
    figures: ClassVar = (Bars("agrees", by="cell"),)

    async def prepare(self, train: Sequence[Item], subject: Subject) -> JudgeReliability | None:
        """How the judges decide clear cases, where they decide which answer is better; the least reliable one."""
        if self.gold == "key":
            return None
        told = await together(check(self.wording, judge) for judge in self.judges(subject))
        return min(told, key=lambda one: one.gold)

    def judges(self, subject: Subject) -> list[Subject]:
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

    async def begin(self, item: Item, subject: Subject, fitted: JudgeReliability | None) -> Pair:
        if self.gold == "key" and item.gold is None:
            raise ItemError("the question has no answer key; let other models judge: experiment.gold=judges")
        rival = subject.role("rival")
        drawn = {"temperature": self.rival_temperature, "draw": 1} if same(rival, subject) else {}
        own, other = await together((self.answer(item, subject), self.answer(item, rival, **drawn)))
        pair = Pair(own, other)
        if self.gold == "key":
            return replace(pair, gold_win=key_win(own, other))
        if pair.equal:
            return replace(pair, gold_win=0.5)
        ask = (self.verdict(item, judge, own.text, other.text) for judge in self.judges(subject))
        wins = fmean(float(verdict.win) for verdict in await together(ask))
        return replace(pair, gold_win=(wins > 0.5) + (wins == 0.5) / 2)

    async def ask(
        self, arm: Judging, common: Pair, item: Item, subject: Subject, fitted: JudgeReliability | None
    ) -> list[Preference]:
        relied = fitted.columns if fitted else {}
        if arm.judge in ("coin", "longer"):
            return [replace(common.by_rule(arm.judge), **relied)]
        rival = subject.role("rival")
        alone = same(rival, subject)
        if alone:
            subject.renderer.note(NO_THIRD)
        shown = await self.shown(arm, common, item, subject)
        if shown is None or (arm.judge == "rival" and alone):
            return []
        row = common.row(*shown)
        if common.equal:
            return [replace(row, **relied)]
        verdict = await self.verdict(item, rival if arm.judge == "rival" else subject, *shown, arm.thought)
        compares = arm.judge == "subject" and arm.shown == "as given" and not alone
        third = await self.verdict(item, rival, *shown, arm.thought) if compares else None
        kept = self.kept(item, common, shown) if arm.shown == "paraphrased" else None
        return [replace(judged(row, verdict, third), kept=kept, **relied)]

    async def answer(self, item: Item, author: Subject, **drawn: Any) -> Answer:
        """An author's answer to the question, graded by the key where there is one."""
        asked = Prompt.user(self.text("answer", question=item.fields["question"], words=self.words))
        reply = await author.generate(asked, max_tokens=self.max_tokens, **drawn)
        if self.gold == "key":
            grade = graded(item, reply)
            return Answer(grade.text, grade.correct, grade.fate)
        fate = ungraded(reply).fate
        return Answer(reply.text.strip(), None, fate if fate in ("cut", "empty") else "answered")

    async def shown(self, arm: Judging, pair: Pair, item: Item, subject: Subject) -> tuple[str, str] | None:
        """The two texts that an arm shows; None where the task has no answer by rule to stand in for the own one."""
        own, other = pair.own.text, pair.other.text
        match arm.shown:
            case "equal length":
                return cut_alike(own, other)
            case "stand-in":
                instead = stand_in(item, pair.own)
                return None if instead is None else (instead, other)
            case "paraphrased":
                writer = subject.cast("judge")[0]
                first, second = await together(self.paraphrase(item, writer, text) for text in (own, other))
                return first, second
            case _:
                return own, other

    async def paraphrase(self, item: Item, writer: Subject, text: str) -> str:
        """An answer in another model's words."""
        asked = self.text("paraphrase", question=item.fields["question"], answer=text)
        prompt = Prompt.user(asked, self.text("paraphrase_lead"))
        return (await writer.generate(prompt, max_tokens=self.max_tokens)).text.strip()

    def kept(self, item: Item, pair: Pair, shown: tuple[str, str]) -> bool | None:
        """Whether both paraphrases are as right as their answers; None without a key."""
        if self.gold != "key":
            return None
        return [graded(item, text).correct for text in shown] == [pair.own.right, pair.other.right]

    async def verdict(
        self, item: Item, judge: Subject, one: str, other: str, thought: Before = "as set"
    ) -> PairVerdict:
        """A judge's verdict on two texts, in both orders."""
        ask = partial(compared, self.wording, item.fields["question"])
        return await pair_verdict(judge, ask, one, other, lead=self.text("compare_lead"), thought=thought)


def same(one: Subject, other: Subject) -> bool:
    """Whether two parts are played by one model."""
    return one.engine.identity == other.engine.identity
