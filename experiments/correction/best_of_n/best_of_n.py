"""Best of N by self-reward: is the likeliest of a model's own samples right more often than its greedy answer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.correction.best_of_n.picks import ARMS, Pick, pick
from experiments.correction.best_of_n.rows import Picked, picked
from experiments.correction.chains import Speaker, State
from experiments.correction.one_shot import TEXTS, one_shot
from experiments.shared.thoughts import ThoughtArm
from harness import ArmedExperiment, Curve, Gate, HarnessError, Item, Metric, Subject, metrics
from harness.arms import together
from harness.calls.calls import Capability

BY, PAIR, RANK = ("arm", "n"), ("greedy", "correct"), ("logp", "correct")
WHOLE: metrics.Where = {"ended": True}
SAMPLES: metrics.Where = {"arm": "samples", "ended": True}


@dataclass(frozen=True, slots=True)
class Answers:
    """The greedy answer of an item, and its samples in the order of their draws."""

    greedy: State
    samples: list[State]


@dataclass(frozen=True, kw_only=True)
class BestOfN(ArmedExperiment[Pick, None]):
    """Claim: a model's own log-likelihood is a reward, and the likeliest of N samples beats the greedy answer.

    Huang et al. 2024, "Self-Improvement in Language Models: The Sharpening Mechanism", arXiv 2412.01951.
    Item: "What is 47 + 12?" (59), behind one worked example. Of samples that end in 59, 58 and 59 the one with the
    highest log p is the pick.

    Arms, all on the same samples: likeliest (sum of log p over the tokens, the end token included); mean (log p per
    token); majority (the vote at equal cost); skyline (any right one: uses the gold answer, never set it beside the
    others). Controls: random, from the same candidates; rule: shortest, as short answers are likely ones; greedy; and
    samples, in which each sample is a row of its own. An N takes the first N draws, so that a larger N only adds to a
    smaller one. With N = 1 all arms but greedy are the same.

    A sample that was cut has no end token, looks likelier than it is, and is never picked by a reward, its length or
    chance; it abstains from the vote, too. Where all N were cut, the first stands and is wrong. No stop strings are
    used, as they would take the place of the end token. So a base model that never ends its answer has hardly any
    candidate: verdicts are held back where less than half of the samples end.

    The lift over the greedy answer is given twice: as a difference (lift), and as the paper has it, relative to the
    accuracy of the greedy answer (relative_lift), which is large where few are right. Interval over items.

    Differs from the paper: arithmetic and not MATH, GSM8K, ProntoQA, MMLU and Game of 24 (task=gsm8k; task=mmlu),
    20 samples and not 50 (experiment.ns=[1,2,5,10,20,50]), one seed and not ten (-m seed=0,1,2), the worked example is
    ours, and an N takes the first N draws and not a new subset. Left out: fine-tuning on the picks (SFT-sharpening).
    Of a model that thinks, log p is the answer's behind its thought.

    Attributes:
        ns: numbers of samples to pick from, ascending; the last one is how many are drawn.
        temperature: temperature of the samples. Their log-probabilities are the model's own at any temperature.
        max_tokens: cap on an answer (the paper: 512); None takes the room that the task gives.

    Raises:
        HarnessError: numbers of samples that are not ascending from 1 on.
    """

    arms: Sequence[str] = tuple(ARMS)
    ns: Sequence[Annotated[int, Ge(1)]] = (1, 2, 5, 10, 20)
    temperature: Annotated[float, Gt(0)] = 1.0
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("huang2024self", "wang2022self")
    outcome: ClassVar = Picked
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy, by=BY),
        *metrics.each(("fate",), metrics.answered, by=BY),
        Metric("lift", metrics.delta, PAIR, BY),
        *metrics.each(PAIR, metrics.relative_lift, by=BY),
        *metrics.means(mean_logp="logp", by=BY, where=WHOLE),
        *metrics.rates("greedy_likelier", suffix="_rate", by=BY, where={"arm": "likeliest", "ended": True}),
        *metrics.means("tokens", "new_tokens", prefix="mean_", by=BY),
        *metrics.rates(ended_rate="ended", by=(), where={"arm": "samples"}),
        *metrics.each(RANK, metrics.auroc, by=(), where=SAMPLES),
        *metrics.each((*RANK, "item"), metrics.auroc_within, by=(), where=SAMPLES),
        Metric("brevity_auroc_within", metrics.auroc_within, ("brevity", "correct", "item"), (), SAMPLES),
        *metrics.means(sample_logp="logp", by=("correct",), where=SAMPLES),
    )
    gates: ClassVar = (
        Gate(
            metric="ended_rate",
            least=0.5,
            advised=0.9,
            columns=("correct", "logp"),
            why="most samples were cut, so that few are left to pick from; set experiment.max_tokens higher",
        ),
    )
    figures: ClassVar = (Curve("accuracy", "n"), Curve("mean_logp", "n"), Curve("mean_tokens", "n"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.ns or list(self.ns) != sorted(set(self.ns)):
            raise HarnessError(
                f"experiment.ns={list(self.ns)}; give different numbers of samples, ascending, from 1 on"
            )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Answers:
        """The greedy answer, and as many samples as the largest N needs."""
        asked = one_shot(self.wording, item.fields["question"])
        room = self.max_tokens or item.form.max_tokens

        def speaker(temperature: float, draw: int) -> Speaker:
            return Speaker(subject, item, ThoughtArm(), max_tokens=room, temperature=temperature, draw=draw)

        drawn = [speaker(self.temperature, draw) for draw in range(self.ns[-1])]
        greedy, *samples = await together(one.answer(asked) for one in (speaker(0.0, 0), *drawn))
        return Answers(greedy, samples)

    async def ask(self, arm: Pick, common: Answers, item: Item, subject: Subject, fitted: None) -> list[Picked]:
        greedy, samples = common.greedy, common.samples
        if arm.reward == "greedy":
            return [picked(1, greedy, greedy)]
        if arm.reward == "samples":
            return [picked(1, sample, greedy) for sample in samples]
        chance = {n: subject.random(f"random of {n}") for n in self.ns}
        return [picked(n, pick(arm.reward, samples[:n], chance[n]), greedy) for n in self.ns]
