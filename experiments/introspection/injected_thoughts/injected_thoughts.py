"""Injected thoughts: does a model notice a concept that is added to its activations, and not just any disturbance?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, cast

from annotated_types import Ge, Gt, Le, MinLen

from experiments.introspection.injected_thoughts.choosing import Fit, control_layer, training, try_cells
from experiments.introspection.injected_thoughts.prompts import TEXTS
from experiments.introspection.injected_thoughts.rows import ARMS, CHOSEN_FOR, GATES, METRICS, Noticed, Reads, Way
from experiments.introspection.injected_thoughts.trials import (
    NOWHERE,
    WORD_TOKENS,
    Asked,
    Cell,
    Injects,
    OfWords,
    Trial,
    YesNo,
    log_odds,
    same_line,
)
from experiments.introspection.injected_thoughts.vectors import Space, make_space
from experiments.introspection.injected_thoughts.verdicts import Case, check, verdicts
from experiments.introspection.injected_thoughts.words import mentions
from harness import (
    ArmedExperiment,
    Capability,
    Choice,
    Curve,
    Grid,
    HarnessError,
    Item,
    Part,
    Probability,
    Score,
    Subject,
    together,
)
from harness.arms import Shared

Common = tuple[Trial, Shared[tuple[YesNo, Injects, Cell], Choice]]


@dataclass(frozen=True, kw_only=True)
class InjectedThoughts(ArmedExperiment[Way, Fit]):
    """A model notices a concept that is added to its activations, names it, and does not take any disturbance for one.

    Lindsey 2025, "Emergent Introspective Awareness in Large Language Models", arXiv 2601.01828; open replications:
    Macar et al. 2026, arXiv 2603.21396, and Pearson-Vogel et al. 2026, arXiv 2602.20031.
    Item: the word "bread". Its vector is the residual stream at the last token of "Tell me about bread" before the
    answer, less the mean over 100 baseline words. It is added behind one block, times a strength.

    Task 1. The model is told that thoughts may be injected; from "Trial 7:" on, through the end of its answer, a vector
    is added. detection: yes or no, exact. report: free text; a judge says whether it notices a thought before it names
    it, and whether it names the concept. naming: it is told that there is one. ten words: exact probabilities of ten
    listed words. unrelated: the same vector at a question whose right answer is No, so that a push to Yes is seen.
    longest word: the same vector at another question about the ten words, so that a push to the word itself is seen.
    turn one: the vector is added to the turn before, so that the question itself is read undisturbed.
    Task 2, text: the vector is added to a line that is read; which word comes to mind, and can the line be repeated?
    Task 3, own words: a word is put into the model's mouth. Does it say that it meant it, more so when the word's
    vector was added to the line before? own answer: the same about a word of its own. line word: about
    another word of the line, which fits as well and was not its own.
    Task 4, control: nothing is added. The model writes a sentence and is to think of a word, or not to; the cosine of
    its stream, less that of sentences written without a word in mind, with the word's vector is read.

    Injections: the concept's vector, none, a random vector of the same length, and the vector of another concept.
    Claims are against the random vector, because a disturbance of any kind can move a model to Yes. Prompts are the
    same in all arms. Layer and strength are chosen on training concepts, where the lead over the random vector is
    largest and yes and no keep half of their probability; for own words apart. `lead_by_cell` shows the whole grid.

    Differs from the papers: our own wording and words (the paper's: task.path=FILE); a forced yes or no beside the free
    report; one trial a concept; no thought before an answer, because positions must be known. Left out: other ways to
    find a vector, incentives but for one pair, prompts that explain introspection, models without refusal.

    Attributes:
        depths: layers that are tried, as shares of the model's depth in (0, 1].
        strengths: factors of the vector that are tried (the papers: 1 to 16).
        train: training concepts, which choose layer and strength.
        sentences: sentences of task 4 for each concept.
        max_tokens: cap on a report (the papers: 100). A report that is cut is read as far as it goes.
        temperature: of reports and of forced naming.

    Raises:
        HarnessError: a strength is named twice.
    """

    arms: Sequence[str] = tuple(ARMS)
    depths: Annotated[Sequence[Annotated[float, Gt(0), Le(1)]], MinLen(1)] = (0.5, 0.67, 0.83)
    strengths: Annotated[Sequence[Annotated[float, Gt(0)]], MinLen(1)] = (1.0, 2.0, 4.0)
    train: Annotated[int, Ge(1)] = 6
    sentences: Annotated[int, Ge(1)] = 2
    max_tokens: Annotated[int, Ge(1)] = 40
    temperature: Annotated[float, Ge(0)] = 1.0

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    item_fields: ClassVar = ("concept", "others", "trial")
    papers: ClassVar = ("lindsey2026emergent", "macar2026mechanisms", "pearsonvogel2026latent")
    parts: ClassVar = {"judge": Part(frozenset({"choose"}))}
    outcome: ClassVar = Noticed
    metrics: ClassVar = METRICS
    gates: ClassVar = GATES
    figures: ClassVar = (Grid("lead_by_cell", "strength", "layer"), Curve("cosine_by_layer", "layer"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.strengths)) < len(self.strengths):
            raise HarnessError(f"experiment.strengths={list(self.strengths)}: name each strength once")

    def reading(self, *reads: Reads) -> bool:
        """Whether an arm that runs is read in one of some ways."""
        return any(arm.reads in reads for arm in self.chosen.values())

    def capabilities(self) -> frozenset[Capability]:
        return frozenset[Capability]({"read"}).union(*(arm.needs for arm in self.chosen.values()))

    def needed_parts(self) -> Mapping[str, Part]:
        return self.parts if self.reading("report", "naming") else {}

    def train_items(self) -> int:
        return self.train

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fit:
        space = await make_space(subject, self.wording, subject.layers_at(self.depths))
        trials = await training(subject, self.wording, space, train)
        some = {CHOSEN_FOR.get(arm.question, "detection") for arm in self.chosen.values() if arm.injects != "none"}
        questions, cells = sorted(some), self.cells(space)
        tried = await together(try_cells(trials, cast("YesNo", asks), cells) for asks in questions)
        found = dict(zip(questions, tried, strict=True))
        return Fit(
            space=space,
            tried=tuple(tried for some, _ in found.values() for tried in some),
            cells={asks: cell for asks, (_, cell) in found.items()},
            control=await control_layer(trials) if self.reading("stream") else space.layers[0],
            judge=await check(self.wording, subject.role("judge")) if self.needed_parts() else None,
        )

    def cells(self, space: Space) -> list[Cell]:
        """All combinations of layer and strength."""
        return [Cell(layer, strength) for layer in space.layers for strength in self.strengths]

    async def begin(self, item: Item, subject: Subject, fitted: Fit) -> Common:
        trial = await Trial.begin(subject, self.wording, fitted.space, item, self.sentences)
        return trial, Shared(lambda key: trial.yes_no(*key))

    async def ask(self, arm: Way, common: Common, item: Item, subject: Subject, fitted: Fit) -> list[Noticed]:
        trial, row = common[0], Noticed(concept=common[0].concept, kind=str(item.fields.get("kind", "word")))
        if arm.reads == "stream":
            return await self.stream(arm, trial, row, fitted)
        cell = fitted.cells.get(CHOSEN_FOR.get(arm.question, "detection"), NOWHERE)
        if arm.reads == "yes or no":
            grid = arm.question == "detection" and arm.injects != "none"
            cells = dict.fromkeys((*self.cells(fitted.space), cell) if grid else (cell,))
            return await together(self.yes_no(arm, common, one, replace(row, chosen=one == cell)) for one in cells)
        row = self.placed(row, arm, trial, cell)
        if arm.reads == "words":
            ten = await trial.ten_words(cast("OfWords", arm.question), arm.injects, cell)
            rank, p, mass = ten.rank(trial.concept), Probability(ten.p[trial.concept]), Probability(ten.mass)
            return [replace(row, p_concept=p, rank=rank, first=rank == 1, mass=mass)]
        if arm.reads == "text":
            word, copy = await together(trial.text(asks, arm.injects, cell) for asks in ("read_word", "repeat"))
            of, copied = mentions(word, trial.concept), same_line(copy, trial.sentences[0])
            return [replace(row, thinks_of=of, copied=copied, both=of and copied, said=f"{word}\n{copy}")]
        return [await self.reported(arm, trial, cell, row, fitted)]

    async def yes_no(self, arm: Way, common: Common, cell: Cell, row: Noticed) -> Noticed:
        """An exact answer to a yes/no question, beside that without injection and, in the grid, that under noise."""
        (trial, answers), asks = common, cast("YesNo", arm.question)
        plain = await answers.get((asks, "none", NOWHERE))
        said = plain if arm.injects == "none" else await answers.get((asks, arm.injects, cell))
        row = replace(
            self.placed(row, arm, trial, cell), says_yes=said.p["yes"] > 0.5, p_yes=Probability(said.p["yes"])
        )
        if arm.question == "detection" and arm.injected:
            noise = await answers.get((asks, "random vector", cell))
            row = replace(row, lead=log_odds(said) - log_odds(noise))
        lift = log_odds(said) - log_odds(plain)
        return replace(row, log_odds=Score(log_odds(said)), lift=lift, mass=Probability(said.mass))

    async def reported(self, arm: Way, trial: Trial, cell: Cell, row: Noticed, fitted: Fit) -> Noticed:
        """A free text about the injected thought, as the judge reads it."""
        room, asks = self.max_tokens if arm.reads == "report" else WORD_TOKENS, cast("Asked", arm.question)
        said = await trial.free(asks, arm.injects, cell, max_tokens=room, temperature=self.temperature)
        reply, judge = said.text.strip(), trial.subject.role("judge")
        cases = [Case("names", reply, trial.concept), Case("names", reply, trial.other)]
        cases += [Case("notices", reply), Case("coherent", reply)] if arm.reads == "report" else []
        (names, other, *more), mass = await verdicts(self.wording, judge, cases, trial.asked(asks))
        row = replace(row, said=reply, names=names, names_other=other, judge_mass=mass, **fitted.by_judge)
        return replace(row, notices=all(more), identified=names and all(more), coherent=more[1]) if more else row

    async def stream(self, arm: Way, trial: Trial, row: Noticed, fitted: Fit) -> list[Noticed]:
        """The cosines of the stream with the concept at every layer."""
        layers, told = fitted.space.layers, zip(*await trial.control(arm.tells), strict=True)
        return [
            replace(row, layer=layer, cosine=cosine, above=above, chosen=layer == fitted.control)
            for layer, (cosine, above) in zip(layers, told, strict=True)
        ]

    def placed(self, row: Noticed, arm: Way, trial: Trial, cell: Cell) -> Noticed:
        """The row with layer and strength, where something is added."""
        if arm.injects == "none":
            return row
        return replace(row, layer=cell.layer, strength=cell.strength, share=trial.share(arm.injects, cell))
