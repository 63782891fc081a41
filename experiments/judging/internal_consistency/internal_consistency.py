"""Internal consistency: how far answers spread inside the model, at the next token, and after its own reasoning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from experiments.judging.internal_consistency.digits import DIGITS, TEXTS, digits, digits_behind, keep_heads
from experiments.judging.internal_consistency.rows import DEPTHS, METRICS, NEEDS, STAGES, Layer, Spread, Stage, spread
from experiments.judging.internal_consistency.spread import bits, expected_bits, mixture, shares, tempered
from harness import (
    Ablate,
    ArmedExperiment,
    Bars,
    Capability,
    Choice,
    HarnessError,
    Item,
    ItemError,
    Probability,
    Prompt,
    Subject,
    option_mass,
    together,
)


@dataclass(frozen=True, kw_only=True)
class InternalConsistency(ArmedExperiment[Stage, None]):
    """Answers spread inside a model, agree at its next token, and spread again after its own reasoning (hourglass).

    Liang et al. 2024, "Internal Consistency and Self-Feedback in Large Language Models: A Survey", arXiv 2407.14507,
    section II, where one question and one model illustrate it.
    Item: 'How many letters are in the word "spoon"?' 5. All answers are one digit.

    decoding: the exact probabilities of the ten digits as the next token. latent: the same with one head of one layer
    kept and the layer's other heads set to zero before the output projection; the mean over heads is the answer of a
    head taken at random. all heads zero: the effect of the layer's loss alone; later layers go on as they are, so that
    little change late in the model is no convergence. lens: the stream behind a layer, read by the model's own last
    norm and output matrix. response: texts with reasoning, after each of which a digit is drawn. response without
    reasoning: the same after short replies, which tells the effect of reasoning from the effect of drawing.

    All stages are at one temperature. The entropy of n drawn answers is too low on average, so that it is compared
    with the mean entropy of n draws from the next token. Digits that together have less than `least_mass` are no
    answer: such heads and texts are left out and counted (`defined`).

    Differs from the survey: its code sets parts of the attention's output to zero behind the output projection, which
    are no heads; its stages have several temperatures, and no controls. A digit follows "Answer: (". A response's
    answer is drawn from the exact probabilities in a second turn, so that texts without a number, or cut, count too.

    Attributes:
        layers: layers of the latent stages.
        draws: texts of a response stage.
        temperature: of all stages.
        least_mass: probability of all digits together below which they are no answer.
        max_tokens: cap on the reasoning; short replies have 8.

    Raises:
        HarnessError: a layer is named twice, or none is.
    """

    arms: Sequence[str] = tuple(STAGES)
    layers: Sequence[Layer] = ("first", "middle", "last")
    draws: Annotated[int, Ge(2)] = 20
    temperature: Annotated[float, Gt(0)] = 1.0
    least_mass: Annotated[float, Ge(0), Le(1)] = 0.1
    max_tokens: Annotated[int, Ge(1)] = 48

    all_arms: ClassVar = STAGES
    texts: ClassVar = TEXTS
    papers: ClassVar = ("liang2024internal",)
    outcome: ClassVar = Spread
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("entropy", "plurality", "plurality_correct", "above_decoding", "above_zeroed"),)
    figures: ClassVar = (Bars("plurality_correct", by="layer"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers or len(set(self.layers)) < len(self.layers):
            raise HarnessError(f"experiment.layers={list(self.layers)}: name one or more of {', '.join(DEPTHS)}, once")

    def capabilities(self) -> frozenset[Capability]:
        needed: set[Capability] = {"choose"}
        for arm in self.chosen.values():
            needed |= NEEDS[arm.how]
        return frozenset(needed)

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Choice:
        if self.gold(item) not in DIGITS:
            raise ItemError(f"the right answer is {self.gold(item)!r}; only questions with one digit can be asked")
        return await digits(subject, self.asked(item))

    async def ask(self, arm: Stage, common: Choice, item: Item, subject: Subject, fitted: None) -> list[Spread]:
        if arm.stage == "response":
            return [await self.response(arm, common, item, subject)]
        if arm.stage == "latent":
            return await together(self.latent(arm, layer, common, item, subject) for layer in self.layers)
        return [replace(self.row([common], item, common), above_decoding=0.0 if self.said(common) else None)]

    async def latent(self, arm: Stage, name: Layer, plain: Choice, item: Item, subject: Subject) -> Spread:
        """The answers inside one layer."""
        (layer,), prompt = subject.layers_at([DEPTHS[name]]), self.asked(item)
        where, heads = tuple(range(subject.prompt_tokens(prompt))), range(subject.heads)
        if arm.how == "lens":
            return self.row([await digits_behind(subject, prompt, layer)], item, plain, name)
        zero = await digits(subject, prompt, Ablate(layer, "attn_heads", where))
        if arm.how == "zero":
            return self.row([zero], item, plain, name)
        kept = await together(
            digits(subject, prompt, *keep_heads(layer, (head,), heads=len(heads), positions=where)) for head in heads
        )
        row = self.row(kept, item, plain, name)
        if row.entropy is None:
            return row
        answers = shares([choice.best for choice in kept if self.said(choice)])
        above = row.entropy - bits(self.at(zero)) if self.said(zero) else None
        row = replace(row, set_plurality=Probability(max(answers.values())), set_entropy=bits(answers))
        return replace(row, above_zeroed=above)

    async def response(self, arm: Stage, plain: Choice, item: Item, subject: Subject) -> Spread:
        """The answers after texts of the model's own."""
        asked = Prompt.user(self.text(arm.how, question=item.fields["question"]))
        room = self.max_tokens if arm.how == "reasoned" else 8
        # A model that thinks would reason before a short reply, too.
        asked = asked.thinking("") if arm.how == "brief" else asked
        texts = await subject.draws(asked, self.draws, max_tokens=room, temperature=self.temperature)
        after = (asked.then(text.text, self.text("read"), self.text("lead")) for text in texts)
        read = await together(digits(subject, prompt) for prompt in after)
        rng = subject.random(arm.how)
        drawn = [rng.choices(DIGITS, [self.at(choice)[d] for d in DIGITS])[0] for choice in read if self.said(choice)]
        row = self.row(read, item, plain, drawn=drawn)
        return replace(row, cut=Probability(fmean(text.finish == "length" for text in texts)))

    def row(
        self,
        choices: Sequence[Choice],
        item: Item,
        plain: Choice,
        layer: str = "none",
        *,
        drawn: Sequence[str] | None = None,
    ) -> Spread:
        """The row of several readings: of their mean, or of answers drawn from them."""
        mass, said = fmean(choice.mass for choice in choices), [choice for choice in choices if self.said(choice)]
        defined = len(said) / len(choices)
        if not said or (drawn is not None and len(drawn) < 2):
            why = f"the digits have a probability of {mass:.2g}"
            return Spread(layer=layer, defined=Probability(defined), mass=Probability(mass), reason=why)
        p = mixture([self.at(choice) for choice in said]) if drawn is None else shares(drawn)
        row = spread(p, self.gold(item), mass=mass, defined=defined, layer=layer)
        if not self.said(plain):
            return replace(row, reason="the next token is no digit")
        least = bits(self.at(plain)) if drawn is None else expected_bits(self.at(plain), len(drawn))
        return replace(row, above_decoding=bits(p) - least, agrees=row.answer == plain.best)

    def asked(self, item: Item) -> Prompt:
        """The question, with the beginning of its answer."""
        return Prompt.user(self.text("question", question=item.fields["question"]), self.text("lead"))

    def at(self, choice: Choice) -> dict[str, float]:
        """The digits at the temperature of the experiment."""
        return tempered(choice.p, self.temperature)

    def said(self, choice: Choice) -> bool:
        """Whether the digits have enough probability to be an answer."""
        return choice.mass >= self.least_mass

    def gold(self, item: Item) -> str:
        """The right answer as a text."""
        return str(item.gold[0] if isinstance(item.gold, list) else item.gold)
