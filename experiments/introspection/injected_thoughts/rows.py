"""The arms of injected thoughts, their rows, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.introspection.injected_thoughts.trials import Injects
from experiments.shared.judge_reliability import ByJudge, judge_gate, judge_metrics
from harness import Arm, Capability, Metric, Probability, Score, metrics, option_mass

Question = Literal[
    "detection",
    "turn one",
    "unrelated",
    "report",
    "naming",
    "ten words",
    "longest word",
    "text",
    "own words",
    "own answer",
    "line word",
    "control",
]
Reads = Literal["yes or no", "words", "report", "naming", "text", "stream"]
Tells = Literal["none", "no word", "think", "do not think", "mention", "no mention", "reward", "punishment"]

READS: Mapping[Question, Reads] = {
    "detection": "yes or no",
    "turn one": "yes or no",
    "unrelated": "yes or no",
    "report": "report",
    "naming": "naming",
    "ten words": "words",
    "longest word": "words",
    "text": "text",
    "own words": "yes or no",
    "own answer": "yes or no",
    "line word": "yes or no",
    "control": "stream",
}
"""How an answer is read: the exact probability of yes and no or of words, a free text, or the residual stream."""

WRITTEN: tuple[Reads, ...] = ("report", "naming", "text")
"""Those that need a generated text."""

CHOSEN_FOR: Mapping[Question, Question] = {
    "own words": "own words",
    "own answer": "own words",
    "line word": "own words",
}
"""The question whose layer and strength, chosen on training concepts, a question uses; of others detection."""


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """A question, and what is added to the residual stream while it is answered.

    Attributes:
        question: see InjectedThoughts.
        reads: how the answer is read, see `READS`; options: whether it is a choice among options.
        injects: the vector: of the concept, of another concept, or a random one of the concept's length.
        injected: whether it is the concept's, the hits of signal detection; false where nothing or noise is added.
        of_none, of_random: whether the arm is one of the pair whose other one adds nothing, or a random vector.
        tells: of question "control", what the model is told about the concept.
    """

    question: Question
    reads: Reads
    options: bool
    injects: Injects = "none"
    injected: bool = False
    of_none: bool = False
    of_random: bool = False
    tells: Tells = "none"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the arm asks of an engine, besides reading activations. Layer and strength are chosen by yes or no."""
        asked: frozenset[Capability] = frozenset({"choose"} if self.options else ())
        written: frozenset[Capability] = frozenset({"generate"} if self.reads in WRITTEN or self.own else ())
        inside: frozenset[Capability] = frozenset({"intervene", "choose"} if self.injects != "none" else ())
        return asked | written | inside

    @property
    def own(self) -> bool:
        """Whether it is about an answer of the model's own, or about another word that is not this answer."""
        return self.question in ("own answer", "line word")


def _way(question: Question, injects: Injects = "none", tells: Tells = "none") -> Way:
    reads = READS[question]
    return Way(
        question=question,
        reads=reads,
        options=reads in ("yes or no", "words"),
        injects=injects,
        injected=injects == "concept",
        of_none=injects in ("concept", "none"),
        of_random=injects in ("concept", "random vector"),
        tells=tells,
    )


ALL: tuple[Injects, ...] = ("concept", "none", "random vector", "other concept")
ASKED: Mapping[Question, tuple[Injects, ...]] = {
    "detection": ALL[:3],
    "turn one": ("concept", "random vector"),
    "unrelated": ALL[:3],
    "report": ALL,
    "naming": ALL,
    "ten words": ALL,
    "longest word": ALL[:3],
    "text": ALL,
    "own words": ALL,
}
TOLD: tuple[Tells, ...] = ("no word", "think", "do not think", "mention", "no mention", "reward", "punishment")
ARMS: Mapping[str, Way] = {
    **{f"{question}: {injects}": _way(question, injects) for question, some in ASKED.items() for injects in some},
    "own answer: none": _way("own answer"),
    "line word: none": _way("line word"),
    **{f"control: {tells}": _way("control", tells=tells) for tells in TOLD},
}
GRID: metrics.Where = {"arm": "detection: concept"}
"""The arm that is asked in every cell; so is its twin, the random vector."""


@dataclass(frozen=True, kw_only=True)
class Noticed(ByJudge):
    """One answer to one question about one concept.

    Attributes:
        concept, kind: of the item.
        layer: block behind which a vector is added, or that is read; None where nothing is. strength: its factor.
        share: length of what is added, as a share of the mean length of the stream at that layer.
        chosen: whether layer and strength are those chosen on training concepts; the others are rows of the grid.
        says_yes: whether yes is more probable than no.
        p_yes: probability of yes against no; log_odds: ln p(yes) - ln p(no), in nats, cut at 30.
        lift: the log-odds less those without injection at the same question.
        lead: in arm "detection: concept", the log-odds less those under the random vector in the same cell.
        notices: whether a reply says, by the judge, that it notices a thought before it names it, and makes sense.
        names: whether it names the concept, by the judge; names_other: the other concept, whose vector is not the one
            that is added in arm "concept". identified: whether it both notices a thought and names the concept.
        coherent: whether it makes sense, by the judge. An empty reply is all of this not.
        p_concept: probability of the concept among the listed words; rank: its place, 1 is the first; first: whether
            it is 1.
        thinks_of: whether the word that comes to mind at a line is the concept, by rule; copied: whether the line is
            repeated letter for letter; both: whether both are so.
        cosine: mean cosine of the centred stream with the concept's vector, while a sentence is written; above: how far
            it lies above the mean cosine with the baseline words' vectors.
        mass: probability that an option is said at all; judge_mass: the same of the judge, the least over its answers.
        said: the free text.
    """

    concept: str
    kind: str
    layer: int | None = None
    strength: float | None = None
    share: float | None = None
    chosen: bool = True
    says_yes: bool | None = None
    p_yes: Probability | None = None
    log_odds: Score | None = None
    lift: float | None = None
    lead: float | None = None
    notices: bool | None = None
    names: bool | None = None
    names_other: bool | None = None
    identified: bool | None = None
    coherent: bool | None = None
    p_concept: Probability | None = None
    rank: int | None = None
    first: bool | None = None
    thinks_of: bool | None = None
    copied: bool | None = None
    both: bool | None = None
    cosine: float | None = None
    above: float | None = None
    mass: Probability | None = None
    judge_mass: Probability | None = None
    said: str = ""


YES_NO: metrics.Where = {"reads": "yes or no", "chosen": True}
REPORT: metrics.Where = {"reads": "report"}
TEXT: metrics.Where = {"reads": "text"}
STREAM: metrics.Where = {"reads": "stream"}
CELL = ("layer", "strength")


def _signal(suffix: str, pair: str) -> tuple[Metric, ...]:
    """How well a yes, or a report, tells the concept's vector from nothing, or from noise, at the chosen cell."""
    asked, told = ({"question": question, "chosen": True, pair: True} for question in ("detection", "report"))
    measures = (metrics.d_prime, metrics.criterion)
    return (
        *metrics.each(("injected", "says_yes"), *measures, by=(), where=asked, suffix=suffix),
        *metrics.each(("log_odds", "injected"), metrics.auroc, by=(), where=asked, suffix=suffix),
        *metrics.each(("injected", "notices"), *measures, by=(), where=told, suffix=f"_of_reports{suffix}"),
    )


METRICS = (
    *metrics.means("log_odds", "lift", where=YES_NO),
    *metrics.mean_probabilities("p_yes", where=YES_NO),
    *metrics.rates(yes_rate="says_yes", where=YES_NO),
    *_signal("_against_none", "of_none"),
    *_signal("_against_random", "of_random"),
    *metrics.rates("identified", "coherent", detected="notices", where=REPORT),
    *metrics.rates(named="names", named_other="names_other", where=REPORT),
    *metrics.rates(named_where_detected="names", where={**REPORT, "notices": True}),
    *metrics.rates(identified_by_kind="identified", by=("arm", "kind"), where=REPORT),
    *metrics.rates(forced_named="names", forced_named_other="names_other", where={"reads": "naming"}),
    *metrics.mean_probabilities("p_concept", where={"reads": "words"}),
    *metrics.means("rank", where={"reads": "words"}),
    *metrics.rates(ranked_first="first", where={"reads": "words"}),
    *metrics.rates("thinks_of", "copied", both_tasks="both", where=TEXT),
    *metrics.means(cosine="cosine", cosine_above_baseline="above", where={**STREAM, "chosen": True}),
    *metrics.means(cosine_by_layer="cosine", by=("arm", "layer"), where=STREAM),
    *metrics.means(lead_by_cell="lead", by=CELL, where=GRID),
    *metrics.means(share_by_cell="share", by=CELL, where=GRID),
    *metrics.mean_probabilities(mass_by_cell="mass", by=CELL, where=GRID),
    *metrics.means(injected_share="share", where={"chosen": True, "injected": True}),
    *metrics.mean_probabilities(option_mass="mass", where={"options": True, "chosen": True}),
    *metrics.mean_probabilities("judge_mass", where=REPORT),
    *judge_metrics(REPORT),
)
JUDGED = ("notices", "names", "names_other", "identified", "coherent")
GATES = (
    option_mass("log_odds", "lift", "lead", "p_yes", "p_concept", "rank", "first", "says_yes"),
    option_mass(*JUDGED, metric="judge_mass"),
    judge_gate(*JUDGED),
)
