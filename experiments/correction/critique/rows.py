"""The arms of the critique experiment, and their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.correction.chains import Revision
from harness import Arm, Probability

Words = Literal["previous", "neutral", "few-shot"]
Source = Literal["model", "gold", "wrong", "coin", "none", "other"]
Keeps = Literal["all", "not judged wrong", "not wrong", "self-check", "correction"]


@dataclass(frozen=True, kw_only=True)
class Critic(Arm):
    """Whose answers are reviewed, and whose critique their correction follows.

    Attributes:
        answers: "given" with the item, "own" greedy one, "drawn" (own, sampled); of a vote, "votes".
        critique: the model's; the true verdict alone ("gold"), the verdict wrong alone for every answer, a coin's
            verdict; none; another item's.
        words: the request for a critique says "your previous answer" as the release does, or does not; or the release's
            own prompts with examples (few-shot).
        keeps: of a vote, the candidates that it is taken over: "all"; those "not judged wrong" by the model;
            those "not wrong" (an oracle); as many as "self-check" or "correction" take calls.
        judged: whether a verdict is given on the answers; exact: whether its probability is read, too.
    """

    answers: Literal["given", "own", "drawn", "votes"] = "given"
    critique: Source = "model"
    words: Words = "previous"
    keeps: Keeps = "all"
    judged: bool = True
    exact: bool = False


CORRECTED = {
    "critique": Critic(exact=True),
    "neutral": Critic(words="neutral", exact=True),
    "own": Critic(answers="own", exact=True),
    "own empty": Critic(answers="own", critique="none", judged=False),
    "gold verdict": Critic(critique="gold"),
    "always wrong": Critic(critique="wrong"),
    "coin": Critic(critique="coin"),
    "empty": Critic(critique="none", judged=False),
    "shuffled": Critic(critique="other"),
}
"""Arms in which every answer is reviewed, and then corrected."""


def _vote(keeps: Keeps) -> Critic:
    return Critic(answers="votes", keeps=keeps, judged=False)


SAMPLED = {
    "own drawn": Critic(answers="drawn", exact=True),
    "majority": _vote("all"),
    "self-check": _vote("not judged wrong"),
    "self-check oracle": _vote("not wrong"),
    "vote equal calls own": _vote("correction"),
    "vote equal calls": _vote("self-check"),
}
"""Arms over sampled answers: each is reviewed, and votes are taken."""

ARMS = CORRECTED | SAMPLED | {"few-shot": Critic(words="few-shot")}
"""All arms by name; few-shot needs the release's folder of prompts."""


@dataclass(frozen=True, kw_only=True)
class Critiqued(Revision):
    """One answer with its verdict and its correction, or one vote.

    `before` and `after` are the answer and its correction; of a vote, the vote over all candidates and this one. The
    calls count from the question on; an answer that was given costs none.

    Attributes:
        source, kind: of the question, as the set has them ("GSM8K", "math").
        wrong: whether the answer that is judged is wrong; None in votes.
        says_wrong: the verdict; None when there is none that can be read, and where nothing is judged.
        released: the verdict that enters the release's F1, see `verdicts.released_label`.
        parse_failed: whether the critique has no verdict that can be read.
        verdict_right: whether the verdict is right; one that cannot be read is not.
        p_wrong: exact probability of "wrong" as the verdict, of "wrong" and "correct", without a critique before it.
        mass: probability that either is said.
        certainty: share of the sampled answers that agree with the most frequent one, in [0, 1].
        kept: share of the candidates that a vote is taken over.
        same_verdict: whether the critique of another item has the verdict of the model's own one on this answer.
    """

    source: str
    kind: str
    wrong: bool | None = None
    says_wrong: bool | None = None
    released: bool | None = None
    parse_failed: bool | None = None
    verdict_right: bool | None = None
    p_wrong: Probability | None = None
    mass: Probability | None = None
    certainty: Probability | None = None
    kept: Probability | None = None
    same_verdict: bool | None = None
