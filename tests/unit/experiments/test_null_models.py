"""Models without an ability, whose confidence follows something else: no claim of the ability is supported.

Beside each stands a model that has the ability, for which the same claims are. A claim that a model says too much is of
no ability, and true of many a constant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from experiments.calibration.mc_calibration.mc_calibration import McCalibration
from experiments.calibration.p_ik.p_ik import PIK
from experiments.calibration.p_ik_contexts.p_ik_contexts import PIKContexts
from experiments.calibration.p_true.p_true import PTrue
from experiments.calibration.self_critique_confidence.self_critique_confidence import SelfCritiqueConfidence
from experiments.calibration.self_knowledge.self_knowledge import SelfKnowledge
from experiments.calibration.self_knowledge.unanswerable import Unanswerable
from experiments.calibration.semantic_entropy.semantic_entropy import SemanticEntropy
from experiments.calibration.verbalized_confidence.verbalized_confidence import VerbalizedConfidence
from harness import Experiment, Item
from harness.config.build import construct
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.estimates import estimate_all
from harness.tasks.graders import letter_choice, short_answer
from harness.testing import Simulated, simulate

CONF = Path(__file__).parents[3] / "conf/experiment"
Reply = str | Mapping[str, float]
Says = Callable[[int, str, bool], float]
"""The confidence of a model in an answer to the question of a number; whether it was shown examples, ideas or its own
reply."""
TOO_SURE = {"The model says too much", "A tuned model is too sure of its letters"}


def verdicts(experiment: Experiment, name: str, done: Simulated) -> dict[str, str]:
    """The verdicts on the claims of conf/experiment/NAME.yaml that the arms answer."""
    assert not any(row["error"] for row in done.rows), [row["error"] for row in done.rows if row["error"]]
    written = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))["claims"]
    claims = [construct(Claim, one, "claims") for one in written]
    judged = {metric for claim in claims for one in (claim, claim.provided) if one for metric, _ in one.sides}
    metrics = [metric for metric in experiment.metrics if metric.name in judged]
    estimates = estimate_all(metrics, done.table, replicates=200)
    found = {c.text: judge_claim(c, estimates, experiment.metrics, done.table, replicates=200).kind for c in claims}
    asked: dict[str, str] = {text: kind for text, kind in found.items() if kind != "not comparable"}
    assert asked
    return asked


def supported(found: Mapping[str, str]) -> set[str]:
    return {text for text, kind in found.items() if kind == "supported"}


# Questions of two kinds: of the easy one three in four are answered rightly, of the hard one every fourth. Right
# answers are short words, wrong ones long phrases in two cases of three.
def easy(i: int) -> bool:
    return i % 2 == 0


def right(i: int) -> bool:
    return random.Random(i).random() < (0.75 if easy(i) else 0.25)


def answer(i: int) -> str:
    if right(i):
        return f"gold{i:03}"
    return f"bronze or silver of the year{i:03}" if random.Random(f"{i} long").random() < 2 / 3 else f"coal{i:03}"


def short(i: int) -> str:
    """Answers as often right, of which lengths tell nothing."""
    return f"gold{i:03}" if right(i) else f"coal{i:03}"


def question(i: int) -> str:
    return f"What {'easy' if easy(i) else 'hard'} thing is {i:03}?"


def items(start: int, stop: int) -> list[Item]:
    kinds = ("easy" if easy(i) else "hard" for i in range(start, stop))
    return [
        Item({"question": question(i), "kind": kind}, f"gold{i:03}", short_answer)
        for i, kind in zip(range(start, stop), kinds, strict=True)
    ]


def number(prompt: str) -> int:
    return int(re.findall(r"thing is (\d{3})\?", prompt)[-1])


def by_kind(i: int, said: str, shown: bool) -> float:
    return 0.75 if easy(i) else 0.25


def by_length(i: int, said: str, shown: bool) -> float:
    return max(0.02, 0.98 - len(said) / 40)


def by_both(i: int, said: str, shown: bool) -> float:
    return 0.6 * by_kind(i, said, shown) + 0.4 * by_length(i, said, shown)


def constant(i: int, said: str, shown: bool) -> float:
    return 0.8


def lucky(i: int, said: str, shown: bool) -> float:
    """The base rate, when it is shown something."""
    return 0.5 if shown else 0.9


def kind_when_shown(i: int, said: str, shown: bool) -> float:
    return by_kind(i, said, shown) if shown else 0.9


def knows(i: int, said: str, shown: bool) -> float:
    """Calibrated when it is shown something, else too extreme."""
    if shown:
        return (0.95 if right(i) else 0.05) if random.Random(f"{i} luck").random() < 0.95 else 0.5
    return 0.999 if right(i) != (random.Random(f"{i} wrong").random() < 0.12) else 0.01


NULLS: Sequence[Says] = (by_kind, by_length, by_both, constant, lucky, kind_when_shown)


def model(says: Says, answer: Callable[[int], str] = answer) -> Callable[[str], Reply]:
    """Answers all questions, and says how sure it is in every form that is asked for."""

    def reply(prompt: str) -> Reply:
        i = number(prompt)
        told = re.findall(
            r"(?:Answer|Solution|response: The answer is): ?([^\n<,]+)|<answer>([^<\n]+)</answer>", prompt
        )
        shown = prompt.count("thing is") > 1 or "Solution:" in prompt or "refine" in prompt
        p = says(i, next(filter(None, told[-1])) if told else answer(i), shown)
        if prompt.endswith(("answer is: (", "Answer: (")):
            return {"A": p, "B": 1 - p}
        if prompt.endswith("confidence is"):
            return {" ninety": p, " ten": 1 - p}
        if prompt.endswith("<confidence>"):
            return f"{round(100 * p)}%</confidence>"
        if prompt.endswith("<answer>"):
            return f"{answer(i)}</answer>"
        if prompt.endswith("answer is"):
            instrument = "uncertainty" if "your uncertainty" in prompt else "confidence"
            return f"{answer(i)}, and the {instrument} is {round(100 * (1 - p if instrument == 'uncertainty' else p))}%"
        return answer(i)

    return reply


def p_true(reply: Callable[[str], Reply]) -> dict[str, str]:
    experiment = PTrue(
        arms=["zero-shot", "fixed", "few-shot", "few-shot shuffled", "few-shot brainstorm"], draws=1, shots=4
    )
    return verdicts(experiment, "pTrue", simulate(experiment, items(0, 120), reply, train=items(200, 212)))


def p_ik(reply: Callable[[str], Reply]) -> dict[str, str]:
    experiment = PIK(arms=["yes-no", "percent"], draws=1)
    return verdicts(experiment, "pIK", simulate(experiment, items(0, 120), reply))


def verbalized(reply: Callable[[str], Reply]) -> dict[str, str]:
    experiment = VerbalizedConfidence()
    return verdicts(experiment, "verbalizedConfidence", simulate(experiment, items(0, 120), reply))


def self_critique(reply: Callable[[str], Reply]) -> dict[str, str]:
    experiment = SelfCritiqueConfidence()
    return verdicts(experiment, "selfCritiqueConfidence", simulate(experiment, items(0, 120), reply))


WAYS = {"pTrue": p_true, "pIK": p_ik, "verbalizedConfidence": verbalized, "selfCritiqueConfidence": self_critique}


@pytest.mark.parametrize(
    ("experiment", "says"),
    # P(IK) is asked before there is an answer: who follows the length of the answer then knows the answer.
    [(name, says) for name in WAYS for says in NULLS if name != "pIK" or says in (by_kind, constant)],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_confidence_that_follows_kinds_or_lengths_is_no_self_knowledge(experiment: str, says: Says) -> None:
    assert supported(WAYS[experiment](model(says))) <= TOO_SURE


@pytest.mark.parametrize(
    ("experiment", "claims"),
    [
        (
            "pTrue",
            {
                "P(True) ranks the model's right answers above its wrong ones",
                "P(True) ranks answers to questions of one kind better than their lengths do",
                "P(True) beats the base rate",
                "A tuned model's P(True) is too extreme",
                "One temperature mends the P(True) of a tuned model",
            },
        ),
        (
            "pIK",
            {
                "Asked for yes or no, the model knows within a domain what it will know, better than lengths tell",
                "Asked for a percentage, the model knows within a domain what it will know, better than lengths tell",
            },
        ),
        (
            "verbalizedConfidence",
            {
                "Stated confidence ranks right answers above wrong ones",
                "Stated confidence ranks answers to questions of one kind better than their lengths do",
                "An instruct model is better calibrated when it reflects on its answer first",
            },
        ),
        (
            "selfCritiqueConfidence",
            {
                "Stated confidence ranks answers to questions of one kind better than their lengths do",
                "Confidence beats the base rate of its kind of question",
                "Self-critique improves the calibration of confidence (the paper: little or unevenly)",
                "Self-critique improves the calibration of uncertainty (the paper: little or unevenly)",
            },
        ),
    ],
)
def test_confidence_that_knows_the_single_answer_is(experiment: str, claims: set[str]) -> None:
    assert supported(WAYS[experiment](model(knows, short))) == claims


def test_answers_of_which_meanings_follow_the_length_are_no_semantic_entropy() -> None:
    # Draws of long answers differ, and long answers are wrong: entropy over meanings is the length of the answer.
    def reply(prompt: str) -> Reply:
        i = number(prompt)
        said = answer(i)
        if "entail the second" in prompt:
            return {" No": 0.9, " Yes": 0.1}
        long = {f" {said} {part}": 0.25 for part in ("first", "second", "third", "fourth")}
        return {f" {said}": 1.0} if len(said) < 12 else long

    experiment = SemanticEntropy(arms=["semantic entropy reading discrete"], draws=4)
    done = simulate(experiment, items(0, 120), reply)
    metrics = [metric for metric in experiment.metrics if metric.name in ("auroc", "auroc_same_kind", "lengths_auroc")]
    found = {one.metric: one.value or 0.0 for one in estimate_all(metrics, done.table, replicates=10)}
    assert found["auroc_same_kind"] == pytest.approx(found["lengths_auroc"], abs=0.12)
    assert found["auroc"] > 0.7


def true_false(says: Callable[[str, bool], float]) -> set[str]:
    """Of every question a right and a wrong answer are proposed; wrong ones are longer in two cases of three."""
    asked = [
        Item(
            {"question": f"{question(i)} (A) x (B) y", "stem": question(i), "choices": choices, "kind": "any"},
            "(A)",
            letter_choice,
        )
        for i in range(80)
        for choices in [[f"gold{i:03}", f"tin{i:03}{' and more' * (i % 3 > 0)}"]]
    ]

    def reply(prompt: str) -> Reply:
        proposed = re.findall(r"Proposed Answer: ([^\n<]+)", prompt)[-1]
        p = says(proposed, "gold" in proposed)
        return {"A": p, "B": 1 - p}

    experiment = McCalibration(arms=["few-shot true-false"], tuning=0)
    return supported(verdicts(experiment, "mcCalibration", simulate(experiment, asked[:70], reply, train=asked[70:])))


def test_taking_short_proposals_for_true_is_no_knowledge_of_them() -> None:
    assert not true_false(lambda text, right: 1 - len(text) / 40)
    assert true_false(lambda text, right: 0.9 if right else 0.3 if len(text) % 7 else 0.95) == {
        "P(True) of given answers tells right from wrong ones",
        "P(True) of given answers ranks answers to questions of one kind better than their lengths do",
    }


def letters(says: Says, answer: Callable[[int], str] = answer) -> set[str]:
    """Of four options the model picks the right one, or a long wrong one in two cases of three."""
    asked = [
        Item(
            {"question": f"{question(i)} options", "stem": question(i), "choices": choices, "kind": kind},
            "(A)",
            letter_choice,
        )
        for i in range(140)
        for kind in ["easy" if easy(i) else "hard"]
        for choices in [[f"gold{i:03}", f"coal{i:03}", f"bronze or silver of the year{i:03}", f"iron{i:03}"]]
    ]

    def reply(prompt: str) -> Reply:
        options = dict(re.findall(r"\(([A-D])\) (\w[^\n<]*)", prompt.rpartition("thing is")[2]))
        i = number(prompt)
        picked = next(letter for letter, text in options.items() if text == answer(i))
        p = max(0.3, says(i, answer(i), prompt.count("thing is") > 1))
        return {letter: p if letter == picked else (1 - p) / 3 for letter in options}

    experiment = McCalibration(arms=["zero-shot", "few-shot", "few-shot shuffled"], tuning=20)
    return supported(verdicts(experiment, "mcCalibration", simulate(experiment, asked[:115], reply, train=asked[115:])))


@pytest.mark.parametrize("says", NULLS, ids=lambda one: one.__name__)
def test_letters_that_follow_kinds_or_lengths_know_nothing(says: Says) -> None:
    assert letters(says) <= TOO_SURE


def test_letters_that_know_and_are_too_extreme_are_mended_by_a_temperature() -> None:
    assert letters(knows, short) - TOO_SURE == {
        "A tuned model's letters are too extreme",
        "One temperature, fitted on other items, mends a tuned model",
    }


def contexts(says: Callable[[str], float]) -> set[str]:
    def reply(prompt: str) -> Reply:
        p = says(prompt)
        return {"A": p, "B": 1 - p}

    arms = [f"yes-no{name}" for name in ("", " source", " source without answer", " good", " bad", " irrelevant")]
    experiment = PIKContexts(arms=arms, train=12)
    done = simulate(experiment, items(0, 60), reply, train=items(200, 212))
    return supported(verdicts(experiment, "pIKContexts", done))


def jitter(text: str) -> float:
    return random.Random(text).uniform(-0.1, 0.1)


def test_p_ik_that_rises_with_any_text_or_with_a_question_told_before_does_not_go_by_its_content() -> None:
    assert not contexts(lambda text: min(0.9, len(text) / 600) + jitter(text))
    assert not contexts(lambda text: 0.3 + 0.4 * (text.count(question(number(text))) > 1) + jitter(text))
    told = contexts(lambda text: 0.3 + 0.4 * (f"gold{number(text):03}" in text) + jitter(text))
    assert told == {
        "A source raises P(yes), more than a source without the answer does",
        "A good hint raises P(yes) more than a bad and an irrelevant one",
    }


def self_knowledge(refuses: Callable[[str, bool], bool]) -> set[str]:
    asked = Unanswerable(size=120).load()
    unknown = {str(item.fields["question"]): not item.gold for item in asked}

    def reply(prompt: str) -> Reply:
        text = max((text for text in unknown if text in prompt), key=len)
        say = refuses(text, unknown[text]) and ("literally" in prompt or "Hamlet" in prompt)
        return "The answer is unknown." if say else "It is 7."

    experiment = SelfKnowledge(arms=["direct", "instruction", "icl", "always refuses"])
    return supported(verdicts(experiment, "selfKnowledge", simulate(experiment, asked, reply)))


def test_refusing_everything_that_may_be_refused_or_what_is_long_is_no_self_knowledge() -> None:
    assert not self_knowledge(lambda text, unknown: True)
    assert not self_knowledge(lambda text, unknown: len(text) > 60)
    assert self_knowledge(lambda text, unknown: unknown != (len(text) % 11 == 0)) == {
        "Told that it may, the model refuses unanswerable questions better than refusing always or by length",
        "An instruction brings out more self-knowledge than the bare question",
        "Demonstrations bring out more than the bare question",
    }
