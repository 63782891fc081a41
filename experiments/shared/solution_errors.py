"""An error in one calculation of a reference solution of GSM8K, carried on through the later lines."""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from harness.tasks.numbers import exact, write_number

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_CALCULATION = re.compile(r"<<([^<>=]{1,100})=([^<>=]{1,40})>>")
_OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_CONSTANTS = frozenset(map(Fraction, (1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000)))
"""Numbers that a solution uses without being told them: days of a week, per cent, a double."""


class Calculation(NamedTuple):
    """A calculation as a reference solution marks it: <<48/2=24>>. `line` is its line, from 0 on."""

    line: int
    expression: str
    result: Fraction


class SolutionError(NamedTuple):
    """A solution with one wrong calculation.

    Attributes:
        line: of that calculation, from 0 on.
        place: of the digit that is off by one: 0 for ones, 1 for tens.
        right, wrong: all lines without the marks of calculations; those before `line` are the same.
        carried: the result of the whole that follows from the error.
    """

    line: int
    place: int
    right: list[str]
    wrong: list[str]
    carried: Fraction


def solution_errors(question: str, lines: Sequence[str], gold: Fraction) -> Iterator[SolutionError]:
    """All errors that can be planted, in an order drawn for the question; none where the solution cannot be followed.

    It can be followed where its marked calculations are right and the last one gives the result. A number is changed
    only where nobody can take it for another: no second calculation gives it, the problem does not hold it, and it is
    no constant such as 7 days. Every number that follows from the error is positive, with at most two decimals.

    Args:
        lines: of the solution, with the marks of GSM8K.
    """
    calculations = _calculations(lines)
    if not calculations or calculations[-1].result != gold:
        return
    unclear = numbers_in(question) | _CONSTANTS
    errors = [(one, place, sign) for one in calculations for place in (0, 1) for sign in (1, -1)]
    for one, place, sign in random.Random(f"gsm8k steps/{question}").sample(errors, len(errors)):
        if one.result < 10**place:
            continue
        changed = _carried(calculations, one, one.result + sign * 10**place)
        moved = {old for old, new in changed.items() if old != new}
        if gold not in moved or moved & unclear:
            continue
        right = [_CALCULATION.sub("", line) for line in lines]
        if _times_shown(one.result, right[one.line]) == 1:
            wrong = [*right[: one.line], *(_rewritten(line, changed) for line in right[one.line :])]
            yield SolutionError(one.line, place, right, wrong, changed[gold])


def numbers_in(text: str) -> set[Fraction]:
    """The values of all numbers that a text shows in digits."""
    found = (exact(number.rstrip(",")) for number in _NUMBER.findall(text))
    return {number for number in found if number is not None}


def _calculations(lines: Sequence[str]) -> list[Calculation]:
    """All marked calculations in their order; none where one of them is not right, or cannot be read."""
    made: list[Calculation] = []
    for at, line in enumerate(lines):
        for found in _CALCULATION.finditer(line):
            result, value = exact(found[2]), _value(found[1], {})
            if result is None or result != value:
                return []
            made.append(Calculation(at, found[1], result))
    return made


def _carried(calculations: Sequence[Calculation], flawed: Calculation, wrong: Fraction) -> dict[Fraction, Fraction]:
    """Every result from the flawed one on, with the value that it has after the error; {} where that is unclear."""
    results = [one.result for one in calculations]
    changed = {flawed.result: wrong}
    for one in calculations[calculations.index(flawed) + 1 :]:
        value = _value(one.expression, changed)
        if value is None or changed.get(one.result, value) != value:
            return {}
        changed[one.result] = value
    clear = all(value > 0 and 100 % value.denominator == 0 for value in changed.values())
    once = all(results.count(old) == 1 for old, new in changed.items() if old != new)
    return changed if clear and once else {}


def _times_shown(number: Fraction, line: str) -> int:
    return sum(exact(found.rstrip(",")) == number for found in _NUMBER.findall(line))


def _rewritten(line: str, changed: Mapping[Fraction, Fraction]) -> str:
    """The line with the changed number in place of each that it holds."""

    def new(found: re.Match[str]) -> str:
        digits = found[0].rstrip(",")
        value = exact(digits)
        if value is None or changed.get(value, value) == value:
            return found[0]
        written = write_number(changed[value])
        whole, dot, decimals = written.partition(".")
        return (f"{int(whole):,}{dot}{decimals}" if "," in digits else written) + found[0][len(digits) :]

    return _NUMBER.sub(new, line)


def _value(expression: str, changed: Mapping[Fraction, Fraction]) -> Fraction | None:
    """The value of a sum of numbers with + - * / and brackets, some of them changed; None for anything else."""
    numbers = re.sub(r"(?<![\d.])0+(?=\d)", "", expression.replace(",", "").strip())
    try:
        return _of(ast.parse(numbers, mode="eval").body, changed)
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
