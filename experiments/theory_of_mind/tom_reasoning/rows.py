"""The row of an answer after some trace, and the metrics over such rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from experiments.theory_of_mind.tom_choice.rows import right_option
from experiments.theory_of_mind.tom_reasoning.prompts import in_form, last_answer, loosely, named, strictly
from experiments.theory_of_mind.tom_reasoning.traces import Whole
from harness import Choice, Fate, GradedAnswer, Item, Probability, metrics
from harness.tasks.fates import ungraded

COLLAPSED = 20
"""Tokens: a model whose median trace is shorter does not reason before it answers."""
REPLY, EXACT = "whole reply", "exact"


@dataclass(frozen=True, kw_only=True)
class Reasoned(GradedAnswer):
    """An answer to one question about a story, after some trace.

    Attributes:
        answer: the option or text answered; gold: the right option.
        correct: whether the answer is the right option: of whole replies, whether the text in <answer> equals it.
        correct_loose: of whole replies, whether that text ends with the right option.
        condition, order: the question's; None where its set names none.
        p_gold: probability of the right option among the options; mass: probability that any is said.
        format_ok: of whole replies, whether each mark stands once and in order.
        trace_tokens: length of the trace before the answer; short_trace: whether it is below 20 tokens.
        agents_named: share of the people of the story that the trace names.
    """

    gold: str
    correct_loose: bool | None = None
    condition: str | None
    order: int | None
    p_gold: Probability | None = None
    mass: Probability | None = None
    format_ok: bool | None = None
    trace_tokens: int | None = None
    short_trace: bool | None = None
    agents_named: Probability | None = None


def of_option(item: Item, answer: str) -> Reasoned:
    """The row of an option."""
    gold, fields = right_option(item), item.fields
    return Reasoned(
        answer=answer,
        correct=answer == gold,
        fate="answered",
        gold=gold,
        condition=fields["condition"] or None,
        order=fields["order"],
    )


def of_choice(item: Item, choice: Choice, tokens: int | None) -> Reasoned:
    """The row of the most probable option after a trace of some tokens."""
    row = of_option(item, choice.best)
    p, mass = Probability(choice.p[row.gold]), Probability(choice.mass)
    return replace(row, p_gold=p, mass=mass, trace_tokens=tokens)


def of_reply(item: Item, whole: Whole) -> Reasoned:
    """The row of a whole reply: its answer between marks, its form, and the length of its reasoning."""
    reply, trace = whole.reply, whole.trace
    ended = reply.finish != "length"
    answer = last_answer(reply.text, ended=ended)
    fate: Fate = "answered" if answer else ungraded(reply).fate
    gold = right_option(item)
    return replace(
        of_option(item, answer),
        correct=strictly(answer, gold),
        correct_loose=loosely(answer, gold),
        fate=fate,
        format_ok=whole.closed and ended and in_form(reply.text),
        trace_tokens=trace.tokens,
        short_trace=trace.tokens < COLLAPSED,
        agents_named=named(trace.text, item.fields["story"]),
    )


_REPLY: Mapping[str, str] = {"arm": REPLY}
METRICS = (
    *metrics.graded(),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=("arm", "order")),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_condition", by=("arm", "condition")),
    *metrics.rates(accuracy_loose="correct_loose", where=_REPLY),
    *metrics.rates(accuracy_loose_by_order="correct_loose", by=("arm", "order"), where=_REPLY),
    *metrics.rates("format_ok", short_traces="short_trace", where=_REPLY),
    *metrics.means("trace_tokens", where=_REPLY),
    *metrics.mean_probabilities("agents_named", where=_REPLY),
    *metrics.mean_probabilities("p_gold", where={EXACT: True}),
    *metrics.mean_probabilities("p_gold", suffix="_by_order", by=("arm", "order"), where={EXACT: True}),
    *metrics.mean_probabilities(option_mass="mass", where={EXACT: True}),
)
