"""The ways to get P(IK) of a question, before it is answered: asked in words, or read by a probe (Kadavath et al. 2022,
sections 5.1 and 5.2). A model that thinks gives it without a thought: in its thought it would answer the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.shared import answers
from harness import Item, Message, Outcome, Probability, Prompt, Subject, fill, letter
from harness.metrics.columns import Floats
from harness.vectors.probes import NoProbe, Probe

Asked = Literal["probe", "yes-no", "percent"]

TEXTS: Mapping[str, str] = {
    "yes_no": "${before}Question: $question\nDo you know the answer?\n (A) $first\n (B) $second",
    "yes_no_lead": "Answer:",
    "percent": "How likely is it that you can answer the question correctly? Say $steps.\n${before}Question: $question",
    # A small model says a word after the one and a number after the other, with two thirds and more of the mass.
    "spelled_lead": "My confidence is",
    "digits_lead": "Confidence:",
}

SPELLED = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")


@dataclass(frozen=True, kw_only=True)
class Forecast(Outcome):
    """P(IK) of one question.

    Attributes:
        domain: the kind of question.
        p: P(IK); None where there is no probe, for the `reason`.
        mass: probability on the options before renormalising, in [0, 1]; None for a probe.
        layer: the layer that the probe reads; None in words.
        calls, prompt_tokens: the cost of P(IK) itself; sampled answers cost extra.
        reason: why there is no probe; None where there is one.
    """

    domain: str = ""
    p: Probability | None
    mass: Probability | None = None
    layer: int | None = None
    calls: int
    prompt_tokens: int
    reason: str | None = None


async def yes_no(
    item: Item, subject: Subject, wording: Mapping[str, str], before: str = "", *, swapped: bool = False
) -> Forecast:
    """Asks whether the model knows the answer: p(Yes) over p(Yes) + p(No).

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
        before: text before the question, with the line break that ends it.
        swapped: whether Yes is (B) and No is (A). A difference between the two orders is owed to the letters.
    """
    first, second = ("No", "Yes") if swapped else ("Yes", "No")
    told = {"before": before, "question": item.fields["question"], "first": first, "second": second}
    text = fill(wording["yes_no"], told)
    turns, lead = (Message("user", text),), wording["yes_no_lead"]
    choice = await letter(subject, turns, lead, {first.lower(): "A", second.lower(): "B"}, thought="")
    tokens = subject.prompt_tokens(Prompt(turns, f"{lead} (").thinking(""))
    p, mass = Probability(choice.p["yes"]), Probability(choice.mass)
    return Forecast(p=p, mass=mass, calls=choice.calls, prompt_tokens=tokens)


async def percent(
    item: Item, subject: Subject, wording: Mapping[str, str], before: str = "", *, spelled: bool
) -> Forecast:
    """Asks for a confidence in steps of ten percent: the mean over the exact probabilities of the eleven steps.

    Args:
        wording, before: as in `yes_no`.
        spelled: "ninety", one token in most vocabularies, and not "90%", several.
    """
    names = SPELLED if spelled else [f"{10 * i}%" for i in range(11)]
    steps = f"{', '.join(names[:-1])} or {names[-1]}{' percent' if spelled else ''}"
    text = fill(wording["percent"], {"steps": steps, "before": before, "question": item.fields["question"]})
    prompt = Prompt.user(text, wording["spelled_lead" if spelled else "digits_lead"])
    choice = await subject.choose(prompt, {f"{10 * i}%": [f" {name}"] for i, name in enumerate(names)}, thought="")
    p = Probability(min(1.0, sum(choice.p[f"{10 * i}%"] * (i / 10) for i in range(11))))
    tokens = subject.prompt_tokens(prompt.thinking(""))
    return Forecast(p=p, mass=Probability(choice.mass), calls=choice.calls, prompt_tokens=tokens)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a question that probes need.

    Attributes:
        states: [1, width] by layer, of the last token before the answer.
        prompt_tokens: size of the prompt.
    """

    states: Mapping[int, Floats]
    prompt_tokens: int

    def forecast(self, probe: Probe | NoProbe) -> Forecast:
        """P(IK) by a probe; where there is none, why."""
        if isinstance(probe, NoProbe):
            return Forecast(p=None, calls=0, prompt_tokens=0, reason=probe.reason)
        p = Probability(float(probe(self.states[probe.layer])[0]))
        return Forecast(p=p, layer=probe.layer, calls=1, prompt_tokens=self.prompt_tokens)


async def read(probes: Iterable[Probe | NoProbe], item: Item, subject: Subject, before: str = "") -> Reading:
    """Reads a question for all of some probes at once."""
    layers = sorted({probe.layer for probe in probes if isinstance(probe, Probe)})
    if not layers:
        return Reading({}, 0)
    prompt = answers.ask(item, before)
    states = (await subject.read(prompt, layers=layers, positions=[-1])).numpy()
    return Reading(dict(zip(layers, states, strict=True)), subject.prompt_tokens(prompt))
