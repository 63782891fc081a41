"""The progress of a run in a log: a line now and then, with what is done and what is left."""

import pytest

from harness.engines.fake.engine import Fake
from harness.execution.progress import Progress
from harness.models.model import Model


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [100.0]
    monkeypatch.setattr("harness.execution.progress.time.perf_counter", lambda: clock[0])
    with Progress(40, Fake().load(Model(name="m", source="m"))) as watched:
        for seconds in (5, 10, 20, 10, 25):
            clock[0] += seconds
            watched.step(failed=seconds == 5)
    lines = capsys.readouterr().err.splitlines()
    # At 35 s three of 40 items are done, so the other 37 take 37 * 35 / 3 seconds; the next line is due after 65 s.
    assert lines[0] == "harness: 3 of 40 items, 0 calls/s, 432 s left, 1 did not finish"
    assert lines[1].startswith("harness: 5 of 40 items, 0 calls/s, 490 s left")
    assert len(lines) == 2
