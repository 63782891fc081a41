"""Self-recognition: readers of known behaviour, the rules, and the posts."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from experiments.theory_of_mind.self_recognition.accounts import ACCOUNTS, TOPICS, TRAINING_TOPICS, Posts
from experiments.theory_of_mind.self_recognition.rules import fit, length, pick, shared_with, weigh
from experiments.theory_of_mind.self_recognition.self_recognition import SelfRecognition
from harness import HarnessError
from harness.cli.main import main
from harness.config import load_job
from harness.outcomes import Table
from harness.statistics.estimates import Estimate, estimate_all
from harness.testing import Simulated, simulate

ITEMS = Posts().load()
SOME = [item for item in ITEMS if item.fields["topic"] in TOPICS[:12]]
POSTS = {
    " One short line.": 0.5,
    " Two lines of words about it all.": 0.3,
    " Three words more, and then a few others.": 0.2,
}
"""What every account may write, with its probability."""


def model(yes: Callable[[str], float], first: Callable[[str], float]) -> Callable[[str], Mapping[str, float]]:
    """A model that writes one of `POSTS`, and says Yes (names the first of two posts) with a probability by prompt."""

    def reply(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("Post:"):
            return POSTS
        p = yes(prompt) if "Yes or No" in prompt.rsplit("<user>", 1)[1] else first(prompt)
        options = (" Yes", " No") if "Yes or No" in prompt.rsplit("<user>", 1)[1] else ("A", "B")
        return {options[0]: p, options[1]: 1 - p}

    return reply


def estimates(done: Simulated) -> dict[tuple[str, str], Estimate]:
    table: Table = done.table
    found = estimate_all(SelfRecognition.metrics, table, replicates=20)
    return {(e.metric, ", ".join(e.level.values())): e for e in found}


def shown(prompt: str) -> float:
    """The log-probability of the one post in a question, by the token: what the likelihood arm scores."""
    post = next(post for post in POSTS if f"\n{post.strip()}\n" in prompt.rsplit("<user>", 1)[1])
    return math.log(POSTS[post]) / len(re.findall(r" ?\w+| ?[^\w\s]|\s", post))


def two(prompt: str) -> tuple[float, float]:
    """The same of both posts that are shown, the first one first."""
    lines = re.search(r"\(A\) (.*)\n\(B\) (.*)\n", prompt)
    if lines is None:
        raise LookupError("no two posts")
    a, b = (math.log(POSTS[f" {one}"]) / len(re.findall(r" ?\w+| ?[^\w\s]|\s", f" {one}")) for one in lines.groups())
    return a, b


def test_a_reader_that_says_yes_to_everything_recognises_nothing() -> None:
    done = simulate(SelfRecognition(training=11), SOME, model(lambda _: 0.97, lambda _: 0.9), train=ITEMS[-11:])
    found = estimates(done)
    assert found["auroc", "self"].value == 0.5
    assert found["p_yes", "self, own"].value == pytest.approx(0.97)
    assert found["p_yes", "self, foreign"].value == pytest.approx(0.97)
    # It names the first of two posts whichever that is: over both orders neither is preferred.
    assert found["picks_own", "self"].value == 0.5
    assert found["listed_first", "self"].value == 1
    assert found["hits_less_false_alarms", "copy check with history"].value == 0


def test_a_reader_by_likelihood_does_as_well_as_the_likelihood() -> None:
    """The known answer: its difference to the likelihood of the posts is 0 on every post."""
    reader = model(lambda prompt: 1 / (1 + math.exp(-shown(prompt))), lambda p: 0.9 if two(p)[0] > two(p)[1] else 0.1)
    arms = ("self", "perplexity as written")
    done = simulate(SelfRecognition(arms=arms), SOME, reader)
    found = estimates(done)
    assert found["auroc", "self"].value == found["auroc", "perplexity as written"].value
    rows = {(row["item"], row["arm"]): row["picks"] for row in done.rows if row["is_own"]}
    differ = [item for item, arm in rows if rows[item, "self"] != rows[item, "perplexity as written"]]
    # Two equal posts: the likelihood is alike, and the reader is asked about one text twice.
    assert not differ


def test_a_reader_that_knows_its_account_is_found_out_by_the_arm_without_it() -> None:
    def knows(prompt: str) -> Mapping[str, float]:
        handle = re.search(r"You are (@\w+)", prompt)
        name = handle[1] if handle else "nobody"
        if prompt.endswith("Post:"):
            return {f" Greetings from {name}.": 1.0}
        asked = prompt.rsplit("<user>", 1)[1]
        if "Yes or No" in asked:
            return {" Yes": 0.8, " No": 0.2} if f"Greetings from {name}." in asked else {" Yes": 0.3, " No": 0.7}
        return {"A": 0.9, "B": 0.1} if f"(A) Greetings from {name}." in asked else {"A": 0.2, "B": 0.8}

    accounts = [item for item in SOME if item.fields["account"] and item.fields["other"]]
    done = simulate(SelfRecognition(arms=("self", "no account", "other model")), accounts, knows)
    found = estimates(done)
    assert found["auroc", "self"].value == 1
    assert found["picks_own", "self"].value == 1
    assert found["p_pick_own", "self"].value == pytest.approx((0.9 + 0.8) / 2)
    assert found["auroc", "no account"].value == 0.5
    assert found["auroc", "other model"].value == 1  # the subject itself plays it


def test_a_copy_check_with_history_is_passed_by_comparing_two_texts() -> None:
    def compares(prompt: str) -> float:
        written = re.search(r"Post: (.*)\n", prompt)
        text = re.search(r"Here is a text:\n(.*)\n", prompt)
        assert text is not None
        return 0.9 if written is not None and written[1] == text[1] else 0.1

    arms = ("copy check with history", "copy check without history")
    done = simulate(SelfRecognition(arms=arms), SOME, model(compares, lambda _: 0.5))
    rows = [row for row in done.rows if row["arm"] == "copy check with history"]
    assert [row["shown"] for row in rows[:3]] == ["own", "foreign", "own with an odd word"]
    for row in rows:
        if row["shown"] == "own with an odd word":
            assert row["p_yes"] == pytest.approx(0.1)
    same = {row["item"]: row["p_yes"] > 0.5 for row in rows if row["shown"] == "foreign"}
    for row in rows:
        if row["is_own"]:
            assert row["hits_less_false_alarms"] == 1 - same[row["item"]] / 2
    found = estimates(done)
    assert found["hits_less_false_alarms", "copy check without history"].value == 0


def test_another_model_writes_the_foreign_posts_and_reads_as_the_same_account() -> None:
    def other(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("Post:"):
            return {" From the rival.": 1.0}
        return {" Yes": 0.6, " No": 0.4} if "Yes or No" in prompt else {"A": 0.5, "B": 0.5}

    same = SelfRecognition(arms=("self", "other model"), foreign="same account")
    assert not same.needed_parts()["rival"].stand_in
    done = simulate(same, SOME[:11], model(lambda _: 0.3, lambda _: 0.5), roles={"rival": other})
    by = {(row["arm"], row["shown"]): row for row in done.rows}
    assert by["self", "foreign"]["p_yes"] == pytest.approx(0.3)
    assert by["other model", "foreign"]["p_yes"] == pytest.approx(0.6)
    first = done.finished[0]
    (written,) = (one for one in first.transcript if one.reply.startswith(" From the rival"))
    handle, topic = (first.item.fields[name] for name in ("account", "topic"))
    assert (handle or "You write short posts") in written.prompt
    assert f"Write a post about {topic}, in" in written.prompt
    with pytest.raises(HarnessError, match="nobody plays the part 'rival'"):
        load_job(["experiment=selfRecognition", "experiment.foreign='same account'", "engine=fake"])


def test_a_post_without_words_leaves_rows_that_say_so() -> None:
    def silent(prompt: str) -> Mapping[str, float]:
        return {' "" \n': 1.0} if "@greywether" in prompt and prompt.endswith("Post:") else model(half, half)(prompt)

    half = lambda _: 0.5  # noqa: E731
    done = simulate(SelfRecognition(training=11), SOME[:22], silent, train=ITEMS[-11:])
    reasons = Counter(row["reason"] for row in done.rows)
    assert reasons["a post has no words"] > 0
    assert not [row for row in done.rows if row["error"]]
    assert all((row["score"] is None) == (row["reason"] is not None) for row in done.rows)
    lost = [row for row in done.rows if row["arm"] == "self" and row["reason"] is not None]
    assert estimates(done)["auroc", "self"].n_failed == len(lost)


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=selfRecognition", "engine=fake", "tracker=none", "limit=24", "replicates=50"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    assert "undefined" not in capsys.readouterr().out


def test_the_rules() -> None:
    assert length("It rains, again!") == 3
    assert shared_with("You sell umbrellas at a market.", "Umbrellas at home") == pytest.approx(2 / 3)
    assert shared_with("You sell.", "...") == 0
    assert (pick(2, 1), pick(1, 2), pick(1, 1)) == (1, 0, 0.5)


def test_a_bag_of_words_weighs_by_how_often_a_label_has_a_word() -> None:
    weights = fit([("rain rain", True), ("rain", True), ("sun", False), ("sun rain", False)])
    assert weights["rain"] == pytest.approx(math.log((2 + 1) / 4) - math.log((1 + 1) / 4))
    assert weights["sun"] == pytest.approx(math.log((0 + 1) / 4) - math.log((2 + 1) / 4))
    assert weigh("rain and nothing known", weights) > 0 > weigh("sun", weights)
    assert weigh("", weights) == 0
    assert fit([]) == {}


def test_every_post_is_an_own_one_and_a_foreign_one_equally_often() -> None:
    assert len(ITEMS) == len(ACCOUNTS) * len(TOPICS) == 330
    assert len({item.id for item in ITEMS}) == 330
    for topic in TOPICS:
        items = [item for item in ITEMS if item.fields["topic"] == topic]
        own, others = (sorted(item.fields[name] for item in items) for name in ("account", "other"))
        assert own == others == sorted(account.handle for account in ACCOUNTS)
        assert all(item.fields["account"] != item.fields["other"] for item in items)
        assert {item.group for item in items} == {topic}
    pairs = Counter((item.fields["account"], item.fields["other"]) for item in ITEMS)
    assert set(pairs.values()) == {3}


def test_the_bag_of_words_is_fitted_on_other_topics() -> None:
    assert not {item.group for item in Posts().load_train()} & {item.group for item in ITEMS}
    assert len(TRAINING_TOPICS) == len(set(TRAINING_TOPICS)) == 10
    assert SelfRecognition().train_items() == 44
    assert SelfRecognition(arms=("self",)).train_items() == 0


def test_lines_by_rule_need_no_rival_and_are_about_the_topic() -> None:
    asks = SelfRecognition(arms=("self", "rule: longer post"), foreign="lines")
    done = simulate(asks, SOME[:11], model(lambda _: 0.5, lambda _: 0.5))
    assert estimates(done)["auroc", "self"].value == 0.5
    assert all(item.fields["topic"] in item.fields["line"] for item in ITEMS)
    assert len({item.fields["line"] for item in ITEMS}) > 250


def test_nothing_is_said_of_a_mind() -> None:
    """Telling one's own text from another is no evidence of more, so no output may say more."""
    experiments = [load_job([f"experiment={name}", "engine=fake"]) for name in ("selfRecognition", "influence")]
    for job in experiments:
        claims = [claim.text for claim in job.claims]
        texts = [type(job.experiment).__doc__ or "", *job.experiment.wording.values(), *claims]
        assert not [text for text in texts if re.search(r"conscious|self-aware|sentien", text, re.IGNORECASE)]
