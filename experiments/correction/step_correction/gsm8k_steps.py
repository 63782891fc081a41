"""GSM8K with an error in one step of the reference solution, by rule."""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, NamedTuple

from experiments.correction.step_correction.task import PLACES
from harness import Item
from harness.tasks.gsm8k import Gsm8k
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_CALCULATION = re.compile(r"<<([^<>=]{1,100})=([^<>=]{1,40})>>")
_OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Calculation(NamedTuple):
    """A calculation as a reference solution marks it: <<48/2=24>>. `line` is its line, from 0 on."""

    line: int
    expression: str
    result: Fraction


@dataclass(frozen=True, kw_only=True)
class Gsm8kSteps(HubTask):
    """GSM8K problems with the first lines of the reference solution, whose last is right or wrong.

    Fields as those of task planted_steps. The wrong line has a result that is off by one in a digit; later lines take
    it up, so that the solution that is carried on from it ends in a wrong result ("carried"). Rows are passed over
    where no such error can be planted: the marked calculations of the solution do not give its result, none of their
    results is taken up later, or the right result is among the numbers that are shown. A number that two calculations
    give, or that the problem holds, too, is left alone, as nobody could tell which of them a later line takes up.
    """

    version: ClassVar[str] = "1"
    name: str = "gsm8k_steps"
    hub: str = "openai/gsm8k"
    config: str | None = "main"

    def item(self, row: Row) -> Item | None:
        plain = Gsm8k().item(row)
        lines = [line for line in row.text("answer").rpartition("####")[0].splitlines() if line.strip()]
        planted = _planted(plain.fields["question"], lines, Fraction(plain.gold))
        return None if planted is None else replace(plain, fields={"question": plain.fields["question"], **planted})


def _planted(question: str, lines: Sequence[str], gold: Fraction) -> dict[str, object] | None:
    """The fields that an error makes, the first in an order drawn for the question that can be planted; or None."""
    calculations = _calculations(lines)
    if not calculations or calculations[-1].result != gold:
        return None
    rng = random.Random(f"gsm8k steps/{question}")
    errors = [(one, place, sign) for one in calculations for place in (0, 1) for sign in (1, -1)]
    for one, place, sign in rng.sample(errors, len(errors)):
        wrong = one.result + sign * 10**place
        right_steps = [_CALCULATION.sub("", line) for line in lines[: one.line + 1]]
        wrong_line = _with(lines[one.line], one.result, wrong)
        carried = _carried(calculations, one, wrong)
        if wrong_line is None or wrong <= 0 or one.result < 10**place or carried in (None, gold):
            continue
        wrong_steps = [*right_steps[:-1], wrong_line]
        if gold in _numbers(" ".join([question, *right_steps, *wrong_steps])) or one.result in _numbers(question):
            continue
        told = {"right_steps": right_steps, "wrong_steps": wrong_steps, "step": one.line + 1}
        return {**told, "flaw": PLACES[place], "carried": write_number(carried)}
    return None


def _calculations(lines: Sequence[str]) -> list[Calculation]:
    """All marked calculations in their order; none where one of them is not right, or cannot be read."""
    made: list[Calculation] = []
    for at, line in enumerate(lines):
        for found in _CALCULATION.finditer(line):
            result, value = exact(found[2]), _value(found[1])
            if result is None or result != value:
                return []
            made.append(Calculation(at, found[1], result))
    return made


def _with(line: str, result: Fraction, wrong: Fraction) -> str | None:
    """The line as it is shown, with a wrong number for the result; None where it does not show it just once."""
    shown = _CALCULATION.sub("", line)
    where = [found for found in _NUMBER.finditer(shown) if exact(found[0]) == result]
    return f"{shown[: where[0].start()]}{write_number(wrong)}{shown[where[0].end() :]}" if len(where) == 1 else None


def _carried(calculations: Sequence[Calculation], flawed: Calculation, wrong: Fraction) -> Fraction | None:
    """The last result where the wrong one is carried on through later lines; None where it is not taken up, or unclear.

    It is unclear where two calculations have the result, so that a number later on may be either.
    """
    if [one.result for one in calculations].count(flawed.result) > 1:
        return None
    changed, last = {flawed.result: wrong}, None
    for one in calculations[calculations.index(flawed) + 1 :]:
        last = _value(one.expression, changed)
        if last is None:
            return None
        changed[one.result] = last
    return last


def _numbers(text: str) -> set[Fraction]:
    found = (exact(number.rstrip(",")) for number in _NUMBER.findall(text))
    return {number for number in found if number is not None}


def _value(expression: str, changed: Mapping[Fraction, Fraction] | None = None) -> Fraction | None:
    """The value of a sum of numbers with + - * / and brackets, some of them changed; None for anything else."""
    numbers = re.sub(r"(?<![\d.])0+(?=\d)", "", expression.replace(",", "").strip())
    try:
        return _of(ast.parse(numbers, mode="eval").body, changed or {})
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _of(node: ast.expr, changed: Mapping[Fraction, Fraction]) -> Fraction:
    """The value of a parsed sum.

    Raises:
        ValueError: it is more than a sum.
    """
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number = Fraction(str(node.value))
        return changed.get(number, number)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_of(node.operand, changed)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_of(node.left, changed), _of(node.right, changed))
    raise ValueError(f"no sum: {ast.dump(node)[:60]}")
