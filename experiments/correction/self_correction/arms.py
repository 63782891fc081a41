"""The arms of the self-correction experiment: how an answer is revised, and which answer stands at a turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.correction.self_correction.prompts import SECOND_TURNS
from experiments.shared.thoughts import THOUGHTS, Before, ThoughtArm

Way = tuple[str, Before]
"""How a turn is answered: its decoding, and the thought before it."""


@dataclass(frozen=True, kw_only=True)
class Revising(ThoughtArm):
    """How an answer is revised, and which answer stands at a turn.

    A vote is equal in calls to the chain beside it. A call is a turn of the model with the thought before it, so that
    both have as many thoughts; the tokens of each are in `mean_new_tokens`.

    Attributes:
        style: whose second turn is asked, see `prompts.SECOND_TURNS`; of a vote, whose number of calls it matches.
        decoding: "greedy", or "sampled" at the experiment's temperature.
        kind: "revision", the answer of the turn alone; "oracle", the first right answer of the chain up to the turn;
            "within", the vote over the answers of the chain; "vote", over as many first answers as a chain has taken
            calls; "resample", another first answer in place of a revision.
        chains: whether all sampled chains are taken together: a vote over their revisions, or over as many first
            answers as all of them have taken calls.
    """

    style: str = ""
    decoding: str = "sampled"
    kind: str = "revision"
    chains: bool = False

    @property
    def way(self) -> Way:
        """How each turn is answered."""
        return self.decoding, self.thought


_AS_SET = {
    **{
        f"{style} {decoding}{end}": Revising(style=style, decoding=decoding, kind=kind)
        for style in SECOND_TURNS
        for decoding in ("greedy", "sampled")
        for kind, end in {"revision": "", "oracle": " oracle", "within": " within"}.items()
    },
    **{f"{style} chains": Revising(style=style, chains=True) for style in SECOND_TURNS},
    "vote beside huang": Revising(style="huang", kind="vote"),
    "vote beside huang chains": Revising(style="huang", kind="vote", chains=True),
    "vote beside score chains": Revising(style="score", kind="vote", chains=True),
    "resample": Revising(kind="resample"),
}

ARMS = _AS_SET | {
    f"{name}{end}": replace(arm, thought=thought)
    for end, thought in THOUGHTS.items()
    for name, arm in _AS_SET.items()
    if not arm.chains and arm.kind in {"revision", "vote", "resample"}
}
"""All arms by name."""
