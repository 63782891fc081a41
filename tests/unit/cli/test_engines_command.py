"""Two engines compared: exact numbers from fake engines whose distributions differ by known amounts."""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness import Experiment, Item, Metric, Outcome, Part, Prompt, Subject
from harness.calls.arrays import Array
from harness.calls.calls import (
    Activations,
    Call,
    Capability,
    Choose,
    Generate,
    Logprobs,
    Read,
    Reply,
    Sampling,
    Score,
    Text,
)
from harness.cli.engines import Comparison, Side
from harness.cli.main import main
from harness.engines.equivalence import Deltas, Divergence, Numbers, check_tokens, compare_calls
from harness.engines.fake.engine import CAN, FakeEngine, WordTokenizer
from harness.engines.recording import Recorder
from harness.errors import HarnessError, ItemError
from harness.metrics.shares import mean
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer
from harness.store.segments import Origin
from harness.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """Settings of a fake engine: says (A) of an answer with log-odds `logit`, and " Paris" with probability `paris`.

    Attributes:
        hidden: added to `logit`, but not to the identity.
        lacks: what it cannot do.
        breaks: items whose question has this in it cannot be judged.
    """

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    logit: float = 1.0
    paris: float = 0.6
    hidden: float = 0.0
    lacks: str = ""
    breaks: str = "nothing"
    delay: float = 0.0

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> FakeEngine:
        p = logistic(self.logit + self.hidden)

        def replies(prompt: str) -> Mapping[str, float]:
            if self.breaks in prompt:
                raise ItemError("broken on purpose")
            if prompt.endswith("answer is: ("):
                return {"A": 0.9 * p, "B": 0.9 * (1 - p), "C": 0.1}
            return {" Paris": self.paris, " Rome": 1 - self.paris}

        engine = FakeEngine(replies, f"{model.name}:{self.logit}:{self.paris}")
        engine.can = frozenset(kind for kind in CAN if kind != self.lacks)
        return engine


@dataclass(frozen=True, kw_only=True)
class Told(Outcome):
    """How long the second text is."""

    length: int


@dataclass(frozen=True, kw_only=True)
class Retell(Experiment):
    """A greedy text, and another one drawn after it."""

    parts: ClassVar = {"judge": Part()}
    outcome: ClassVar = Told
    metrics: ClassVar = (Metric("length", mean, ("length",)),)

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Told:
        said = await subject.generate(Prompt.user(item.fields["question"]), max_tokens=4)
        drawn = await subject.generate(Prompt.user(f"retell{said.text}"), max_tokens=4, temperature=1.0)
        return Told(arm="only", length=len(drawn.text))


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def command(folder: Path, first: str, second: str, *words: str) -> list[str]:
    """`engines` on P(True) with four items of three draws."""
    here = f"engine=fake engine._target_={Shifted.__module__}.Shifted"
    small = ["experiment=pTrue", "limit=4", "experiment.arms=[zero-shot]"]
    small += ["experiment.draws=3", "experiment.judged=null"]
    common = [*small, "tracker=none", "replicates=50", f"store={folder / 'store'}", *here.split(), *words]
    return ["engines", *common, "--first", *first.split(), "--second", *second.split()]


def compared(folder: Path, first: str, second: str, *words: str, flags: Sequence[str] = (), code: int = 0) -> Any:
    """What the command writes."""
    path = folder / "out.json"
    assert main([*command(folder, first, second, *words), "--json", str(path), *flags]) == code
    return json.loads(path.read_bytes())


def effect(found: Any, metric: str) -> Any:
    (one,) = [e for e in found["effects"] if e["difference"]["metric"] == metric]
    return one


FIRST = "engine.logit=1"


def test_the_differences_are_those_of_the_distributions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(tmp_path, FIRST, "engine.logit=2")
    numbers = found["numbers"]
    true, false = (abs(math.log(logistic(2 * sign) / logistic(sign))) for sign in (1, -1))
    assert numbers["chosen"]["largest"] == pytest.approx(false, abs=1e-12)
    assert numbers["chosen"]["mean"] == pytest.approx((true + false) / 2, abs=1e-12)
    assert numbers["chosen"]["n"] == 2 * numbers["questions"]
    assert numbers["option_p"] == pytest.approx(logistic(2) - logistic(1), abs=1e-12)
    assert (numbers["flipped"], numbers["flipped_items"], numbers["items"]) == (0, 0, 4)
    assert (numbers["drawn"]["n"], numbers["drawn"]["largest"]) == (12, 0.0)
    assert (numbers["texts"], numbers["scored"]["n"], numbers["notes"], found["redrawn"]) == (0, 0, [], 0)
    assert found["largest"] == numbers["chosen"]["largest"]
    # No answer is right, so that the calibration error is p(True) itself.
    ece = effect(found, "ece_equal_width")
    assert ece["first"] == pytest.approx(logistic(1), abs=1e-12)
    assert ece["difference"]["value"] == pytest.approx(logistic(2) - logistic(1), abs=1e-12)
    printed = capsys.readouterr().out
    assert "first   engine fake, model smollm2:1.0:0.6\nsecond  engine fake, model smollm2:2.0:0.6\n" in printed
    assert f"the best one is another in 0 of {numbers['questions']} questions and 0 of 4 items" in printed
    assert "brier (zero-shot)" in printed


def test_options_that_change_places_are_counted(tmp_path: Path) -> None:
    numbers = compared(tmp_path, FIRST, "engine.logit=-1")["numbers"]
    assert (numbers["flipped"], numbers["flipped_items"]) == (numbers["questions"], 4)


def test_the_second_engine_is_given_the_draws_of_the_first_and_scores_them(tmp_path: Path) -> None:
    found = compared(tmp_path, FIRST, "engine.logit=1 engine.paris=0.3")
    assert found["numbers"]["drawn"]["largest"] == pytest.approx(math.log(2), abs=1e-12), (
        "0.6 to 0.3; 0.4 to 0.7 is less"
    )
    assert found["numbers"]["chosen"]["largest"] == 0
    assert {e["difference"]["value"] for e in found["effects"]} <= {0.0, None}


def test_an_engine_against_itself_is_asked_anew_and_differs_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(tmp_path, FIRST, FIRST, flags=["--tolerance", "0"])
    assert found["largest"] == 0
    assert "asked everything anew" in capsys.readouterr().err
    # Two engines that differ although their identity does not, as by the noise of batching.
    assert compared(tmp_path, FIRST, "engine.logit=1 engine.hidden=1")["largest"] > 0.5


def test_what_the_store_holds_is_not_asked_again(tmp_path: Path) -> None:
    def lines() -> list[bytes]:
        files = (tmp_path / "store").glob("*.replies")
        return sorted(line for path in files for line in path.read_bytes().splitlines())

    one = compared(tmp_path, FIRST, "engine.logit=2")
    before = [line for line in lines() if not line.startswith(b"0" * 32)]
    assert compared(tmp_path, FIRST, "engine.logit=2") == one
    assert [line for line in lines() if not line.startswith(b"0" * 32)] == before


@pytest.mark.parametrize(("tolerance", "code"), [("0.5", 1), ("0.9", 0)])
def test_a_tolerance_decides_the_exit_code(
    tmp_path: Path, tolerance: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    compared(tmp_path, FIRST, "engine.logit=2", flags=["--tolerance", tolerance], code=code)
    assert ("is 0.814, above --tolerance 0.5" in capsys.readouterr().err) == bool(code)


def test_an_engine_that_cannot_score_is_compared_in_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(tmp_path, FIRST, "engine.logit=2 engine.lacks=score")
    assert found["numbers"]["drawn"]["n"] == 0
    assert found["numbers"]["chosen"]["n"] == 2 * found["numbers"]["questions"] > 0
    assert found["numbers"]["notes"] == ["12 calls not compared: the second engine cannot score"]
    assert found["numbers"]["notes"][0] in capsys.readouterr().out


def test_greedy_texts_that_differ_and_prompts_that_follow_from_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "experiment").mkdir()
    target = f"experiment:\n  _target_: {Retell.__module__}.Retell\n"
    (tmp_path / "experiment" / "retell.yaml").write_text(f"# @package _global_\n{target}")
    words = ["engines", "experiment=retell", "limit=3", "tracker=none", "engine=fake", f"store={tmp_path / 'store'}"]
    words += [f"engine._target_={Shifted.__module__}.Shifted", "--config-dir", str(tmp_path), "--json"]
    assert main([*words, str(tmp_path / "o.json"), "--first", "engine.paris=0.6", "--second", "engine.paris=0.3"]) == 0
    found = json.loads((tmp_path / "o.json").read_bytes())
    assert (found["numbers"]["texts"], found["numbers"]["differing"], found["redrawn"]) == (3, 3, 1)
    gap = math.log(0.7 / 0.3)
    assert found["numbers"]["divergences"][0]["gap"] == pytest.approx(gap)
    printed = capsys.readouterr().out
    assert "greedy texts: 3 of 3 are not the same" in printed
    assert (
        "after 0 same tokens ' Paris', then ' Rome', which the second finds more probable by 0.85 in log p" in printed
    )
    assert "1 texts drawn by the second engine itself" in printed


def test_items_that_fail_are_told_and_fail_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(tmp_path, FIRST, "engine.logit=2 engine.breaks=Proposed", code=1)
    assert found["failed"] == {"first": 0, "second": 4}
    assert found["effects"] == []
    assert found["numbers"]["notes"] == ["5 calls not compared: the second engine refuses: broken on purpose"]
    assert "4 of 4 items failed with the second engine, more than max_failed=0.05" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("second", "words", "flags", "message"),
    [
        ("engine.logit=1 seed=2", [], [], "--first and --second differ in 'seed'"),
        ("engine.logit=1 limit=3", [], [], "--first and --second differ in 'limit'"),
        ("engine.lgit=1", [], [], "there is no setting engine.lgit, did you mean 'logit'?"),
        ("engine.logit=1 engine.lacks=choose", [], [], "needs an engine that can 'choose'"),
        ("engine.logit=1", [], ["--tolerance", "-1"], "--tolerance -1.0: a difference"),
        ("engine.logit=1", [], ["--tolerance=nan"], "--tolerance nan: a difference"),
        ("engine.logit=1", [], ["--json", "/nowhere/x.json"], "there is no folder /nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(  # noqa: PLR0917
    tmp_path: Path, second: str, words: list[str], flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command(tmp_path, FIRST, second, *words), *flags]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_another_model_beside_the_subject_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    job = [f"experiment={Retell.__module__}:Retell", "engine=fake", "+model@roles.judge.model=smollm2"]
    assert main(["engines", *job, "--first", "engine=fake", "--second", "engine=fake", "engine.delay=0.1"]) == 2
    assert "others play roles.judge" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--second", FIRST], ["--first", FIRST], ["--third", FIRST]])
def test_flags_that_are_unknown_or_missing_are_refused(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["engines", "experiment=pTrue", *flags])
    assert stopped.value.code == 2


# The comparison itself.


def words(text: str) -> tuple[int, ...]:
    return tuple(WordTokenizer().encode(text))


PROMPT = words("<user> q\n<assistant> Answer:")


def numbers_of(odds: Mapping[str, float], other: Mapping[str, float], *calls: Call) -> Numbers:
    """What a fake engine answers to the calls, beside another."""

    async def run() -> Numbers:
        engine = FakeEngine(lambda _: odds)
        heard = {call: await engine.answer(call) for call in calls}
        return await compare_calls(heard, FakeEngine(lambda _: other), {call: ["item"] for call in calls})

    return asyncio.run(run())


def test_deltas_have_exact_quantiles_and_count_what_is_impossible() -> None:
    assert Deltas.of([]) == Deltas(n=0)
    assert Deltas.of((-i / 100, 0.0) for i in range(1, 101)) == Deltas(n=100, largest=1.0, q99=1.0, mean=0.505)
    assert Deltas.of((-i / 1000, 0.0) for i in range(1, 1001)).q99 == pytest.approx(0.991)
    assert Deltas.of([(-math.inf, -math.inf), (-1.0, -1.0)]) == Deltas(n=2, largest=0.0, q99=0.0, mean=0.0)
    assert Deltas.of([(-math.inf, -9.0), (0.0, 0.0)]).largest == math.inf


def test_a_greedy_text_is_compared_up_to_the_first_other_token() -> None:
    odds = {" a b c": 0.6, " a d": 0.4}
    found = numbers_of(odds, {" a b c": 0.3, " a d": 0.7}, Generate(PROMPT, Sampling(8)))
    assert (found.texts, found.differing) == (1, 1)
    (divergence,) = found.divergences
    assert (divergence.position, divergence.first, divergence.second) == (1, " b", " d")
    assert divergence.gap == pytest.approx(math.log(0.7 / 0.3), abs=1e-12)
    assert found.greedy == Deltas(n=1, largest=0.0, q99=0.0, mean=0.0), "both begin with ' a' for certain"


def test_a_greedy_text_that_ends_earlier_has_an_end_token_as_its_difference() -> None:
    found = numbers_of({" a": 0.6, " a b": 0.4}, {" a": 0.25, " a b": 0.75}, Generate(PROMPT, Sampling(8)))
    (divergence,) = found.divergences
    assert (divergence.position, divergence.first, divergence.second) == (1, "<end>", " b")
    assert divergence.gap == pytest.approx(math.log(3), abs=1e-12)
    certain = numbers_of({" a": 1.0}, {" a b": 1.0}, Generate(PROMPT, Sampling(8)))
    assert certain.divergences == (Divergence(position=1, first="", second=" b", gap=None),)


def test_given_texts_drawn_texts_and_activations() -> None:
    calls: list[Call] = [
        Score(PROMPT, words(" a b")),
        Generate(PROMPT, Sampling(8, 1.0), draw=3),
        Read(PROMPT, (0,), (0,)),
        Choose(PROMPT, words(" a")),
    ]
    found = numbers_of({" a b": 1.0}, {" a b": 0.5, " c": 0.5}, *calls)
    half = -math.log(0.5)
    assert found.scored == found.drawn == Deltas(n=2, largest=half, q99=half, mean=half / 2)
    assert (found.chosen.n, found.questions, found.option_p) == (1, 0, None), "one token is no question"
    assert found.activations == Deltas(n=1, largest=0.0, q99=0.0, mean=0.0), "both fakes read the same"
    assert (found.notes, found.largest) == ((), half)


def test_activations_are_compared_by_the_length_of_the_difference() -> None:
    first, second = (Activations(Array.of([[v, [0.0, 0.0]]])) for v in ([3.0, 4.0], [3.0, 4.5]))
    moved = Activations(Array.of([[[0.0, 0.0], [0.0, 1.0]]]))
    found = Deltas.of_activations([(first, second)])
    assert found.n == 2
    assert [found.largest, found.mean] == pytest.approx([0.1, 0.05])
    assert Deltas.of_activations([(first, moved)]).largest == math.inf, "nothing grew to something"
    assert Deltas.of_activations([]) == Deltas(n=0)


def test_an_empty_draw_has_nothing_to_score() -> None:
    found = numbers_of({"": 1.0}, {" a": 1.0}, Generate(PROMPT, Sampling(8, 1.0)))
    assert (found.drawn.n, found.largest, found.notes) == (0, None, ())


def test_a_drawn_end_is_scored_too() -> None:
    draws = [Generate(PROMPT, Sampling(8, 1.0), draw) for draw in range(9)]
    found = numbers_of({" a": 0.5, " a b": 0.5}, {" a": 0.25, " a b": 0.75}, *draws)
    # " a" is certain in both, then the end has 0.5 and 0.25, " b" 0.5 and 0.75.
    assert found.drawn.n == 18
    assert found.drawn.largest == pytest.approx(math.log(2), abs=1e-12)


def test_different_tokens_are_refused() -> None:
    class Letters(WordTokenizer):
        def encode(self, text: str) -> list[int]:
            return [token for letter in text for token in WordTokenizer().encode(letter)]

    calls = [Choose(PROMPT, (1,))]
    check_tokens(calls, WordTokenizer(), WordTokenizer())
    with pytest.raises(HarnessError, match="different tokenizers"):
        check_tokens(calls, WordTokenizer(), Letters())
    with pytest.raises(HarnessError, match="different tokenizers"):
        check_tokens(calls, WordTokenizer(), Empty())


class Empty(WordTokenizer):
    """Knows no token."""

    def decode(self, ids: Sequence[int]) -> str:
        raise KeyError(ids[0])


def test_a_recorder_hears_what_the_store_and_the_given_replies_answer(tmp_path: Path) -> None:
    stored, asked, given = (Choose(PROMPT, words(f" {w}")) for w in "abc")
    reply = Text("said", (1,), (0.0,), "stop")

    async def run() -> tuple[Recorder, FakeEngine]:
        engine = FakeEngine(lambda _: {" a": 0.5, " b": 0.5})
        origin = Origin.of(engine.identity, "m", "e")
        await Recorder(engine, Store(tmp_path), origin).answer(stored)
        again = FakeEngine(lambda _: {" a": 0.5, " b": 0.5})
        recorder = Recorder(again, Store(tmp_path), origin, {given: reply})
        for call in (stored, asked, given):
            await recorder.answer(call)
        return recorder, again

    recorder, engine = asyncio.run(run())
    half: Reply = Logprobs((math.log(0.5),))
    assert recorder.heard == {stored: half, asked: half, given: reply}
    assert engine.usage.calls == 1
    assert recorder.can == engine.can


@pytest.mark.parametrize(("failed", "why"), [(29, None), (30, "30 of 100 items failed with the first engine")])
def test_the_share_of_failures_is_held_against_max_failed_without_rounding(failed: int, why: str | None) -> None:
    ended: Any = [SimpleNamespace(result=SimpleNamespace(errors=("too long",)))] * failed
    nothing: Any = None
    job: Any = SimpleNamespace(max_failed=0.29)  # 0.29 * 100 is 28.999999999999996
    sides = (Side({}, nothing, ended, {}), Side({}, nothing, (), {}))
    numbers: Any = SimpleNamespace(largest=None)
    found = Comparison(
        job=job, items=100, first=sides[0], second=sides[1], numbers=numbers, effects=(), redrawn=0
    ).failure(None)
    assert found is None if why is None else (found or "").startswith(why)
