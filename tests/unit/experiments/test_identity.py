"""Synthetic people, and the experiment on subjects that read profiles in known ways."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from experiments.theory_of_mind.identity.identity import Identity
from experiments.theory_of_mind.identity.people import padded
from experiments.theory_of_mind.identity.prompts import of, shared_words, written
from experiments.theory_of_mind.identity.rows import PARTS, VIEWS
from experiments.theory_of_mind.identity.task import SyntheticPeople
from harness import HarnessError, Item, Text
from harness.config import load_job
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate_all
from harness.testing import Simulated, simulate

VERIFY = [name for name, view in VIEWS.items() if view.task == "verify"]


def people(n: int = 8, **settings: Any) -> list[Item]:
    return SyntheticPeople(name="synthetic_people", people=n, **settings).load()


def estimates(simulated: Simulated, name: str) -> dict[tuple[str, ...], float]:
    (metric,) = (m for m in Identity.metrics if m.name == name)
    found = estimate_all([metric], simulated.table, replicates=20)
    return {tuple(e.level.values()): float("nan") if e.value is None else e.value for e in found}


def test_people_differ_and_half_of_the_statements_are_their_own() -> None:
    items = people(200)
    assert len({item.id for item in items}) == 200
    for item in items:
        own = item.gold["own"]
        assert len(own) == 12
        kinds = [(s["part"], s["wording"], o) for s, o in zip(item.fields["statements"], own, strict=True)]
        assert sorted(kinds) == sorted(
            (p, w, o) for p in "SPC" for w in ("contained", "implied") for o in (True, False)
        )
        assert len({s["text"] for s in item.fields["statements"]}) == 12
        assert item.fields["lineup"][item.gold["profile"]] == item.fields["profile"]
        assert item.fields["other"] in item.fields["lineup"]
        assert len(set(item.fields["jobs"])) == 4
        assert item.gold["job"] in item.fields["jobs"]
        assert len(set(item.fields["introduction"])) == 5
    assert people(3) == items[:3]  # a person does not depend on how many are drawn
    profiles = {item.gold["profile"] for item in items}
    assert profiles == {0, 1, 2, 3}


def test_contained_statements_share_words_with_their_profile_and_implied_ones_hardly_do() -> None:
    shares: dict[tuple[str, bool], list[float]] = {}
    for item in people(200):
        profile = of(item.fields["profile"], "SPC")
        for statement, own in zip(item.fields["statements"], item.gold["own"], strict=True):
            shares.setdefault((statement["wording"], own), []).append(shared_words(statement["text"], profile))
    mean = {kind: sum(values) / len(values) for kind, values in shares.items()}
    assert mean["contained", True] > mean["contained", False] + 0.2
    assert max(mean["implied", True], mean["implied", False]) < 0.03


def test_the_day_goes_with_the_job_only_where_the_parts_hang_together() -> None:
    def days(*, correlated: bool) -> int:
        found = {
            (of(i.fields["profile"], "C").splitlines()[0], i.gold["job"]) for i in people(200, correlated=correlated)
        }
        return len(found)

    assert days(correlated=True) == 8
    assert days(correlated=False) > 40


def test_no_people_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"task\.people=0; give 1 or more"):
        SyntheticPeople(name="synthetic_people", people=0)


def test_padding_makes_a_profile_as_long_as_another_and_tells_nothing_of_the_person() -> None:
    (item,) = people(1)
    simulated = simulate(Identity(arms=["C padded", "SPC"]), [item], lambda _prompt: "Yes")
    prompts = [exchange.prompt for exchange in simulated.finished[0].transcript]
    shown = [prompt.partition("You are this person:\n")[2].partition("\n\nIs this")[0] for prompt in prompts if prompt]
    lengths = {len(text.split()) for text in shown if text}
    long = len(of(item.fields["profile"], "SPC").split())
    assert long in lengths
    assert max(lengths) - long < 15
    text = padded("Loves: jazz", 40, random.Random(0))
    assert text.startswith("Loves: jazz\n")
    assert 40 <= len(text.split()) < 55


def yes(p: float) -> Mapping[str, float]:
    return {" Yes": p, " No": 1 - p}


def reader(items: list[Item], believes: Callable[[str, str, bool], float]) -> Callable[[str], Mapping[str, float]]:
    """A model that answers about statements by the profile and the statement, and names the letter (A) otherwise."""
    own = {
        (of(item.fields["profile"], "SPC"), s["text"]): o
        for item in items
        for s, o in zip(item.fields["statements"], item.gold["own"], strict=True)
    }

    def answer(prompt: str) -> Mapping[str, float]:
        asked = re.search(r'Is this true of you\? "(.*)"\n', prompt)
        if asked:
            profile = prompt.partition("You are this person:\n")[2].partition("\n\nIs this")[0]
            return yes(believes(profile, asked[1], own.get((profile, asked[1]), False)))
        return {"A": 1.0} if prompt.endswith("(") else {" I like tea.\n2. I like rain.": 1.0}

    return answer


def test_who_says_yes_to_everything_accepts_all_and_tells_nothing_apart() -> None:
    items = people()
    simulated = simulate(Identity(), items, reader(items, lambda *_: 1.0))
    assert not [row["error"] for row in simulated.rows if row["error"]]
    assert set(estimates(simulated, "auroc").values()) == {0.5}
    assert set(estimates(simulated, "acceptance").values()) == {1.0}
    assert set(estimates(simulated, "auroc")) == {(arm,) for arm in VERIFY}


def test_who_knows_the_person_tells_all_apart_and_with_another_profile_the_other_way_round() -> None:
    items = people()
    others = {of(i.fields["other"], "SPC") for i in items}

    def believes(profile: str, _statement: str, own: bool) -> float:
        return 0.5 if not profile else 0.2 + 0.6 * (own if profile not in others else False)

    simulated = simulate(Identity(arms=["SPC", "no profile"]), items, reader(items, believes))
    assert estimates(simulated, "auroc") == {("SPC",): 1.0, ("no profile",): 0.5}
    assert estimates(simulated, "acceptance") == {
        ("SPC", "true"): 1.0, ("SPC", "false"): 0.0, ("no profile", "true"): 0.0, ("no profile", "false"): 0.0,
    }  # fmt: skip


def test_who_counts_shared_words_has_the_auc_of_shared_words_in_every_view() -> None:
    items = people(12)
    simulated = simulate(
        Identity(arms=VERIFY), items, reader(items, lambda profile, said, _own: shared_words(said, profile))
    )
    ours, words = (estimates(simulated, name) for name in ("auroc", "overlap_auroc"))
    assert ours == pytest.approx(words)
    assert words["no profile",] == 0.5
    assert words["SPC",] > 0.6
    assert words["other person",] < 0.4
    by_wording = estimates(simulated, "overlap_auroc_by_wording")
    assert by_wording["SPC", "contained"] > 0.7
    assert by_wording["SPC", "implied"] == pytest.approx(0.5, abs=0.05)
    # The words "high" and "low" stand in everybody's P, and so tell nothing.
    by_part = estimates(simulated, "auroc_by_part")
    for part in "SC":
        assert by_part[part, part] > 0.6


def test_who_counts_shared_words_supports_no_claim_about_the_parts_of_a_person() -> None:
    """Over all statements the whole profile tells it more than a part does, and the other's profile misleads it."""
    items = people(40)
    arms = ("SPC", "S", "P", "C", "C padded", "other person")
    simulated = simulate(
        Identity(arms=arms), items, reader(items, lambda profile, said, _own: shared_words(said, profile))
    )
    claims = [
        claim
        for claim in load_job(["experiment=identity", "engine=fake", "tracker=none"]).claims
        if claim.metric.startswith("auroc")
    ]
    assert len(claims) == 6
    metrics = [metric for metric in Identity.metrics if "auroc" in metric.name or metric.name == "option_mass"]
    found = estimate_all(metrics, simulated.table, replicates=200)
    verdicts = [judge_claim(one, found, metrics, simulated.table, replicates=200).kind for one in claims]
    assert "supported" not in verdicts


def test_a_profile_that_contains_the_statement_has_an_auc_of_one_by_overlap() -> None:
    (item,) = people(1)
    texts = [("I come from Portugal.", True), ("I come from Norway.", False)]
    fields = {
        **item.fields,
        "profile": {**item.fields["profile"], "S": "From: Portugal\nI come from Portugal."},
        "statements": [{"text": text, "part": "S", "wording": "contained"} for text, _ in texts],
    }
    made = Item(fields, {**item.gold, "own": [own for _, own in texts]}, item.grader)
    simulated = simulate(Identity(arms=["S"]), [made], lambda _prompt: yes(0.5))
    assert estimates(simulated, "overlap_auroc") == {("S",): 1.0}
    assert estimates(simulated, "auroc") == {("S",): 0.5}


def test_who_always_names_the_same_letter_identifies_by_chance_in_four_rotations() -> None:
    items = people()
    simulated = simulate(Identity(), items, reader(items, lambda *_: 0.5))
    chosen = [row for row in simulated.rows if row["task"] != "verify" and row["rule"] == "none"]
    assert {row["p_true"] for row in chosen} == {0.25}
    assert {row["mass"] for row in chosen} == {1.0}
    assert {row["statements"] for row in chosen if row["arm"] == "identify own words"} == {2}


def test_who_finds_the_words_of_the_statements_identifies_the_person() -> None:
    items = people()

    def answer(prompt: str) -> Mapping[str, float]:
        own = re.findall(r"^- (.+)$", prompt, re.MULTILINE)
        item = next(i for i in items if all(one in i.fields["introduction"] for one in own)) if own else None
        profiles = re.findall(r"\(([A-D])\)\n(.+?)(?=\n\n)", prompt, re.DOTALL)
        assert item is not None
        right = [letter for letter, text in profiles if text == of(item.fields["profile"], "SPC")]
        return {right[0]: 1.0}

    simulated = simulate(Identity(arms=["identify SPC", "rule: longest profile"]), items, answer)
    assert estimates(simulated, "identification")["identify SPC",] == 1.0
    longest = sum(
        max(i.fields["lineup"], key=lambda parts: len(of(parts, "SPC"))) == i.fields["profile"] for i in items
    )
    assert estimates(simulated, "identification")["rule: longest profile",] == longest / len(items)


@pytest.mark.parametrize(
    ("text", "finish", "statements"),
    [
        ("1. I like tea.\n2) I run.\n\n- I bake bread.", "stop", ["I like tea.", "I run.", "I bake bread."]),
        ('"I like tea."\nI like tea.\nI swim a lot.', "stop", ["I like tea.", "I swim a lot."]),
        ("I like tea.\nI am a per", "length", ["I like tea."]),
        ("\n".join(f"I am number {n}." for n in range(9)), "stop", [f"I am number {n}." for n in range(5)]),
        ("", "stop", []),
        ("...", "stop", []),
    ],
)
def test_written_statements_are_lines_without_numbers(text: str, finish: Any, statements: list[str]) -> None:
    assert written(Text(text, (1,), (-1.0,), finish)) == statements


def test_a_model_that_writes_nothing_is_not_identified() -> None:
    items = people(2)
    simulated = simulate(Identity(arms=["identify own words"]), items, lambda _prompt: "...")
    assert [(row["identified"], row["statements"], row["p_true"]) for row in simulated.rows] == [(False, 0, None)] * 2


def test_people_who_are_alike_in_a_part_are_different_options_all_the_same() -> None:
    (item,) = people(1)
    alike = [{**parts, "P": "Openness: high"} for parts in item.fields["lineup"]]
    twins = Item({**item.fields, "lineup": alike}, item.gold, item.grader)
    (row,) = simulate(
        Identity(arms=["identify P"]), [twins], lambda _prompt: {"A": 0.7, "B": 0.1, "C": 0.1, "D": 0.1}
    ).rows
    assert row["error"] is None
    assert row["p_true"] == pytest.approx(0.25)


def test_every_number_is_finite() -> None:
    items = people()
    table = simulate(Identity(), items, reader(items, lambda *_: 0.4)).table
    for found in estimate_all(list(Identity.metrics), table, replicates=20):
        assert found.value is not None, found
    assert {"SPC", *PARTS} <= set(table.columns["arm"])
