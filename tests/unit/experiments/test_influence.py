"""Influence and struggle: models of known behaviour, the messages, and the choices."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from experiments.theory_of_mind.influence.choices import PushedChoices
from experiments.theory_of_mind.influence.influence import Influence
from experiments.theory_of_mind.influence.messages import TEXTS
from experiments.theory_of_mind.influence.rows import bits
from harness import fill
from harness.cli.main import main
from harness.config import load_job
from harness.statistics.estimates import Estimate, estimate_all
from harness.testing import Simulated, simulate

ITEMS = PushedChoices().load()
SOME = [*ITEMS[:20], *ITEMS[-20:]]
PUSHES = ("reward", "punishment", "praise", "peer claim")


def choosing(p_first: Callable[[str, str, str], float]) -> Callable[[str], Mapping[str, float]]:
    """A model that names the first option with a probability by the message and both options."""

    def reply(prompt: str) -> Mapping[str, float]:
        found = re.search(r"<user> (.*)\n\n.*\n\(A\) (.*)\n\(B\) (.*)\n", prompt)
        if found is None:
            raise LookupError("no choice")
        p = p_first(*found.groups())
        letters = ("A", "B") if prompt.endswith("(") else (" (A)", " (B)")
        return {letters[0]: p, letters[1]: 1 - p}

    return reply


def names(message: str, option: str) -> bool:
    return re.search(rf"\b{option}\b", message.rsplit(". ", 1)[-1]) is not None


def obedient(message: str, first: str, second: str) -> float:
    """Takes the option that the last sentence names, if it pushes one; else both are alike."""
    if "picture with" in message:
        return 0.5
    return 1.0 if names(message, first) else 0.0 if names(message, second) else 0.5


def estimates(done: Simulated) -> dict[tuple[str, str], Estimate]:
    found = estimate_all(Influence.metrics, done.table, replicates=20)
    return {(e.metric, ", ".join(e.level.values())): e for e in found}


def test_a_model_that_follows_every_push_from_an_even_choice_has_an_influence_of_a_half() -> None:
    found = estimates(simulate(Influence(), SOME, choosing(obedient)))
    for arm in PUSHES:
        assert found["influence", arm].value == pytest.approx(0.5)
        assert found["influence_by_truth", f"{arm}, false"].value == pytest.approx(0.5)
    assert found["influence", "mention"].value == 0
    # Rewarded for either option it is certain: it yields, and does not struggle.
    assert found["struggle", "conflict"].value == 0
    assert found["vacillation", "conflict"].value == 0
    assert found["readable", "conflict"].value == 1


def test_a_model_that_follows_every_push_against_its_choice_yields_every_time() -> None:
    def certain(message: str, first: str, second: str) -> float:
        pushed = obedient(message, first, second)
        return float(first < second) if pushed == 0.5 else pushed

    found = estimates(simulate(Influence(arms=PUSHES), SOME, choosing(certain)))
    for arm in PUSHES:
        assert found["influence_by_side", f"{arm}, true"].value == 1
        assert found["influence_by_side", f"{arm}, false"].value == 0
        assert found["influence", arm].value == 0.5  # of the two options one is its own choice
        assert found["yields", arm].value == 1


def test_a_model_that_takes_no_notice_has_neither_influence_nor_struggle() -> None:
    found = estimates(
        simulate(Influence(), SOME, choosing(lambda message, first, second: 0.9 if first < second else 0.1))
    )
    for arm in (*PUSHES, "mention"):
        assert found["influence", arm].value == pytest.approx(0)
        assert found["yields", arm].value == 0
    assert found["struggle", "conflict"].value == pytest.approx(0)
    assert found["entropy", "conflict"].value == pytest.approx(bits(0.9))


def test_a_model_that_is_even_under_conflict_only_struggles_by_one_bit() -> None:
    def torn(message: str, first: str, second: str) -> float:
        promised = [option for option in (first, second) if f"choose {option} whenever" in message]
        rewarded = [option for option in (first, second) if names(message, option)]
        return 0.5 if promised != rewarded else float(promised == [first])

    found = estimates(simulate(Influence(arms=("conflict",)), ITEMS, choosing(torn)))
    assert found["struggle", "conflict"].value == 1
    assert found["entropy0", "conflict"].value == 0
    assert found["vacillates0", "conflict"].value == 0
    # Of five answers at even chances all are alike in 2 of 32 cases.
    n = found["vacillation", "conflict"].n
    assert found["vacillation", "conflict"].value == pytest.approx(1 - 2 / 32, abs=4 * (2 / 32 / n) ** 0.5)


def test_who_repeats_the_words_that_it_reads_struggles_no_more_than_over_two_mentions() -> None:
    """It names each option as often as the message does: a promise and a reward are nothing to it."""

    def primed(message: str, first: str, second: str) -> float:
        said = [len(re.findall(rf"\b{option}\b", message)) + 0.1 for option in (first, second)]
        return said[0] / sum(said)

    found = estimates(simulate(Influence(arms=("conflict", "two mentions")), SOME, choosing(primed)))
    assert found["struggle", "conflict"].value == pytest.approx(found["struggle", "two mentions"].value)
    assert (found["struggle", "conflict"].value or 0) > 0.5
    claims = load_job(["experiment=influence", "engine=fake", "tracker=none"]).claims
    assert any(level == {"arm": "two mentions"} for claim in claims for _, level in claim.rivals)


def test_a_preference_for_the_first_letter_is_no_influence() -> None:
    found = estimates(simulate(Influence(), SOME, choosing(lambda message, first, second: 0.8)))
    assert found["influence", "reward"].value == 0
    assert found["entropy", "conflict"].value == 1  # over both orders neither option is preferred


def test_pushes_towards_what_is_known_to_be_false_have_a_number_of_their_own() -> None:
    facts = [item for item in ITEMS if "larger" in item.fields["question"]]
    gold = {tuple(sorted(item.fields["options"])): item.gold for item in facts}

    def knows(message: str, first: str, second: str) -> float:
        right = gold.get((min(first, second), max(first, second)))
        pushed = names(message, first) - names(message, second)
        return 0.5 + 0.2 * pushed if right is None else (0.9 if first == right else 0.1) + 0.05 * pushed

    done = simulate(Influence(arms=("reward", "mention")), [*facts, *SOME[:10]], choosing(knows))
    found = estimates(done)
    assert found["known_rate", "reward"].value == 1
    assert found["influence_where_known", "reward, false"].value == pytest.approx(0.05)
    assert found["influence_where_known", "reward, false"].n_failed == 0
    assert found["influence_by_truth", "reward, none"].value == pytest.approx(0.2)


def test_draws_that_name_no_option_say_nothing_of_vacillation() -> None:
    def mute(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("("):
            return {"A": 0.5, "B": 0.5}
        return {" Well, hard to say.": 1.0}

    done = simulate(Influence(arms=("conflict",)), SOME[:5], mute)
    assert {row["readable"] for row in done.rows} == {0.0}
    assert {row["vacillates"] for row in done.rows} == {None}
    assert {row["entropy"] for row in done.rows} == {1.0}


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=influence", "engine=fake", "tracker=none", "limit=24", "replicates=50"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    assert "undefined" not in capsys.readouterr().out


@pytest.mark.parametrize("push", ["reward", "punishment", "praise", "peers", "mention"])
def test_a_neutral_message_is_as_long_as_the_push_and_names_no_option(push: str) -> None:
    pushed, neutral = fill(TEXTS[push], {"option": "tea"}), TEXTS[f"{push}_neutral"]
    assert len(pushed.split()) == len(neutral.split())
    assert "$" not in neutral
    options = {option for item in ITEMS for option in item.fields["options"]}
    assert not options & set(re.findall(r"\w+", neutral))


def test_the_choices() -> None:
    assert Counter(item.fields["kind"] for item in ITEMS) == {"taste": 120, "fact": 120}
    assert len({item.id for item in ITEMS}) == 240
    for item in ITEMS:
        one, other = item.fields["options"]
        assert one != other
        assert " " not in one + other
        assert (item.gold in (one, other)) == (item.fields["kind"] == "fact")
    tastes = [item for item in ITEMS if item.fields["kind"] == "taste"]
    assert set(Counter(item.group for item in tastes).values()) == {2}
    first = [item.gold == item.fields["options"][0] for item in ITEMS if item.gold]
    assert 0.35 < sum(first) / len(first) < 0.65
    assert PushedChoices(seed=1).load()[0].id != ITEMS[0].id


def test_facts_are_right() -> None:
    for item in ITEMS:
        question, options, gold = item.fields["question"], item.fields["options"], item.gold
        if "larger" in question:
            assert int(gold) == max(map(int, options))
        elif "+" in question:
            assert int(gold) == sum(map(int, re.findall(r"\d+", question)))
        elif "more letters" in question:
            assert len(gold) == max(map(len, options)) > min(map(len, options))
        elif "alphabet" in question:
            assert gold == min(options)


def test_bits() -> None:
    assert (bits(0.5), bits(0.0), bits(1.0)) == (1.0, 0.0, 0.0)
    assert bits(0.25) == pytest.approx(0.8112781)
