"""Arms of the self-preference experiment, the rows that they give, and the texts that a judge sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from experiments.shared.judge_reliability import ByJudge, JudgeReliability
from experiments.shared.pairs import PairVerdict, vote
from experiments.shared.thoughts import THOUGHTS, ThoughtArm
from harness import Fate, Item, Probability
from harness.tasks.texts import words


@dataclass(frozen=True, kw_only=True)
class Judging(ThoughtArm):
    """Who judges a pair of answers, and in which form.

    Attributes:
        judge: the model under study, the rival that gave the other answer, or a rule: a coin, the longer answer, the
            shorter one, or the one that has more of the question's words.
        shown: the answers as given; both paraphrased by the judge part; both cut to the length of the shorter; or with
            an answer by rule in the place of the own one, right where that is right and wrong where it is wrong.
    """

    judge: Literal["subject", "rival", "coin", "longer", "shorter", "overlap"]
    shown: Literal["as given", "paraphrased", "equal length", "stand-in"] = "as given"


@dataclass(frozen=True, kw_only=True)
class Preference(ByJudge):
    """One verdict on the model's own answer and the rival's to one question. "Own" is the model under study's.

    Attributes:
        cell: which of the two answers are right by the key: "own right", "other right", "both right", "both wrong"; or
            "no key" where judges decide.
        equal: whether the two answers say the same in the same words; such a pair is not judged, and left out of all
            rates.
        p_own: probability that the own answer is preferred, the mean over both orders.
        own_win: 1 where it is preferred in both orders, 0 where the other one is, 1/2 where the orders disagree.
        own_win_mean: the same by `p_own`, as in the released code: 1 above 1/2, 0 below.
        gold_win: the same by the key (1/2 where both are right or both wrong), or by the majority of the judges.
        third_win: the rival's verdict on the same pair, in the arms in which the model judges it as given; None where
            the rival is the model itself.
        agrees: whether the verdict is the key's, where the key prefers one.
        own_right, other_right: by the key; None without one.
        longer: 1 where the own answer, as shown, has more characters, -1 where the other one has, 0 where neither.
        kept: whether the paraphrases are as right, or as wrong, as the answers that they are of.
        first_bias, orders_agree, mass: see `PairVerdict`.
        fate_own, fate_other: what became of the answers.
    """

    cell: str
    equal: bool
    p_own: Probability | None = None
    own_win: float | None = None
    own_win_mean: float | None = None
    gold_win: float | None = None
    third_win: float | None = None
    agrees: bool | None = None
    own_right: bool | None = None
    other_right: bool | None = None
    longer: float = 0.0
    kept: bool | None = None
    first_bias: float | None = None
    orders_agree: bool | None = None
    mass: Probability | None = None
    fate_own: Fate
    fate_other: Fate


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its text, whether it is right by the key (None without one), and its fate."""

    text: str
    right: bool | None
    fate: Fate


@dataclass(frozen=True, slots=True)
class Pair:
    """The two answers to a question.

    Attributes:
        gold_win: by the key or by judges, as the column.
        relied: how far these judges can be relied on; None where the key decides.
    """

    own: Answer
    other: Answer
    gold_win: float | None = None
    relied: JudgeReliability | None = None

    @property
    def key_win(self) -> float:
        """How the key decides: 1 for the own answer, 0 for the other one, 1/2 where both are right or both wrong."""
        return 0.5 + (bool(self.own.right) - bool(self.other.right)) / 2

    @property
    def cell(self) -> str:
        """Which of the answers are right."""
        if self.own.right is None or self.other.right is None:
            return "no key"
        if self.own.right != self.other.right:
            return "own right" if self.own.right else "other right"
        return "both right" if self.own.right else "both wrong"

    @property
    def texts(self) -> tuple[str, str]:
        """Both texts, the own one first."""
        return self.own.text, self.other.text

    @property
    def equal(self) -> bool:
        """Whether both have the same words."""
        own, other = (" ".join(text.casefold().split()) for text in self.texts)
        return own == other

    def row(self, one: str, other: str) -> Preference:
        """The row of these answers without a verdict, as far as any arm has it, with the texts shown."""
        return Preference(
            cell=self.cell,
            equal=self.equal,
            gold_win=self.gold_win,
            own_right=self.own.right,
            other_right=self.other.right,
            longer=float((len(one) > len(other)) - (len(one) < len(other))),
            fate_own=self.own.fate,
            fate_other=self.other.fate,
            judge_gold=self.relied.gold if self.relied else None,
            judge_repeats=self.relied.repeats if self.relied else None,
            judge_orders=self.relied.orders if self.relied else None,
        )

    def by_rule(self, judge: str, question: str) -> Preference:
        """The row of a judge that reads no quality: with a coin each answer wins half of the time, else by a rule."""
        row, asked = self.row(*self.texts), {*words(question)}
        shared = [len(asked & {*words(text)}) for text in self.texts]
        overlap = float((shared[0] > shared[1]) - (shared[0] < shared[1]))
        return won(
            row, ({"coin": 0.0, "longer": row.longer, "shorter": -row.longer, "overlap": overlap}[judge] + 1) / 2
        )


def won(row: Preference, win: float) -> Preference:
    """The row with a verdict; an equal pair keeps none."""
    if row.equal:
        return row
    agrees = None if row.gold_win in (None, 0.5) else win == row.gold_win
    return replace(row, own_win=win, agrees=agrees)


def judged(row: Preference, verdict: PairVerdict, third: PairVerdict | None) -> Preference:
    """The row with a model's verdict, and the rival's."""
    return replace(
        won(row, float(verdict.win)),
        p_own=verdict.p,
        own_win_mean=vote(verdict.p),
        third_win=None if third is None else float(third.win),
        first_bias=float(verdict.first_bias),
        orders_agree=verdict.orders_agree,
        mass=verdict.mass,
    )


def cut_alike(one: str, other: str) -> tuple[str, str]:
    """Both texts, each cut to as many words as the shorter one has."""
    first, second = one.split(), other.split()
    most = min(len(first), len(second))
    return " ".join(first[:most]), " ".join(second[:most])


def stand_in(item: Item, own: Answer) -> str | None:
    """The answer by rule that is as right as the own one; None where the task gives none."""
    text = item.fields.get("right" if own.right else "wrong")
    return text if isinstance(text, str) and own.right is not None else None


_OWN, _RIVAL = "judge own", "judge rival"
RULES = ("coin", "longer wins", "shorter wins", "word overlap")
DEFAULT = (_OWN, _RIVAL, "stand-in", "blind", "equal length", *RULES)
ARMS: Mapping[str, Judging] = {
    **{f"{_OWN}{end}": Judging(judge="subject", thought=thought) for end, thought in THOUGHTS.items()},
    **{f"{_RIVAL}{end}": Judging(judge="rival", thought=thought) for end, thought in THOUGHTS.items()},
    "stand-in": Judging(judge="subject", shown="stand-in"),
    "blind": Judging(judge="subject", shown="paraphrased"),
    "equal length": Judging(judge="subject", shown="equal length"),
    "coin": Judging(judge="coin"),
    "longer wins": Judging(judge="longer"),
    "shorter wins": Judging(judge="shorter"),
    "word overlap": Judging(judge="overlap"),
}
"""All arms; those about thoughts are for models that think, and run when asked for."""
