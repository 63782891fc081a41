"""What is reported of thoughts: counted from the transcripts, by hand in these tests, and the same from the store."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import Job, load_job
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.execution.summary import print_summary
from harness.report.page import write_page
from harness.tracker import RunResult
from harness.tracking.contents import summary_of
from tests.support.tiny_tokenizers import qwen3

HERE = "tests.support.thinking_engine"
ITEMS = 6


def job(folder: Path, thought: str | None, *more: str, experiment: str = "Asks") -> Job:
    words = [f"experiment={HERE}:{experiment}", f"engine._target_={HERE}.Thinks", "task=arithmetic", f"limit={ITEMS}"]
    spoken = [f"+engine.thought={json.dumps(thought)}"] if thought is not None else []  # else a hostile one
    return load_job([*words, *spoken, "tracker=none", f"store={folder}/store", f"runs={folder}/runs", *more])


def made(folder: Path, thought: str | None, *more: str, experiment: str = "Asks") -> tuple[Session, dict[str, Any]]:
    session = execute(job(folder, thought, *more, experiment=experiment))
    return session, json.loads((session.run.path / "manifest.json").read_text())


def size(thought: str) -> int:
    """Tokens between the marks."""
    return len(qwen3().encode(f"<think>\n{thought}\n</think>")) - len(qwen3().encode("<think>")) - 1


def test_thoughts_are_counted_alike_when_all_comes_from_the_store(tmp_path: Path) -> None:
    first, manifest = made(tmp_path, "Hm. Two and two.")
    told = manifest["thoughts"]
    # An item's sampled reply has a thought of its own; its two probabilities follow one greedy thought.
    n = 2 * ITEMS
    assert told == {
        "replies": n, "thoughts": n, "tokens": n * size("Hm. Two and two."), "tokens_a_reply": size("Hm. Two and two."),
        "closed": n, "empty": 0, "forced": 0, "cut": 0,
        "share_closed": 1.0, "share_empty": 0.0, "share_forced": 0.0, "share_cut": 0.0,
    }  # fmt: skip
    again, second = made(tmp_path, "Hm. Two and two.")
    assert again.store is not None
    assert again.store["asked"] == 0
    assert second["thoughts"] == told
    assert "role_thoughts" not in manifest
    assert first.store is not None
    assert first.store["asked"] > 0


@pytest.mark.parametrize(
    ("thought", "more", "ends"),
    [
        ("", (), {"empty": 2 * ITEMS}),
        ("On and on and on.", ("model.thinking.tokens=3",), {"forced": 2 * ITEMS}),
        ("On and on and on.", ("model.thinking.tokens=3", "model.thinking.overrun=fail"), {"cut": 2 * ITEMS}),
        ("-", (), {}),
    ],
)
def test_every_end_has_its_count_and_its_share(
    thought: str, more: tuple[str, ...], ends: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, manifest = made(tmp_path, thought, *more)
    told = manifest["thoughts"]
    assert {end: told[end] for end in ("closed", "empty", "forced", "cut") if told[end]} == ends
    assert {end: told[f"share_{end}"] for end in ("closed", "empty", "forced", "cut") if told[f"share_{end}"]} == (
        dict.fromkeys(ends, 1.0)
    )
    assert told["replies"] == 2 * ITEMS
    assert told["thoughts"] == sum(ends.values())
    capsys.readouterr()
    print_summary(session)
    out = capsys.readouterr().out
    assert f"thoughts: {told['tokens']} tokens in {2 * ITEMS} replies" in out
    unended = ends.get("forced", 0) + ends.get("cut", 0)
    assert ("WARNING: 100% of the thoughts had no end of their own" in out) == bool(unended)
    assert ("model.thinking.tokens=6 doubles their budget" in out) == bool(unended)


def test_a_judges_thoughts_are_counted_apart_and_have_a_fix_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = ("+model@roles.judge.model=hub", "roles.judge.model.source=/j", "roles.judge.model.thinking.tokens=2")
    session, manifest = made(tmp_path, "On and on and on.", *judge, experiment="Judged")
    n = 2 * ITEMS
    assert (manifest["thoughts"]["closed"], manifest["thoughts"]["thoughts"]) == (n, n)
    assert list(manifest["role_thoughts"]) == ["judge"]
    told = manifest["role_thoughts"]["judge"]
    assert told["forced"] == told["replies"] == ITEMS
    capsys.readouterr()
    print_summary(session)
    out = capsys.readouterr().out
    assert "WARNING: 100% of the thoughts of the judge had no end of their own" in out
    assert "roles.judge.model.thinking.tokens=4 doubles" in out
    assert '<th scope="row">judge</th>' in (session.run.path / "report.html").read_text()


def test_a_run_without_thoughts_tells_nothing_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session, manifest = made(tmp_path, "Hm.", "model.thinking.mode=off")
    print_summary(session)
    assert "thoughts" not in manifest
    assert "thoughts:" not in capsys.readouterr().out
    assert 'id="thoughts"' not in (session.run.path / "report.html").read_text()


class Elements(HTMLParser):
    """The names of a page's elements, and what their attributes are called."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_page_has_the_counts_and_thoughts_apart_from_answers_with_nothing_live_in_them(tmp_path: Path) -> None:
    session, _ = made(tmp_path / "hostile", None)
    calm, _ = made(tmp_path / "calm", "Hm.")
    html, quiet = ((one.run.path / "report.html").read_text(encoding="utf-8") for one in (session, calm))
    assert Elements(html).tags == Elements(quiet).tags
    assert not [name for name in Elements(html).attributes if name.startswith("on")]
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\N{SYMBOL FOR ESCAPE}[2J ⟨U+202E⟩" in html
    thought = re.search(r'<details class="thought"><summary>Thought <small>closed, \d+ tokens</small></summary>'
                        r'<pre dir="auto">(.*?)</pre></details>', html, re.DOTALL)  # fmt: skip
    assert thought is not None
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in thought[1]
    replies = re.findall(r'<pre class="reply" dir="auto">(.*?)</pre>', html, re.DOTALL)
    assert replies
    assert not [reply for reply in replies if "think" in reply or "alert" in reply]
    row = re.search(r'<tr><th scope="row">the subject</th>(.*?)</tr>', quiet, re.DOTALL)
    assert row is not None
    told = re.findall(r"<td[^>]*>(.*?)</td>", row[1])
    n = 2 * ITEMS
    assert told == [f"{n}", f"{n * size('Hm.')}", f"{size('Hm.'):.1f}", f"{n}", "100.0 %", "0.0 %", "0.0 %", "0.0 %"]


def test_a_run_of_before_there_were_counts_still_has_its_page(tmp_path: Path) -> None:
    session, manifest = made(tmp_path, "Hm.")
    run = session.run.path
    (run / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if k != "thoughts"}))
    lines = [json.loads(line) for line in (run / "calls.jsonl").read_text().splitlines()]
    for line in lines:
        for exchange in line["exchanges"]:
            exchange.pop("thought")
    (run / "calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_page(run)
    assert 'id="thoughts"' not in (run / "report.html").read_text()


def test_the_trackers_summary_has_the_counts_of_every_model(tmp_path: Path) -> None:
    session, manifest = made(tmp_path, "Hm.")
    assert session.table is not None
    manifest["role_thoughts"] = {"gold.a": {"tokens": 7}}
    found = summary_of(
        RunResult(
            folder=session.run.path,
            manifest=manifest,
            table=session.table,
            estimates=[],
            verdicts=[],
            drawings=[],
            figures=[],
        )
    )
    assert found["thoughts/tokens"] == 2 * ITEMS * size("Hm.")
    assert found["thoughts/share_forced"] == 0.0
    assert found["thoughts/gold_a/tokens"] == 7


def test_a_replay_counts_the_thoughts_of_an_older_run(tmp_path: Path) -> None:
    session, manifest = made(tmp_path, "Hm.")
    run = session.run.path
    told = manifest.pop("thoughts")
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert main(["rescore", str(run), "--replay"]) == 0
    assert json.loads((run / "manifest.json").read_text())["thoughts"] == told
    assert 'id="thoughts"' in (run / "report.html").read_text()
