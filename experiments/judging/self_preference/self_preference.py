"""Self-preference: does a judge prefer its own answers more often than their quality and its own errors explain?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from experiments.judging.self_preference.authors import answer, judges_of, majority, paraphrases, same, verdict
from experiments.judging.self_preference.prompts import TEXTS, check
from experiments.judging.self_preference.rows import (
    ARMS,
    DEFAULT,
    Judging,
    Pair,
    Preference,
    cut_alike,
    judged,
    stand_in,
)
from experiments.shared.judge_reliability import JudgeReliability, judge_gate, judge_metrics
from harness import (
    ArmedExperiment,
    Bars,
    Gate,
    Item,
    ItemError,
    Metric,
    Part,
    Prompt,
    Subject,
    metrics,
    option_mass,
    together,
)

DIFFERENT: metrics.Where = {"equal": False}
HARMFUL: metrics.Where = {**DIFFERENT, "cell": "other right"}
LEGITIMATE: metrics.Where = {**DIFFERENT, "cell": "own right"}
OWN: metrics.Where = {**DIFFERENT, "judge": "subject", "shown": "as given"}
ASKED = Part(capabilities=frozenset({"generate", "choose"}))


@dataclass(frozen=True, kw_only=True)
class SelfPreference(ArmedExperiment[Judging, JudgeReliability | None]):
    """Claim: judges prefer their own answers more often than gold judges do, and small models most of all.

    Chen et al. 2025, "Beyond the Surface", arXiv 2506.02592 (DBG = own win rate by the judge less the rate by gold);
    harmful and legitimate preference after Chen et al. 2025, arXiv 2504.03846; the same verdict about another's answer
    of the same correctness after Roytburg et al. 2026, arXiv 2601.22548.
    Item: "Ada has 14 stamps and gets 23 more. How many stamps does Ada have now?" The model and its rival
    (+model@roles.rival.model=...) both answer, and judges say in both orders which answer is better, by the exact
    probabilities of (A) and (B). The key says who is right, and so puts each pair into a cell.

    A judge without any preference has a DBG of 1/2 less the gold win rate, which is large against a strong rival; so
    DBG is only shown beside the arms coin, longer wins, shorter wins and word overlap (with the question). judge rival:
    the rival judges the same pairs; excess_dbg is the difference, in which quality cancels, and the interaction of
    judge and author. stand-in: an answer by rule, as right or wrong as the own one, in its place. blind: both answers
    in the words of the part judge (else the model's own). equal length: both cut to the shorter. Pairs with both
    answers right, or both wrong, need no gold at all. For models that think, arms after no thought and after their own,
    where the verdict is read.

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
    rival_temperature: Annotated[float, Gt(0)] = 0.7

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
        Metric("dbg_by_mean", metrics.dbg, ("own_win_mean", "gold_win"), where=DIFFERENT),
        Metric("excess_dbg", metrics.excess_dbg, ("own_win", "third_win"), where=OWN),
        Metric("wrong_vote_gap", metrics.wrong_vote_gap, ("own_win", "own_right", "other_right"), where=DIFFERENT),
        Metric("win_rate_at_equal_length", metrics.win_rate_at_equal_length, ("own_win", "longer"), where=DIFFERENT),
        *metrics.mean_probabilities("p_own", where=DIFFERENT),
        *metrics.means("first_bias", where=DIFFERENT),
        *metrics.mean_probabilities(option_mass="mass", where=DIFFERENT),
        Metric("agreement", metrics.accuracy, ("agrees",), where=DIFFERENT),
        *metrics.rates("orders_agree", where=DIFFERENT),
        *metrics.rates("equal", "own_right", "other_right", by=(), where={"arm": "coin"}),
        *metrics.rates(paraphrase_kept="kept"),
        *judge_metrics(),
    )
    gates: ClassVar = (
        option_mass("own_win", "own_win_mean", "p_own", "third_win", "agrees"),
        judge_gate("gold_win"),
        Gate(metric="paraphrase_kept", least=0.8, columns=("own_win",), why="paraphrases change what the answers say"),
    )
    figures: ClassVar = (Bars("agrees", by="cell"),)

    async def prepare(self, train: Sequence[Item], subject: Subject) -> JudgeReliability | None:
        """How the judges decide clear cases, where they decide which answer is better; the least reliable one."""
        if self.gold == "key":
            return None
        told = await together(check(self.wording, judge) for judge in judges_of(subject))
        return min(told, key=lambda one: one.gold)

    async def begin(self, item: Item, subject: Subject, fitted: JudgeReliability | None) -> Pair:
        keyed, rival = self.gold == "key", subject.role("rival")
        if keyed and item.gold is None:
            raise ItemError("the question has no answer key; let other models judge: experiment.gold=judges")
        prompt = Prompt.user(self.text("answer", question=item.fields["question"], words=self.words))
        ask = partial(answer, item, prompt=prompt, keyed=keyed, max_tokens=self.max_tokens)
        temperature = self.rival_temperature if same(rival, subject) else 0.0
        own, other = await together((ask(author=subject), ask(author=rival, temperature=temperature)))
        pair = Pair(own, other, relied=fitted)
        return replace(pair, gold_win=pair.key_win if keyed else await majority(self.wording, item, pair, subject))

    async def ask(
        self, arm: Judging, common: Pair, item: Item, subject: Subject, fitted: JudgeReliability | None
    ) -> list[Preference]:
        if arm.judge not in ("subject", "rival"):
            return [common.by_rule(arm.judge, item.fields["question"])]
        rival, shown, kept = subject.role("rival"), common.texts, None
        alone = same(rival, subject)
        if arm.judge == "rival" and alone:
            return []
        if arm.shown == "stand-in":
            if (instead := stand_in(item, common.own)) is None:
                return []
            shown = (instead, shown[1])
        if common.equal:
            return [common.row(*shown)]
        if arm.shown == "equal length":
            shown = cut_alike(*shown)
        if arm.shown == "paraphrased":
            writer = subject.cast("judge")[0]
            shown, kept = await paraphrases(self.wording, item, common, writer, self.max_tokens)
        decide = partial(verdict, self.wording, item, shown=shown, thought=arm.thought)
        read = await decide(judge=rival if arm.judge == "rival" else subject)
        compares = arm.judge == "subject" and arm.shown == "as given" and not alone
        return [replace(judged(common.row(*shown), read, await decide(judge=rival) if compares else None), kept=kept)]
