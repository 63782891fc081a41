"""Semantic entropy and its baselines on subjects whose answers and judgements have a known distribution."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from experiments.calibration.p_true.p_true import PTrue
from experiments.calibration.semantic_entropy import clustering
from experiments.calibration.semantic_entropy.clustering import by_entailment, by_reading, question
from experiments.calibration.semantic_entropy.entailment_check import CASES
from experiments.calibration.semantic_entropy.methods import METHODS
from experiments.calibration.semantic_entropy.rows import Certainty
from experiments.calibration.semantic_entropy.semantic_entropy import SemanticEntropy
from experiments.calibration.verbalized_confidence.verbalized_confidence import VerbalizedConfidence
from harness import Experiment, Grade, Item, Probability
from harness.engines.fake.engine import FakeEngine, Replies
from harness.errors import HarnessError
from harness.outcomes import Failed, Table
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import estimate, estimate_all
from harness.statistics.gates import held_back
from harness.tasks.graders import short_answer, symbol
from harness.tasks.texts import normalise
from harness.testing import fake_subject, simulate


def grade(text: str, item: Item) -> Grade:
    return Grade(normalise(text), normalise(text) in item.gold if text else None)


def items(n: int) -> list[Item]:
    return [Item({"question": f"What is {i}?"}, ["right", "it is right"], grade) for i in range(n)]


ANSWERS = {" right": 0.5, " it is right": 0.25, " wrong": 0.25}
LOG2 = math.log(2)


def knowing(answers: Mapping[str, float] = ANSWERS, confidence: str = "80%", p_true: float = 0.75) -> Replies:
    """Draws the answers; says that right ones entail each other and nothing else does."""

    def replies(text: str) -> Mapping[str, float]:
        if "Second answer: " in text:
            first, second = (text.split(f"{n} answer: ")[1].partition("\n")[0] for n in ("First", "Second"))
            alike = "right" in first and "right" in second
            return {" Yes" if alike else " No": 0.8, " Maybe": 0.2}
        if text.endswith("answer is: ("):
            return {"A": p_true, "B": 1 - p_true}
        if "<confidence>" in text:
            return {f"{'' if text.endswith('<confidence>') else '<confidence>'}{confidence}</confidence>": 1.0}
        return answers

    return replies


def entailment(pairs: set[tuple[str, str]]) -> Replies:
    """A judge who says Yes to exactly these pairs."""

    def replies(text: str) -> Mapping[str, float]:
        first, second = (text.split(f"{n} answer: ")[1].partition("\n")[0] for n in ("First", "Second"))
        return {" Yes": 1.0} if (first, second) in pairs else {" No": 1.0}

    return replies


def run(experiment: SemanticEntropy, replies: Replies, n: int = 24) -> tuple[Table, list[list[str]]]:
    """The outcomes, and the draws of every item in the order of items."""
    table, finished = simulate(experiment, items(n), replies)
    assert not any(f.result.errors for f in finished)
    finished = sorted(finished, key=lambda f: f.item.id)
    return table, [[e.reply for e in f.transcript[1 : experiment.draws + 1]] for f in finished]


def arm(table: Table, name: str, column: str = "score") -> np.ndarray:
    values: np.ndarray = table.columns[column][table.columns["arm"] == name]
    return values


def test_every_method_is_exact_on_a_known_distribution() -> None:
    table, draws = run(SemanticEntropy(), knowing())
    assert Counter(table.columns["arm"]).keys() == {
        "sequence probability", "sequence probability per token", "predictive entropy", "predictive entropy per token",
        "lexical similarity", "semantic entropy reading discrete", "semantic entropy reading rao",
        "semantic entropy reading rao per token", "semantic entropy entailment discrete",
        "semantic entropy entailment rao", "semantic entropy entailment rao per token", "agreement", "p_true",
        "verbalized", "semantic entropy reading released", "semantic entropy entailment released",
    }  # fmt: skip
    assert set(Counter(table.columns["arm"]).values()) == {24}
    assert set(table.columns["answer"]) == {"right"}
    assert table.columns["correct"].all()
    # The greedy answer " right" is one token of probability 1/2, as no other answer begins with it.
    np.testing.assert_allclose(arm(table, "sequence probability"), -LOG2)
    np.testing.assert_allclose(arm(table, "sequence probability per token"), -LOG2)
    bits, length = {" right": 1, " it is right": 2, " wrong": 2}, {" right": 1, " it is right": 3, " wrong": 1}
    np.testing.assert_allclose(arm(table, "predictive entropy"), [-LOG2 * sum(bits[x] for x in d) / 5 for d in draws])
    per_token = [-LOG2 * sum(bits[x] / length[x] for x in d) / 5 for d in draws]
    np.testing.assert_allclose(arm(table, "predictive entropy per token"), per_token)
    np.testing.assert_allclose(arm(table, "agreement"), [d.count(" right") / 5 for d in draws])
    for name, meaning in (
        ("reading", dict(zip(bits, "abc", strict=True))),
        ("entailment", dict(zip(bits, "aac", strict=True))),
    ):
        shares = [[n / 5 for n in Counter(meaning[x] for x in d).values()] for d in draws]
        weights = [[sum(ANSWERS[x] for x in set(d) if meaning[x] == m) for m in {meaning[x] for x in d}] for d in draws]
        rao = [[w / sum(ws) for w in ws] for ws in weights]
        means = {x: ANSWERS[x] ** (1 / length[x]) for x in ANSWERS}
        sums = [[sum(means[x] for x in d if meaning[x] == m) for m in {meaning[x] for x in d}] for d in draws]
        released = [[w / sum(ws) for w in ws] for ws in sums]
        for end, found in (("discrete", shares), ("rao", rao), ("released", released)):
            expected = [sum(p * math.log(p) for p in ps) for ps in found]
            np.testing.assert_allclose(arm(table, f"semantic entropy {name} {end}"), expected, atol=1e-12)
            np.testing.assert_array_equal(
                arm(table, f"semantic entropy {name} {end}", "clusters"), [len(ps) for ps in found]
            )
    np.testing.assert_allclose(arm(table, "p_true"), 0.75)
    np.testing.assert_allclose(arm(table, "verbalized"), 0.8)
    assert {len(set(d)) for d in draws} >= {2, 3}  # different numbers of readings were met


def test_only_probabilities_may_be_calibrated() -> None:
    table, draws = run(SemanticEntropy(), knowing())
    stated = set(table.columns["arm"][~np.isnan(table.columns["p"])])
    assert stated == {"agreement", "p_true", "verbalized"}
    np.testing.assert_array_equal(
        table.columns["p"][~np.isnan(table.columns["p"])], table.columns["score"][~np.isnan(table.columns["p"])]
    )
    by_name = {m.name: m for m in SemanticEntropy.metrics}
    found = {e.level["arm"]: e for e in estimate(by_name["brier"], table, replicates=20)}
    assert set(found) == stated  # no undefined lines for methods that only rank
    assert found["p_true"].value == pytest.approx(0.0625)
    assert found["verbalized"].value == pytest.approx(0.04)
    assert found["agreement"].value == pytest.approx(np.mean([(1 - d.count(" right") / 5) ** 2 for d in draws]))
    gap = {e.level["arm"]: e.value for e in estimate(by_name["overconfidence"], table, replicates=20)}
    assert gap["p_true"] == pytest.approx(-0.25)
    masses = estimate(by_name["entailment_mass"], table, replicates=20)
    assert [mass.value for mass in masses] == pytest.approx([0.8] * 4)


def test_doubt_that_shows_in_the_draws_ranks_perfectly_and_a_constant_at_chance() -> None:
    def replies(text: str) -> Mapping[str, float]:
        if "What is the" in text or "What is" not in text:
            return knowing()(text)  # a clear case
        known = int(text.partition("What is ")[2].partition("?")[0]) % 2
        return knowing({" right": 1.0} if known else {" wrong": 0.36, " bad": 0.32, " poor": 0.32})(text)

    table, _ = run(SemanticEntropy(draws=8), replies)
    ranking = [m for m in SemanticEntropy.metrics if m.name in {"auroc", "aurc", "excess_aurc", "prr"}]
    found = {(e.metric, e.level["arm"]): e for m in ranking for e in estimate(m, table, replicates=5)}
    assert len(found) == 4 * 16
    assert {e.n for e in found.values()} == {24}
    same = {name for metric, name in found if metric == "auroc" and found[metric, name].value == 0.5}
    assert same == {"p_true", "verbalized"}
    for (metric, name), e in found.items():
        if name not in same:
            assert e.value == {"auroc": 1.0, "prr": 1.0, "excess_aurc": 0.0}.get(metric, e.value)
    assert found["prr", "p_true"].value == 0.0


def test_a_model_that_is_always_right_has_nothing_to_rank_and_that_is_said() -> None:
    table, _ = run(SemanticEntropy(), knowing(), n=4)
    auroc = next(m for m in SemanticEntropy.metrics if m.name == "auroc")
    found = estimate(auroc, table, replicates=5)
    assert {(e.value, e.note) for e in found} == {(None, "all rows are correct, or all are wrong")}


def test_calls_are_those_of_the_other_experiments() -> None:
    subject = fake_subject(knowing({" right": 1.0}))
    engine = subject.engine
    assert isinstance(engine, FakeEngine)
    item = items(1)[0]

    async def calls(experiment: Experiment) -> int:
        before = engine.usage.calls
        fitted = await experiment.prepare([], subject)
        await experiment.protocol(item, subject.for_item(item.id), fitted)
        return engine.usage.calls - before

    async def all_of_them() -> list[int]:
        pair = PTrue(arms=("zero-shot",)), VerbalizedConfidence(arms=("percent two",), forced=False)
        return [await calls(experiment) for experiment in (*pair, SemanticEntropy())]

    # Five draws and one judgement of their only text; one greedy answer and its confidence; the check of the judge.
    assert asyncio.run(all_of_them()) == [6, 2, len(CASES)]


def test_an_answer_without_words_is_asked_about_nowhere() -> None:
    table, _ = run(SemanticEntropy(), knowing({"": 1.0}), n=3)
    np.testing.assert_array_equal(table.columns["correct"], 0.0)
    assert set(table.columns["fate"]) == {"empty"}
    assert np.isnan(arm(table, "p_true")).all()
    assert np.isnan(arm(table, "verbalized")).all()
    for name in ("reading", "entailment"):
        np.testing.assert_array_equal(arm(table, f"semantic entropy {name} rao"), 0.0)
    for metric in SemanticEntropy.metrics:
        for e in estimate(metric, table, replicates=5):
            assert e.value is None or math.isfinite(e.value)
            assert e.value is not None or e.note


def test_a_confidence_that_cannot_be_read_is_none() -> None:
    table, _ = run(SemanticEntropy(), knowing(confidence="very high"), n=4)
    assert np.isnan(arm(table, "verbalized")).all()
    auroc = next(m for m in SemanticEntropy.metrics if m.name == "auroc")
    found = {e.level["arm"]: e for e in estimate(auroc, table, replicates=5)}
    assert (found["verbalized"].n, found["verbalized"].n_failed) == (0, 4)
    assert (found["agreement"].n, found["agreement"].n_failed) == (4, 0)


@pytest.mark.parametrize(
    ("pairs", "codes", "questions"),
    [
        (set(), (0, 1, 2, 3), 6),  # three pairs of the last, ...: each fails at its first direction
        ({("a", "b"), ("b", "a")}, (0, 0, 1, 2), 5),  # c and d meet a alone, then d meets c
        ({("a", "b")}, (0, 1, 2, 3), 7),  # one direction is not enough
        ({(x, y) for x in "abcd" for y in "abcd"}, (0, 0, 0, 0), 6),  # each is compared with a, in both directions
        # An answer that fits two clusters stays with the first.
        ({("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")}, (0, 1, 0, 2), 5),
    ],
)
def test_clusters_need_entailment_in_both_directions(
    pairs: set[tuple[str, str]], codes: tuple[int, ...], questions: int
) -> None:
    judge = fake_subject(entailment(pairs))
    found = asyncio.run(by_entailment(clustering.TEXTS, items(1)[0], judge, ["a", "b", "c", "d"]))
    assert (found.codes, found.count, found.questions) == (codes, len(set(codes)), questions)
    asked = [e.prompt for e in judge.transcript]
    assert len(set(asked)) == len(asked)
    # The same answers again, in other words that read the same, cost nothing more.
    again = asyncio.run(by_entailment(clustering.TEXTS, items(1)[0], judge, ["a", "b", "c", "d", "A!", "d."]))
    assert (again.codes, again.questions) == ((*codes, codes[0], codes[3]), questions)


def test_answers_without_words_form_one_cluster_that_nobody_joins() -> None:
    judge = fake_subject(entailment({(x, y) for x in ("a", "b", "") for y in ("a", "b", "")}))
    found = asyncio.run(by_entailment(clustering.TEXTS, items(1)[0], judge, ["", "a", "...", "b", ""]))
    assert (found.codes, found.questions, found.entailed) == ((0, 1, 0, 1, 0), 2, 1.0)
    assert asyncio.run(by_entailment(clustering.TEXTS, items(1)[0], judge, ["a", "a"])).mass is None


def test_the_reading_of_the_task_decides_what_is_the_same() -> None:
    element = Item({"question": "Which symbol?"}, "Co", symbol)
    assert by_reading(element, ["Co", "CO", "Co (cobalt)", "The symbol is Co."]).codes == (0, 1, 0, 0)
    capital = Item({"question": "What is the capital of France?"}, ["Paris"], short_answer)
    assert by_reading(capital, ["Paris", "It is Paris.", "The capital of France is Paris", "Lyon"]).codes == (
        0,
        0,
        0,
        1,
    )


def test_entailment_is_asked_of_the_judge_and_the_question_is_shown() -> None:
    judge = replace(fake_subject(entailment(set())), name="judge")
    item = items(1)[0]
    view = fake_subject(knowing(), judge=judge).for_item(item.id)
    rows = asyncio.run(SemanticEntropy(draws=12).protocol(item, view, None))
    by_arm = {row.arm: row for row in rows if isinstance(row, Certainty)}
    # This judge lets nothing entail anything, so that meanings are readings.
    for end in ("discrete", "rao"):
        assert by_arm[f"semantic entropy entailment {end}"].score == by_arm[f"semantic entropy reading {end}"].score
    assert by_arm["semantic entropy entailment rao"].clusters == 3
    assert by_arm["semantic entropy entailment rao"].entailed == Probability(0.0)
    assert {e.role for e in view.transcript if "entail" in e.prompt} == {"judge"}
    prompt = question(clustering.TEXTS, item, "right", "wrong")
    assert prompt.messages[0].content.endswith("\nQuestion: What is 0?\nFirst answer: right\nSecond answer: wrong")


def test_a_method_that_cannot_be_asked_fails_alone() -> None:
    subject, (item,) = fake_subject(knowing()), items(1)
    small = replace(subject, name="judge", renderer=Renderer(subject.engine.tokenizer, "auto", 40))
    view = replace(subject, players={"judge": (small,)}).for_item(item.id)
    rows = asyncio.run(SemanticEntropy(draws=12).protocol(item, view, None))
    failed = {row.arm for row in rows if isinstance(row, Failed)}
    assert failed == {name for name, method in METHODS.items() if method.meanings == "entailment"}
    assert len(rows) == len(METHODS)
    assert {row.answer for row in rows if isinstance(row, Certainty)} == {"right"}


def test_methods_that_cost_calls_can_be_left_out() -> None:
    free = [name for name, method in METHODS.items() if method.meanings != "entailment" and method.quantity != "stated"]
    table, finished = simulate(SemanticEntropy(arms=free, draws=2), items(2), knowing())
    assert {len(f.transcript) for f in finished} == {4}  # the greedy answer, two draws, P(True)
    assert len(table) == 2 * len(free) == 2 * 11


def test_impossible_settings_are_named() -> None:
    for settings in ({"draws": 1}, {"temperature": 0.0}):
        with pytest.raises(HarnessError, match=r"at least 2 draws"):
            SemanticEntropy(**settings)


def test_the_clear_cases_have_both_directions_and_both_answers() -> None:
    pairs = {(case.question, case.first, case.second): case.entails for case in CASES}
    assert len(pairs) == len(CASES) == 22
    assert all((question, second, first) in pairs for question, first, second in pairs)
    assert sum(pairs.values()) == 12


@pytest.mark.parametrize(
    ("says", "share"),
    [("truth", 1.0), ("yes", 12 / 22), ("no", 10 / 22), ("neither", 10 / 22), ("one wrong in six", 18 / 22)],
)
def test_a_judge_that_errs_about_clear_cases_decides_no_verdict(says: str, share: float) -> None:
    def judge(text: str) -> Mapping[str, float]:
        asked = text.partition("Question: ")[2].partition("\n")[0]
        first, second = (text.split(f"{n} answer: ")[1].partition("\n")[0] for n in ("First", "Second"))
        at = next((i for i, c in enumerate(CASES) if c[:3] == (asked, first, second)), None)
        truth = "right" in first and "right" in second if at is None else CASES[at].entails
        if says == "one wrong in six" and at is not None and at % 6 == 0:
            truth = not truth
        yes = {"yes": 0.9, "no": 0.1, "neither": 0.5}.get(says, 0.9 if truth else 0.1)
        return {" Yes": yes, " No": 1 - yes}

    def replies(text: str) -> Mapping[str, float]:
        return judge(text) if "Second answer: " in text else knowing()(text)

    experiment = SemanticEntropy(arms=["semantic entropy entailment released", "agreement"])
    table, _ = run(experiment, replies, n=4)
    np.testing.assert_allclose(arm(table, "semantic entropy entailment released", "checked"), share)
    assert np.isnan(arm(table, "agreement", "checked")).all()
    found = estimate_all(experiment.metrics, table, replicates=10)
    auroc = next(metric for metric in experiment.metrics if metric.name == "auroc")
    held = held_back(experiment.gates, auroc, {"arm": "semantic entropy entailment released"}, found)
    assert ("the judge errs about clear cases" in held) == (share < 0.8)
    assert not held_back(experiment.gates, auroc, {"arm": "agreement"}, found)


def test_without_entailment_nobody_is_checked() -> None:
    _, finished = simulate(SemanticEntropy(arms=["agreement"]), items(1), knowing())
    assert not any("Second answer" in e.prompt for f in finished for e in f.transcript)
