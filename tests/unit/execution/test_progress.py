"""The progress of a run in a log: a line now and then, with what is done and what is left."""

import pytest

from harness.engines.fake.engine import Fake
from harness.execution.progress import Progress
from harness.models.model import Model


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [100.0]
    monkeypatch.setattr("harness.execution.progress.time.perf_counter", lambda: clock[0])
    engine = Fake().load(Model(name="m", source="m"))
    stored = [7]
    with Progress(40, engine, lambda: stored[0]) as watched:
        for seconds in (5, 10, 20, 10, 25):
            clock[0] += seconds
            engine.usage.calls += 30
            stored[0] += 10
            watched.step(failed=seconds == 5, calls=4)
    lines = capsys.readouterr().err.splitlines()
    # At 35 s three of 40 items are done, and 120 of 160 calls, 30 of which the store had: most items have nearly ended.
    assert lines[0] == "harness: 3 of 40 items, 3 calls/s, about 12 s left, 1 did not finish"
    # After that more calls are answered than 40 items need at four each; each of the other 35 needs one at least.
    assert lines[1].startswith("harness: 5 of 40 items, 2 calls/s, about 12 s left")
    assert len(lines) == 2
