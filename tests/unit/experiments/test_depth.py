"""Calls of an item that do not depend on each other are in flight together, in every experiment of conf/experiment."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from harness.config import load_job
from harness.engines.fake.engine import Replies, dry_run
from harness.execution.checks import prepare_items
from harness.execution.loading import make_subject
from harness.execution.runner import run_item
from harness.prompting.prompts import Prompt
from harness.store.store import Store
from tests.support.rounds import Rounds

CONF = Path(__file__).parents[3] / "conf" / "experiment"
ITEMS = 3

UNBEGUN = ["experiment.arms=[percent one]", "experiment.begun=false"]

DEPTHS: list[tuple[str, list[str], int, int]] = [
    # Experiment, further words, and how many questions at most wait for the answer of another one: in `prepare`, and in
    # the protocol of one item.
    ("pTrue", [], 1, 2),  # the answers; their judgements
    ("pTrue", ["experiment.judged=null", "experiment.shots=4"], 1, 2),
    ("mcCalibration", [], 1, 1),
    ("mcCalibration", ["experiment.tuning=4", "experiment.arms=[zero-shot,few-shot cyclic]"], 1, 1),
    ("pIK", ["experiment.train=15", "experiment.folds=2", "experiment.depths=[1.0]"], 1, 1),
    ("pIKContexts", ["experiment.train=15", "experiment.folds=2", "experiment.depths=[1.0]"], 1, 1),
    ("verbalizedConfidence", [], 0, 2),  # the answer; the confidence
    # Both; then each that is missing; and the verdict.
    ("verbalizedConfidence", UNBEGUN, 0, 3),
    (
        "verbalizedConfidence",
        ["experiment.judge=true", "experiment.arms=[percent one]", "experiment.begun=false"],
        0,
        4,
    ),
    ("selfCritiqueConfidence", [], 0, 2),  # the answer; its critique
    ("selfKnowledge", [], 0, 1),
    # The explanation; how it scores the names; the score of the best one without it.
    ("selfFamiliarity", ["experiment.basic=20"], 3, 3),
    (
        "semanticEntropy",
        ["experiment.arms=[agreement,p_true,verbalized]"],
        0,
        2,
    ),  # the draws; what is asked of the greedy one
    # Whether two answers are compared depends on what became of those compared before: d * (d - 1) for d readings.
    # The judge's check comes before.
    ("semanticEntropy", ["experiment.draws=3"], 1, 1 + 3 * 2),
    ("selfCorrection", [], 0, 3),  # the answer; a critique and a revision
    ("selfCorrection", ["experiment.turns=3", "experiment.chains=2"], 0, 5),
    ("bestOfN", [], 0, 1),
    ("exploration", [], 1, 1),
    # The answers; their verification. Then the revisions, their verification, and a vote over as many calls.
    ("revise", [], 2, 5),
    ("beliefUpdating", ["task.trials=24"], 1, 1),
    ("falseBelief", [], 0, 1),
    ("deception", [], 0, 5),  # the outright questions; three further turns; the reply, and what is scored beside it
    ("deceptionBench", [], 1, 5),  # the clear cases; then the reply, three further turns and the verdict
    ("identity", [], 0, 2),  # the statements that the model writes; whom they are taken for
    ("simpleToM", [], 0, 2),  # the mental state; what is asked after a reminder of it
    ("characters", [], 1, 2),  # the judge's check; a written answer and its judge
    ("firstPerson", [], 0, 1),
    ("selfCorrectionBench", [], 0, 1),
    ("stepCorrection", [], 0, 1),  # see below for a reply with a marker
    ("numberGuessing", [], 0, 20),  # ten rounds, each asked twice where the reply cannot be read
    ("blackjack", [], 0, 1),
    ("selfRecognition", ["experiment.training=11"], 1, 3),  # the post; the choice; the text beside its copy
    ("influence", [], 0, 2),  # the choices; the draws
    ("tomChoice", [], 0, 1),
    ("internalConsistency", [], 0, 3),  # the next token and the layers; texts; the digits after them
    ("temporalCognition", [], 2, 2),  # the streams of years; the neurons. Then the same, and the ratings
    ("unitDynamics", [], 1, 4),  # the sentences of units. Then each answer after the one before it; their streams
    ("recordedDynamics", [], 0, 0),  # a table that others recorded; no model is asked
    # Vectors; lengths of the stream; the questions plain, then with every layer and strength; the layer of task 4; the
    # judge's check. Then plain questions, what is asked under a vector, and the judge of what is written.
    ("injectedThoughts", [], 6, 3),
    # The sums; their streams; the layer up to which tokens wait, and windows of transfer layers, which double. Then the
    # sum; its own means; the streams of the means; the answers under all changes.
    ("lastToken", [], 8, 4),
    ("perceptualScale", ["experiment.carriers=2", "experiment.train=6"], 1, 1),
    # The prediction; its explanation. An explanation and the prediction after it; both without each word; and both
    # without the words that matter most.
    ("selfExplanation", ["experiment.others=2"], 2, 6),
    # The training sentences. Then labels, and sentences that are written; reading these.
    ("neurofeedback", ["experiment.axes=[logistic]", "experiment.controlled=[logistic]"], 1, 2),
    (
        "iterativeDeepening",
        [],
        0,
        6,
    ),  # segments of up to three budgets, once more up to random places; the closed answer
    ("selfGrid", [], 2, 4),  # the answer and its feedback; both, the refined answer, and the vote over as many calls
    ("judge", [], 0, 2),  # the reasons; the score behind them
    ("selfPrediction", ["experiment.train=6"], 1, 1),
    ("selfPreference", [], 0, 3),  # the answers; the verdicts, and a paraphrase; the verdict on it
    ("tomReasoning", ["experiment.max_tokens=32"], 1, 2),  # the trace; every option after it
    ("critique", [], 1, 3),  # critiques of given answers; the answer, its critique and its correction
    ("criticRole", [], 2, 3),  # the solutions and their critiques; the solution, its critique and the refined one
]


def rounds(experiment: str, words: list[str], replies: Replies = dry_run) -> tuple[list[int], list[list[int]]]:
    """Sizes of the rounds of `prepare`, and of the protocol of each of a few items after it."""
    job = load_job([f"experiment={experiment}", *words, "engine=fake", "tracker=none", f"limit={ITEMS}"])
    items = prepare_items(job)

    async def run(folder: str) -> tuple[list[int], list[list[int]]]:
        engine = Rounds(replies)
        subject = make_subject(job, engine, Store(Path(folder)))
        fitted = await job.experiment.prepare(items.train, subject.for_item("prepare"))
        preparing, asked = engine.sizes, []
        for item in items.test:
            engine.sizes = []
            finished = await run_item(job.experiment, item, subject, fitted)
            assert finished.result.error is None
            asked.append(engine.sizes)
        return preparing, asked

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(folder))


@pytest.mark.parametrize(
    ("experiment", "words", "preparing", "depth"), DEPTHS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_item_takes_no_more_rounds_than_its_questions_are_deep(
    experiment: str, words: list[str], preparing: int, depth: int
) -> None:
    prepared, asked = rounds(experiment, words)
    assert len(prepared) <= preparing, prepared
    for sizes in asked:
        assert len(sizes) <= depth, sizes
    assert max(map(len, asked)) == depth or experiment in {"semanticEntropy", "verbalizedConfidence"}


def test_every_experiment_is_here() -> None:
    # The items of the one are those of a run (test_second_opinion), and the dry run does not think for the other.
    elsewhere = {"secondOpinion", "confidenceAlongThought"}
    assert {experiment for experiment, *_ in DEPTHS} | elsewhere == {file.stem for file in CONF.glob("*.yaml")}


def test_an_item_of_false_belief_has_all_its_questions_in_flight_together() -> None:
    """A place is asked in three orders, yes or no in two; a question without a story once for all stories that share
    it: of the beliefs the third person's, that of "you", and that about contents."""
    places, yes_no = 16 + 2 + 3 * 4 + 2, 6 + 2 * 3
    own, alone, behind, free = 3 * places + 2 * yes_no, 3 * 3 + 2, 3 * 2 + 2 * 2, 20
    assert own + alone + behind + free == 161
    assert rounds("falseBelief", [])[1] == [[161]] * ITEMS


def test_the_verdict_on_a_stated_answer_does_not_hold_up_the_forced_confidence() -> None:
    def replies(prompt: str) -> dict[str, float]:
        return {"A" if "Reference answer" in prompt else "<answer>Paris</answer>": 1.0}

    words = [*UNBEGUN, "experiment.judge=true"]
    assert rounds("verbalizedConfidence", words, replies)[1] == [[1, 2]] * ITEMS


def test_the_answers_held_before_markers_are_asked_together() -> None:
    # Of the wrong step, the right one, and the user's; each held answer, and the reply that goes on behind the filler.
    asked = rounds("stepCorrection", ["experiment.arms=[injected]"], lambda prompt: {"Wait": 1.0})[1]
    assert asked == [[3, 6]] * ITEMS


def test_rounds_are_what_depends_on_each_other() -> None:
    async def run() -> list[int]:
        engine = Rounds(lambda _: {"x": 1.0})
        with tempfile.TemporaryDirectory() as folder:
            job = load_job(["experiment=pTrue", "engine=fake", "tracker=none"])
            subject = make_subject(job, engine, Store(Path(folder))).for_item("i")

            async def chain(name: str, length: int) -> None:
                for i in range(length):
                    await subject.generate(Prompt.user(f"{name} {i}"), max_tokens=2)

            await asyncio.gather(chain("a", 1), chain("b", 3), chain("c", 2))
        return engine.sizes

    assert asyncio.run(run()) == [3, 2, 1]
