"""Logs of lm-eval and Inspect as runs: their numbers are ours, and compare, report, table and rescore read them."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.cli.main import main
from harness.interop.importing import write_run
from harness.interop.inspect_logs import read_log
from harness.interop.lm_eval_samples import read_samples
from harness.outcomes import Table
from harness.runs.records import load_record

FILES = Path(__file__).parent / "files"
TIME = "2026-11-28T12-32-43.897542"
GENERATED = FILES / f"lm_eval/samples_tiny_gen_{TIME}.jsonl"
CHOSEN = FILES / f"lm_eval/samples_tiny_mc_{TIME}.jsonl"
CAPITALS = FILES / "inspect/capitals.json"
EVERYDAY = FILES / "inspect/everyday.eval"

QUESTIONS = {
    "What is the capital of France?": "Paris",
    "What is the capital of Peru?": "Lima",
    "What is the capital of Japan?": "Kyoto",
    "How many legs has a spider?": "8",
}
"""The questions of lm-eval's tiny_gen, with another gold answer for Japan."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imported(place: Path, *words: str) -> Path:
    assert main(["import", *words]) == 0
    (run,) = (place / "runs/imported").iterdir()
    return run


def estimates(run: Path, metric: str = "accuracy") -> dict[str, Any]:
    return {e.level["arm"]: e for e in load_record(run).estimates if e.metric == metric}


def lines(run: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (run / "calls.jsonl").read_bytes().splitlines()]


def our_run(place: Path, questions: Mapping[str, str] = QUESTIONS) -> Path:
    """A run of ours on questions of a file."""
    file = place / "questions.jsonl"
    file.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in questions.items()))
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "task=table", f"task.path={file}", "engine=fake"]
    assert main(["run", *words, "tracker=none", "replicates=20", "max_failed=1", "runs=ours", "store=store"]) == 0
    (manifest,) = (place / "ours").rglob("manifest.json")
    return manifest.parent


# lm-eval 0.4.13: "acc,none" and "acc_stderr,none" of results_*.json, which lie beside the samples.
@pytest.mark.parametrize("file", [GENERATED, CHOSEN], ids=["generated", "chosen"])
def test_accuracy_and_standard_error_of_lm_eval_are_ours(place: Path, file: Path) -> None:
    task = "tiny_gen" if file == GENERATED else "tiny_mc"
    theirs = json.loads((FILES / f"lm_eval/results_{TIME}.json").read_text())["results"][task]
    found = estimates(imported(place, str(file)))
    names = {
        "exact_match strict-match": "exact_match{},strict-match",
        "exact_match flexible-extract": "exact_match{},flexible-extract",
        **{name: name + "{},none" for name in ("acc", "acc_norm")},
    }
    assert len(found) == 2
    for arm, e in found.items():
        assert e.value == pytest.approx(theirs[names[arm].format("")], abs=1e-12)
        assert e.se == pytest.approx(theirs[names[arm].format("_stderr")], abs=1e-9)
        assert e.low <= e.value <= e.high


def test_accuracy_and_standard_error_of_inspect_are_ours_with_repetitions(place: Path) -> None:
    run = imported(place, str(CAPITALS))
    scores = {s["name"]: s["metrics"] for s in json.loads(CAPITALS.read_text())["results"]["scores"]}
    match, partial, length = estimates(run)["match"], *(estimates(run, "mean")[arm] for arm in ("partial", "length"))
    assert (match.n, match.n_groups) == (6, 3)
    assert match.value == pytest.approx(scores["match"]["accuracy"]["value"], abs=1e-12)
    assert match.se == pytest.approx(scores["match"]["stderr"]["value"], abs=1e-9)
    assert partial.value == pytest.approx(scores["partial"]["accuracy"]["value"], abs=1e-12)
    assert length.value == pytest.approx(scores["length"]["mean"]["value"], abs=1e-12)
    # The standard error of a mean of any numbers is that of the bootstrap, with its noise.
    assert length.se == pytest.approx(scores["length"]["stderr"]["value"], rel=0.1)


def test_a_zip_of_inspect_is_read_with_its_options(place: Path) -> None:
    run = imported(place, str(EVERYDAY))
    assert estimates(run)["choice"].value == pytest.approx(2 / 3, abs=1e-12)
    assert {line["gold"] for line in lines(run)} == {"(A) plum", "(B) a kite", "(C) a dog"}
    assert {line["fields"]["stem"] for line in lines(run)} == {"Which is a fruit?", "Which flies?", "Which barks?"}
    assert sorted(line["exchanges"][0]["reply"] for line in lines(run)) == ["ANSWER: A", "ANSWER: B", "no idea"]


def test_options_have_the_probability_of_the_chosen_one_and_the_right_gold(place: Path) -> None:
    run = imported(place, str(CHOSEN))
    table = Table.load(run / "outcomes.parquet")
    by_item = {line["item"]: line for line in lines(run)}
    assert {line["gold"] for line in by_item.values()} == {
        *("(B) a dog", "(B) iron", "(C) an elephant", "(A) plum", "(A) a kite", "(C) 2")
    }
    logged = {row["doc"]["question"]: row for row in map(orjson.loads, CHOSEN.read_bytes().splitlines())}
    for item, arm, answer, p, correct in zip(
        *(table.columns[c] for c in ("item", "arm", "answer", "p", "correct")), strict=True
    ):
        row = logged[by_item[item]["fields"]["stem"]]
        logs = [float(one[0]) for one in row["filtered_resps"]]
        if arm == "acc_norm":
            assert math.isnan(p)
            continue
        assert p == pytest.approx(math.exp(max(logs)) / sum(map(math.exp, logs)), abs=1e-12)
        assert answer == row["doc"]["choices"][logs.index(max(logs))]
        assert (by_item[item]["gold"][4:] == answer) == bool(correct)
    assert estimates(run, "brier")["acc"].value is not None


def test_every_text_stands_in_the_calls_once(place: Path) -> None:
    run = imported(place, str(GENERATED))
    asked = {line["fields"]["question"]: line["exchanges"] for line in lines(run)}
    assert {question: [e["reply"] for e in exchanges] for question, exchanges in asked.items()} == {
        "What is the capital of France?": ["Paris"],
        "What is the capital of Peru?": ["It is Lima"],
        "What is the capital of Japan?": ["Kyoto"],
        "How many legs has a spider?": ["I think 8"],
    }
    assert asked["What is the capital of Peru?"][0]["prompt"] == "Q: What is the capital of Peru?\nA:"


def test_the_manifest_says_where_a_run_is_from(place: Path) -> None:
    manifest = load_record(imported(place, str(GENERATED))).manifest
    assert (manifest["status"], manifest["experiment"], manifest["model"]["name"]) == (
        *("imported", "imported", "tiny-model"),
    )
    assert manifest["imported"]["format"] == "lm-eval"
    assert manifest["imported"]["version"] == "0.4.13"
    assert manifest["imported"]["aggregates"]["exact_match strict-match"] == {
        "value": 0.25,
        "stderr": 0.25,
        "same_as_ours": True,
    }


def test_a_folder_gives_a_run_for_each_log(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(FILES)]) == 0
    assert len(list((place / "runs/imported").iterdir())) == 4
    out = capsys.readouterr().out
    assert "exact_match strict-match: 0.2500" in out
    assert "the log has 0.2500 (stderr 0.2500)" in out
    assert main(["report", "runs/imported"]) == 0
    assert main(["table", "runs/imported", "--rows", "task", "--columns", "arm", "--metric", "accuracy"]) == 0
    assert "0.667" in capsys.readouterr().out


def test_a_new_grader_judges_the_texts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = imported(place, str(GENERATED))
    for _ in range(2):  # the second time replaces the arm of the first
        assert main(["rescore", str(run), "--replay", "task.grader=short_answer"]) == 0
    found = estimates(run)
    assert found["graded by short_answer"].value == 0.75
    assert found["graded by short_answer"].n == 4
    assert found["exact_match strict-match"].value == 0.25
    assert main(["rescore", str(run), "task.grader=letter_choice", "--replay"]) == 2
    assert "letter_choice cannot grade it" in capsys.readouterr().err


def test_a_new_metric_reads_an_imported_run(place: Path) -> None:
    run = imported(place, str(CHOSEN))
    added = ["+metrics.nll._target_=harness.metrics.nll", "+metrics.nll.columns=[p,correct]"]
    assert main(["rescore", str(run), *added]) == 0
    assert estimates(run, "nll")["acc"].value > 0


def test_options_have_no_texts_to_grade(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = imported(place, str(CHOSEN))
    assert main(["rescore", str(run), "task.grader=short_answer", "--replay"]) == 2
    assert "no texts to grade" in capsys.readouterr().err


def test_questions_pair_with_a_run_of_ours_where_the_gold_answers_agree(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = our_run(place)
    ids = {line["fields"]["question"]: line["item"] for line in lines(ours)}
    run = imported(place, str(GENERATED), "--like", str(ours), "--arm", "exact_match flexible-extract=zero-shot")
    assert f"3 of 4 questions are those of {ours}; 1 have another gold answer there" in capsys.readouterr().out
    theirs = {line["fields"]["question"]: line["item"] for line in lines(run)}
    assert [q for q in QUESTIONS if theirs[q] != ids[q]] == ["What is the capital of Japan?"]
    assert main(["compare", str(ours), str(run), "--group-by", "experiment", "--metric", "accuracy"]) == 0
    out = capsys.readouterr().out
    assert "imported: " in out
    assert "of lm-eval 0.4.13" in out
    assert "share 3" in out


def test_the_same_question_and_gold_answer_have_our_id_without_pairing(place: Path) -> None:
    ours = {line["fields"]["question"]: line["item"] for line in lines(our_run(place))}
    theirs = {line["fields"]["question"]: line["item"] for line in lines(imported(place, str(GENERATED)))}
    assert sum(theirs[question] == item for question, item in ours.items()) == 3


def test_nothing_to_pair_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = our_run(place, {"What is the capital of Chile?": "Santiago", "What is the capital of Cuba?": "Havana"})
    assert main(["import", str(GENERATED), "--like", str(ours)]) == 2
    assert "none of the 4 questions" in capsys.readouterr().err
    assert not (place / "runs/imported").exists()


def test_an_exported_run_comes_back_with_its_items_and_numbers(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = our_run(place)
    assert main(["export", str(ours), "--format", "inspect", "--output", "ours.eval"]) == 0
    back = imported(place, "ours.eval")
    assert {line["item"] for line in lines(back)} == {line["item"] for line in lines(ours)}
    for metric in ("accuracy", "brier", "auroc"):
        assert estimates(back, metric)["zero-shot"].value == estimates(ours, metric)["zero-shot"].value
    # The last reply of an item is not the answer that was graded.
    assert main(["rescore", str(back), "--replay", "task.grader=short_answer"]) == 2
    assert "the log of a run of the harness; rescore that run itself" in capsys.readouterr().err


def test_arms_of_several_rows_come_back_row_by_row(place: Path) -> None:
    words = ["experiment=falseBelief", "task.families=4", "experiment.arms=[options,free,rule: last place]"]
    words += ["engine=fake", "tracker=none", "replicates=20", "max_failed=1", "limit=2"]
    assert main(["run", *words, "runs=ours", "store=store"]) == 0
    (manifest,) = (place / "ours").rglob("manifest.json")
    assert main(["export", str(manifest.parent), "--format", "inspect", "--output", "ours.eval"]) == 0
    ours, back = (Table.load(run / "outcomes.parquet") for run in (manifest.parent, imported(place, "ours.eval")))
    for arm in set(ours.columns["arm"]):
        one, two = (t.columns["correct"][t.columns["arm"] == arm] for t in (ours, back))
        assert (len(one), float(one.sum())) == (len(two), float(two.sum())), arm


def test_another_number_than_the_logs_own_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = read_samples(GENERATED)
    wrong = replace(source, theirs={"exact_match strict-match": (0.5, None)})
    (check,) = write_run(wrong, place / "run", replicates=20)
    assert not check.agrees
    log = json.loads(CAPITALS.read_text())
    log["results"]["scores"][0]["metrics"]["accuracy"]["value"] = 0.9
    (place / "log.json").write_text(json.dumps(log))
    assert main(["import", "log.json"]) == 0
    assert "match: this is not the log's number" in capsys.readouterr().err


def test_a_sample_that_failed_is_a_failure_and_no_wrong_answer(place: Path) -> None:
    log = json.loads(CAPITALS.read_text())
    log["samples"][0]["error"] = {"message": "the server said no", "traceback": "", "traceback_ansi": ""}
    (place / "log.json").write_text(json.dumps(log))
    run = imported(place, "log.json")
    assert estimates(run)["match"].n == 5
    assert load_record(run).manifest["items_failed"] == 1


def test_earlier_and_later_forms_of_a_sample_are_read(place: Path) -> None:
    row = orjson.loads(GENERATED.read_bytes().splitlines()[0])
    row["arguments"] = [["Q: What is the capital of France?\nA:", {"until": ["\n"]}]]  # before 0.4.4
    del row["metrics"], row["filter"]
    (place / "samples_old.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    source = read_samples(place / "samples_old.jsonl")
    assert [(one.arm, one.value, one.reply) for one in source.answers] == [("exact_match", 1.0, "Paris")]


def test_long_messages_of_inspect_are_found_in_its_attachments(place: Path) -> None:
    log = json.loads(CAPITALS.read_text())
    sample = log["samples"][0]
    sample["attachments"] = {"ab12": "a long question"}
    sample["input"] = sample["messages"][0]["content"] = "attachment://ab12"
    sample["messages"][-1]["content"] = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Paris"}]
    (place / "log.json").write_text(json.dumps(log))
    first = read_log(place / "log.json").answers[0]
    assert (first.item.fields["question"], first.prompt, first.reply) == (
        *("a long question", "user: a long question", "Paris"),
    )
