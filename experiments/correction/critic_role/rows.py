"""The arms of the critic's role, and their rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from experiments.correction.chains import Revision
from harness import Arm, Probability

Feedback = Literal["critic", "self", "other", "gold", "wrong", "none", "vote"]


@dataclass(frozen=True, kw_only=True)
class Refining(Arm):
    """Whose solutions are refined, and after which feedback.

    Attributes:
        solutions: the actor's "own" greedy one, or the ones that are "given" with the item.
        feedback: a critique by the "critic", by the actor ("self"), or by the critic about another item ("other"); the
            true verdict alone ("gold") or the verdict that it is wrong ("wrong"); none; or a vote over as many sampled
            answers in place of it.
        routed: whether only wrong solutions go to the critic, which takes an oracle; right ones stand.
        judged: whether a critic judges these very solutions; written: whether a whole critique is shown, of these
            solutions or others.
    """

    solutions: Literal["own", "given"] = "own"
    feedback: Feedback = "critic"
    routed: bool = False
    judged: bool = False
    written: bool = False


_OWN = {
    "real": Refining(judged=True, written=True),
    "self": Refining(feedback="self", judged=True, written=True),
    "empty": Refining(feedback="none"),
    "shuffled": Refining(feedback="other", written=True),
    "gold verdict": Refining(feedback="gold"),
    "always wrong": Refining(feedback="wrong"),
}
_GIVEN = {f"given {name}": replace(arm, solutions="given") for name, arm in _OWN.items()}

ARMS = {
    **_OWN,
    "oracle routing": Refining(routed=True),
    "vote equal calls": Refining(feedback="vote"),
    **_GIVEN,
}
"""All arms by name."""


@dataclass(frozen=True, kw_only=True)
class Refined(Revision):
    """A solution, the critique of it, and the refined solution.

    `before` and `after` are the solution and the refined one. The calls count from the question on; a given solution
    costs none, and a critique counts as a call of any writer.

    Attributes:
        wrong: whether the solution is wrong.
        says_wrong: the critique's verdict on the final answer; None when there is none that can be read, and in arms
            without a critique.
        parse_failed: whether the critique has no verdict that can be read.
        verdict_right: whether its verdict is right; one that cannot be read is not.
        p_wrong: exact probability of Wrong as the verdict, of Wrong and Correct, where the critique is closed by force
            with "Correctness of the final answer:", before its own verdict if it has one; only of these very solutions.
        mass: the probability of both verdicts together, in [0, 1].
        first_error_hit: whether the first step that is called wrong is the first wrong one; False when none is called
            wrong. Only of wrong solutions whose first wrong step is known.
        leak: whether the critique of a wrong solution names the right answer, which stands in neither question nor
            solution; None of right ones, and without a critique.
        critique_tokens: length of the critique, in tokens of its writer.
        same_verdict: whether the critique of another item has the verdict of the critic's own one on this solution.
        difficulty: share of the actor's sampled answers that are right: "0", "(0, .25]", ... "(.75, 1]".
    """

    wrong: bool
    says_wrong: bool | None = None
    parse_failed: bool | None = None
    verdict_right: bool | None = None
    p_wrong: Probability | None = None
    mass: Probability | None = None
    first_error_hit: bool | None = None
    leak: bool | None = None
    critique_tokens: int | None = None
    same_verdict: bool | None = None
    difficulty: str = ""
