"""Adjusts the verdicts of a family of claims, so that the chance of any false alarm is 5 % (Holm 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.statistics.claims import LEVEL, Verdict
from harness.statistics.pairs import holm


def in_family(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same verdicts with `kind_holm` and `p_holm`, after the method of Holm (1979).

    A claim whose own interval decides it keeps its verdict where its adjusted p is at most 5 %, else it is undecided.
    Claims without a p are none of the tests: one that is not comparable, or held back, cannot raise a false alarm. A
    claim that its interval decides though it has no p (a calibration error against a constant) cannot be adjusted,
    and is undecided.

    Args:
        verdicts: of the claims of one run, or of one study; published numbers are no part of a family.
    """
    adjusted = holm([verdict.p for verdict in verdicts])
    return [_adjusted(verdict, p) for verdict, p in zip(verdicts, adjusted, strict=True)]


def _adjusted(verdict: Verdict, p_holm: float | None) -> Verdict:
    decided = verdict.kind in ("supported", "contradicted")
    stands = p_holm is not None and p_holm <= LEVEL
    return replace(verdict, p_holm=p_holm, kind_holm=verdict.kind if stands or not decided else "undecided")


def resolution(verdicts: Sequence[Verdict], replicates: int) -> str:
    """A warning that the replicates are too few for a family of this size; "" if they are enough.

    The least p of B replicates is 2 / (B + 1), which Holm's method multiplies by the size of the family.
    """
    tests = sum(verdict.p is not None for verdict in verdicts)
    least = 2 * tests / (replicates + 1)
    if least <= LEVEL:
        return ""
    return (
        f"{replicates} replicates of {tests} claims: no adjusted p can be below {min(1.0, least):.2g}; "
        f"set replicates={int(2 * tests / LEVEL)}"
    )
