"""Intrinsic self-correction: does a model that is asked to revise its own answer get better?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from experiments.correction.self_correction.chains import Revision, Speaker, State, oracle, revision, total, vote
from experiments.correction.self_correction.prompts import FORMS, FormName, Style, second_turn
from harness import Experiment, HarnessError, Item, Metric, Outcome, Prompt, Subject, Transitions, metrics

Decoding = Literal["greedy", "sampled"]
Control = Literal["again", "repeat", "oracle", "vote", "resample"]


@dataclass(frozen=True, kw_only=True)
class SelfCorrection(Experiment):
    """Claim: asked to revise its answer without being told whether it is wrong, a model stays flat or gets worse.

    SCoRe (Kumar et al., arXiv 2409.12917): delta -11.2 points on MATH for the untrained model. Huang et al. (arXiv
    2310.01798): review, then improve, lowers accuracy on GSM8K; voting (Wang et al., arXiv 2203.11171) over as many
    answers does better.

    One item (GSM8K test): "James decides to run 3 sprints 3 times a week. He runs 60 meters each sprint. How many
    total meters does he run a week?" Gold 540. Turn 1 answers; turn 2 (`score`) says "There might be an error in the
    solution above because of lack of understanding of the question. Please correct the error, if any, and rewrite
    the solution. ..." to right and wrong answers alike, and what counts at a turn is the answer of that turn alone.

    One row per item, arm and turn k >= 2 (and sampled chain). Arms, over the same first answers:
        {style}/{decoding}@t{k}: `score`; `huang` (two calls a round); `neutral` and `verify` (Huang's with a review
            that presumes no problem); the controls `again` (no hint of an error) and `repeat` (no change asked for).
        {style}-oracle/...: stops at the first right answer. It uses the gold answer: never to be set beside the others.
        {style}-within/...@t3 and later: the vote over the answers of one chain.
        vote{N}/sampled: self-consistency over N = 1 + 2r first answers, the calls of r rounds of `huang`. The two
            calls of `score` have no vote beside them, as a vote of two is a toss between them: see its tokens.
        resample/sampled@t2: another first answer in place of a revision, the null model: if an item is solved with
            probability p, i2c = c2i = E[p(1-p)] and delta = 0.
        {style}-vote{K}/sampled@t{k}: K = `chains` > 1 chains, each revised, then the vote; beside vote{N} of as many
            calls.

    Differs from the papers: form=plain shortens SCoRe's first turn and both papers' form of the final answer for small
    models (form=math and form=boxed restore SCoRe's and Huang's); Huang's first turn is not quoted but ours; SCoRe
    has two turns, ours repeats its second for more; an unparsable answer is a missing value, while `delta_all` and
    `solved_rate` take it as wrong; one temperature and one max_tokens hold for all turns.

    Attributes:
        turns: answers in a chain, >= 2.
        styles: revisions under test.
        controls: which control arms run.
        decodings: "greedy", "sampled"; `vote` and `resample` belong to the sampled ones.
        temperature: of the sampled arms, > 0 (SCoRe's figure and self-consistency 0.7, Huang 1).
        max_tokens: budget of every call.
        form: how the final answer is asked for.
        chains: sampled chains per item; with more than one, `mcnemar_p` counts each as an item of its own.

    Raises:
        HarnessError: a number outside of its range.
    """

    turns: int = 2
    styles: Sequence[Style] = ("score", "huang", "neutral")
    controls: Sequence[Control] = ("again", "repeat", "oracle", "vote", "resample")
    decodings: Sequence[Decoding] = ("greedy", "sampled")
    temperature: float = 0.7
    max_tokens: int = 64
    form: FormName = "plain"
    chains: int = 1

    outcome: ClassVar[type[Outcome]] = Revision
    # "t2" is the turn that the arm names; in an arm that names none, the answer after the vote.
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy_t1", metrics.accuracy_before, ("before", "after")),
        Metric("accuracy_t2", metrics.accuracy_after, ("before", "after")),
        *metrics.transitions("before", "after"),
        Metric("delta_all", metrics.delta, ("solved_before", "solved_after")),
        Metric("solved_rate", metrics.accuracy, ("solved_after",)),
        *metrics.rates("unchanged", "cut", suffix="_rate"),
        *metrics.rates(parse_failure_rate_t1="parse_failed_t1", parse_failure_rate="parse_failed"),
        *metrics.means(mean_tokens_t1="tokens_before", mean_tokens_t2="tokens_after"),
        *metrics.means("similarity", "calls", "prompt_tokens", "new_tokens", prefix="mean_"),
    )
    figures: ClassVar[tuple[Transitions, ...]] = (Transitions("before", "after"),)

    def __post_init__(self) -> None:
        if self.turns < 2 or self.chains < 1 or self.max_tokens < 1:
            raise HarnessError("experiment.turns must be at least 2, chains and max_tokens at least 1")
        if "sampled" in self.decodings and self.temperature <= 0:
            raise HarnessError("experiment.decodings holds 'sampled': set experiment.temperature above 0")

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[Revision]:
        """All arms of all decodings."""
        rows = await asyncio.gather(*(self._decoding(item, subject, decoding) for decoding in self.decodings))
        return [row for some in rows for row in some]

    async def _decoding(self, item: Item, subject: Subject, decoding: Decoding) -> list[Revision]:
        sampled = decoding == "sampled"
        sizes = self._vote_sizes() if sampled else []
        resample = sampled and "resample" in self.controls
        n_chains = self.chains if sampled else 1
        speakers = [
            Speaker(
                subject=subject,
                item=item,
                max_tokens=self.max_tokens,
                temperature=self.temperature if sampled else 0.0,
                draw=draw,
            )
            for draw in range(max(n_chains, *sizes, 2 if resample else 1))
        ]
        question = Prompt.user(FORMS[self.form].ask(item.fields["question"]))
        firsts = await asyncio.gather(*(speaker.answer(question) for speaker in speakers))

        async def revise(style: Style) -> list[Revision]:
            instructions = second_turn(style, FORMS[self.form])
            opened = zip(speakers[:n_chains], firsts, strict=False)
            chains = await asyncio.gather(*(s.chain(question, first, instructions, self.turns) for s, first in opened))
            return self._rows(style, decoding, chains)

        rows = [row for some in await asyncio.gather(*map(revise, self._asked())) for row in some]
        rows += [revision(f"vote{n}/sampled", firsts[0], vote(firsts[:n], total(firsts[:n]))) for n in sizes]
        if resample:
            rows.append(revision("resample/sampled@t2", firsts[0], replace(firsts[1], cost=total(firsts[:2]))))
        return rows

    def _rows(self, style: Style, decoding: Decoding, chains: Sequence[Sequence[State]]) -> list[Revision]:
        tested, votes = style in self.styles, "vote" in self.controls
        rows = []
        for k in range(2, self.turns + 1):
            where = f"{decoding}@t{k}"
            for i, chain in enumerate(chains):
                seen = chain[:k]
                rows.append(revision(f"{style}/{where}", chain[0], seen[-1], i))
                if tested and "oracle" in self.controls:
                    rows.append(revision(f"{style}-oracle/{where}", chain[0], oracle(seen), i))
                # A vote of two is the first parsable answer, whatever the other says.
                if tested and votes and k > 2:
                    rows.append(revision(f"{style}-within/{where}", chain[0], vote(seen, seen[-1].cost), i))
            if tested and votes and len(chains) > 1:
                standing = [chain[k - 1] for chain in chains]
                voted = vote(standing, total(standing))
                rows.append(revision(f"{style}-vote{len(chains)}/{where}", chains[0][0], voted))
        return rows

    def _asked(self) -> list[Style]:
        """Every second turn that is asked for, once."""
        controls: tuple[Style, ...] = ("again", "repeat")
        return list(dict.fromkeys([*self.styles, *(style for style in controls if style in self.controls)]))

    def _vote_sizes(self) -> list[int]:
        """How many first answers are voted over: the calls of `huang`, and those of `chains` revised chains."""
        if "vote" not in self.controls:
            return []
        rounds = range(1, self.turns)
        sizes = {1 + 2 * r for r in rounds}
        if self.chains > 1:
            sizes |= {
                self.chains * (1 + r * len(second_turn(s, FORMS[self.form]))) for s in self.styles for r in rounds
            }
        return sorted(sizes)
