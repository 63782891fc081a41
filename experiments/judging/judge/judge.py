"""A judge that scores responses: do its reasons, its probabilities or several tries make its scores better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.judging.judge.prompts import TEXTS, paired, scored
from experiments.judging.judge.reading import MARK, SCORES, rationale_of, scored_text
from experiments.judging.judge.rows import (
    ARMS,
    DEFAULT,
    RULES,
    Judgement,
    Scored,
    Way,
    compared_row,
    rows_of,
    vote,
)
from experiments.shared.pairs import PairVerdict, pair_verdict
from harness import (
    ArmedExperiment,
    Capability,
    Gate,
    HarnessError,
    Item,
    Metric,
    Prompt,
    Reliability,
    Subject,
    letter,
    metrics,
    option_mass,
    together,
)

PAIR, SECTIONS = ("score", "gold"), ("weight", "subset", "section")
HEAD: metrics.Where = {"head": True}
BY_SECTION = ("arm", "section")


@dataclass(frozen=True, kw_only=True)
class Judge(ArmedExperiment[Way, None]):
    """Claim: a judge that writes its reasons before its score scores better than one that gives the score alone.

    Trivedi et al. 2024, arXiv 2410.05495, without its training: "the paper's table without its trained row". Scores
    from 1 to 5 by a rubric, as in Prometheus (Kim et al. 2023); comparisons as in RewardBench (Lambert et al. 2024).
    Item: "Describe the ferry called Larkspur. Say how many cars it takes, [...]." The reference answer says "It takes
    47 cars. [...]", a response "There is room for forty-seven cars on board. [...]". Two responses give k of the five
    facts rightly, so that the right score is k by rule. They have equally many letters and share no number with the
    reference as it is written.

    Arms. rationale first: reasons, then "[RESULT] n", greedily; its score is read at the end of the text. score only:
    the most probable digit. expectation: the mean of the digits by their exact probabilities, without and after the
    reasons. self-consistency: the most frequent and the mean score of several drawn judgements. no reference and
    shuffled reference (another item's): on the expectation. pair letters: (A) or (B) in both orders; of several
    responses each right one with each wrong one. Judges without a model: coin, always 3, longer wins, word overlap.
    For models that think, arms after no thought and after their own.

    A score that is cut or cannot be read is wrong, loses every comparison, and counts as the middle of the scale in
    correlations. Comparisons are given with ties as a half (`wins`) and as lost (`wins_strict`); sections have the
    weights of RewardBench's release. task=reward_bench and task=reward_bench_2 have neither references nor scores, so
    that the arms about references have no rows there. Left out: BiGGen Bench and Feedback Bench, the rationales'
    quality, all training.

    Attributes:
        draws: judgements of self-consistency. temperature: theirs.
        max_tokens: cap on a written judgement; one that reaches it is cut and has no score.

    Raises:
        HarnessError: draws without chance.
    """

    arms: Sequence[str] = DEFAULT
    draws: Annotated[int, Ge(2)] = 4
    temperature: float = 1.0
    max_tokens: Annotated[int, Ge(1)] = 128

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("trivedi2024self", "kim2023prometheus", "lambert2024rewardbench")
    outcome: ClassVar = Judgement
    item_fields: ClassVar = ("question", "responses", "reference", "other_reference", "rubric", *SECTIONS)
    metrics: ClassVar = (
        *metrics.each(PAIR, metrics.pearson, metrics.spearman, metrics.kendall),
        Metric("exact", metrics.accuracy, ("correct",)),
        *metrics.rates(within_one="near"),
        *metrics.means(mean_absolute_error="off"),
        *(Metric(wins, metrics.win_rate, (wins,), where=HEAD) for wins in ("wins", "wins_strict")),
        Metric("rewardbench", metrics.section_mean, ("wins", *SECTIONS), where=HEAD),
        Metric("rewardbench_strict", metrics.section_mean, ("wins_strict", *SECTIONS), where=HEAD),
        Metric("section_score", metrics.section_mean, ("wins", *SECTIONS), BY_SECTION, HEAD),
        Metric("score_entropy", metrics.answer_entropy, ("said",)),
        *metrics.mean_probabilities(self_agreement="p_mode", where={"reads": "vote"}),
        *metrics.means(written_tokens="tokens"),
        *metrics.mean_probabilities(option_mass="mass"),
        *metrics.each(("p_mode", "correct"), metrics.ece_equal_width, metrics.overconfidence, metrics.auroc),
        *metrics.rates("parse_failed", "orders_agree"),
        *metrics.means("first_bias", where={"reads": "letters"}),
    )
    gates: ClassVar = (
        option_mass("score", "correct", "near", "off", "wins", "wins_strict", "p_mode"),
        Gate(metric="parse_failed", most=0.5, columns=("score", "off", "wins"), why="most judgements have no score"),
    )
    figures: ClassVar = (Reliability("p_mode", "correct"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature <= 0:
            raise HarnessError(f"experiment.temperature={self.temperature}; give one above 0, draws need chance")

    def capabilities(self) -> frozenset[Capability]:
        needed: set[Capability] = set()
        for way in self.chosen.values():
            needed |= {"generate"} if way.rationale or way.thought == "own" else set()
            needed |= {"choose"} if way.reads in ("mode", "mean", "letters") else set()
        return frozenset(needed)

    async def ask(self, arm: Way, common: None, item: Item, subject: Subject, fitted: None) -> list[Judgement]:
        responses: Sequence[str] = item.fields["responses"]
        if arm.reference != "own" and not item.fields["reference"]:
            return []
        if arm.reads == "rule":
            return rows_of(item, [Scored(score) for score in RULES[arm.rule](item, subject.random("rules"))])
        if arm.reads == "letters":
            best = item.gold["best"]
            pairs = [(responses[at], other) for at in best for n, other in enumerate(responses) if n not in best]
            verdicts = await together(self.compared(arm, item, *pair, subject) for pair in pairs)
            return [compared_row(item, verdicts)]
        return rows_of(item, await together(self.scored(arm, item, response, subject) for response in responses))

    async def scored(self, arm: Way, item: Item, response: str, subject: Subject) -> Scored:
        """The score of one response, in a way that asks the model."""
        shown = {"own": item.fields["reference"], "none": "", "other": item.fields["other_reference"]}[arm.reference]
        turns = scored(self.wording, item, response, shown, "rationale" if arm.rationale else "score")
        begun = self.text("rationale_lead") if arm.rationale else ""
        prompt = await arm.after(subject, Prompt(turns, begun))
        lead, tokens = "", 0
        if arm.reads in ("vote", "vote mean"):
            texts = await subject.draws(prompt, self.draws, max_tokens=self.max_tokens, temperature=self.temperature)
            return vote([scored_text(text) for text in texts], mean=arm.reads == "vote mean")
        if arm.rationale:
            reply = await subject.generate(prompt, max_tokens=self.max_tokens)
            if arm.reads == "text":
                return scored_text(reply)
            reasons, tokens = rationale_of(reply.text), reply.new_tokens
            lead = f"{begun} {reasons}\n" if reasons else ""
        digits = await letter(subject, turns, f"{lead}{MARK}", {n: n for n in SCORES}, thought=prompt.thought)
        if arm.reads == "mode":
            return Scored(float(digits.best), p_mode=digits.p[digits.best], mass=digits.mass, tokens=tokens)
        return Scored(sum(int(n) * p for n, p in digits.p.items()), mass=digits.mass, tokens=tokens)

    async def compared(self, arm: Way, item: Item, right: str, wrong: str, subject: Subject) -> PairVerdict:
        """The letters of a right and a wrong response, in both orders."""
        ask = partial(paired, self.wording, item)
        return await pair_verdict(subject, ask, right, wrong, lead=self.text("pair_lead"), thought=arm.thought)
