"""`store`: what is there, is it sound, prune and merge; beside living writers and readers, and killed at any moment."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
import pytest

from harness.cli.main import main
from harness.store import maintenance, records
from harness.store.maintenance import merge, survey, verify
from harness.store.packing import pack_reply
from harness.store.records import PART
from harness.store.segments import Origin, Segment, Writer
from harness.store.store import Store
from tests.support.stored import full_disk
from tests.unit.store.test_store import ORIGIN, filled, key, reply, segment

OTHER = Origin("fedcba9876543210", "large", "selfCorrection", {"engine": "vllm"})


def left_open(folder: Path, numbers: range, origin: Origin = ORIGIN, machine: str = "another boot") -> Path:
    """A segment that its writer, on some machine, has not closed."""
    filled(folder / "aside", numbers, origin)
    whole = segment(folder / "aside")
    head, *rest, _ = whole.read_bytes().splitlines(keepends=True)
    header = orjson.loads(head[records.HEAD :]) | {"machine": machine}
    path = folder / whole.name
    path.write_bytes(records.pack(records.RESERVED, orjson.dumps(header)) + b"".join(rest))
    whole.unlink()
    (folder / "aside").rmdir()
    return path


def aged(path: Path, days: float) -> Path:
    """Sets the last write back."""
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def paths(folder: Path) -> set[Path]:
    return set(folder.glob("*.replies"))


def kilobytes(files: Iterable[Path]) -> str:
    size = sum(path.stat().st_size for path in files)
    return f"{size / 1000:.1f} kB" if size >= 1000 else f"{size} B"


def kept(folder: Path, numbers: range) -> bool:
    """Whether a store still has every one of these replies."""
    store = Store(folder)
    return all(store.get(key(i), ORIGIN) == reply(i) for i in numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three segments of one origin, which share ten keys, and one of another."""
    filled(tmp_path, range(1, 101))
    filled(tmp_path, range(91, 151))
    filled(tmp_path, range(151, 161))
    filled(tmp_path, range(1001, 1021), OTHER)
    return tmp_path


def test_the_summary_counts_by_model_and_experiment(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in paths(folder):
        aged(path, 3)
    (folder / "notes.txt").write_text("not ours")
    large = kilobytes(p for p in paths(folder) if b"answer 1001 " in p.read_bytes())
    small = kilobytes(p for p in paths(folder) if b"answer 1001 " not in p.read_bytes())
    assert main(["store", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: 190 calls (10 of them duplicates), {kilobytes(paths(folder))} in 4 segments",
        f"  model  experiment      segments  calls  {'size':>{len(small)}}  last written",
        f"  large  selfCorrection         1     20  {large:>{len(small)}}    3 days ago",
        f"  small  pTrue                  3    170  {small}    3 days ago",
        "files that are no part of it, left alone: notes.txt",
    ]


def test_the_summary_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "--json", "--folder", str(folder)]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["calls"], summary["distinct_calls"], summary["segments"]) == (190, 180, 4)
    assert (summary["damaged"], summary["cut_off"], summary["segments_in_use"]) == (0, 0, 0)
    assert summary["bytes"] == sum(p.stat().st_size for p in paths(folder))
    large, small = summary["origins"]
    assert (large["model"], large["experiment"], large["identity"]) == ("large", "selfCorrection", OTHER.identity)
    assert large["engine"] == {"engine": "vllm"}
    assert (small["calls"], small["segments"]) == (170, 3)


def test_damage_is_counted_and_verify_names_the_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "verify", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: 0 damaged records\n"
    path = next(p for p in paths(folder) if b"answer 50 " in p.read_bytes())
    data = path.read_bytes()
    at = data.index(b"answer 50 ")
    start = data.rindex(b"\n", 0, at) + 1
    path.write_bytes(data[:at] + b"X" + data[at + 1 :] + b"garbage\n")
    assert main(["store", "verify", "--folder", str(folder)]) == 1
    length = data.index(b"\n", at) + 1 - start
    assert capsys.readouterr().out.splitlines() == [
        f"{path} at byte {start}: a record of {length} bytes that fails its checksum",
        f"{path} at byte {len(data)}: no record (8 bytes)",
        f"{folder}: 2 damaged records",
    ]
    main(["store", "--folder", str(folder)])
    assert "1 damaged records, 0 cut off; they are asked again" in capsys.readouterr().out  # bodies are not read


def test_a_record_cut_off_by_a_killed_writer_is_named_and_is_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = left_open(tmp_path, range(1, 4))
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    assert main(["store", "verify", "--folder", str(tmp_path)]) == 0  # its writer may be at it
    assert capsys.readouterr().out == f"{tmp_path}: 0 damaged records\n"
    aged(path, 2)
    start = data.rindex(b"\n", 0, -1) + 1
    assert main(["store", "verify", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path} at byte {start}: cut off after {len(data) - 10 - start} bytes",
        f"{tmp_path}: 0 damaged records, 1 cut off by a killed writer",
    ]
    (holding,) = survey(tmp_path).holdings
    assert (holding.calls, holding.damaged, holding.torn, holding.live) == (2, 0, True, False)


def test_prune_removes_what_all_filters_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = next(p for p in paths(folder) if b"answer 155 " in p.read_bytes())
    aged(old, 40)
    size = kilobytes([old])
    words = ["store", "prune", "--folder", str(folder), "--model", "small", "--older-than", "30d"]
    assert main([*words, "--dry-run"]) == 0
    assert f"would remove 10 calls, {size} in 1 of 4 segments" in capsys.readouterr().out
    assert len(paths(folder)) == 4
    assert main(words) == 0
    assert f"\nremoved 10 calls, {size} in 1 of 4 segments" in capsys.readouterr().out
    assert len(paths(folder)) == 3
    assert not old.exists()
    assert kept(folder, range(1, 151))
    assert main(["store", "prune", "--folder", str(folder), "--experiment", "selfCorrection"]) == 0
    assert len(paths(folder)) == 2
    assert main([*words[:4], "--model", "none"]) == 0
    assert capsys.readouterr().out.endswith("removed 0 calls, 0 B in 0 of 2 segments\n")


def test_prune_leaves_what_is_being_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    store.put(key(1), ORIGIN, reply(1))
    assert main(["store", "prune", "--folder", str(tmp_path), "--model", "small"]) == 0
    assert "removed 0 calls, 0 B in 0 of 1 segments\nleft alone because in use: 1" in capsys.readouterr().out
    store.close()
    assert kept(tmp_path, range(1, 2))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prune"], "give --model, --experiment or --older-than"),
        (["prune", "--older-than", "30"], "--older-than 30: write a number and m, h, d or w"),
        (["--folder", "/nowhere/store"], "there is no call store /nowhere/store"),
        (["verify", "--folder", "/dev/null"], "there is no call store /dev/null"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [] if "--folder" in words else ["--folder", str(tmp_path)]
    assert main(["store", *words, *where]) == 2
    assert message in capsys.readouterr().err


def test_an_empty_folder_and_the_default_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["store"]) == 2
    assert "there is no call store runs/store" in capsys.readouterr().err
    (tmp_path / "runs" / "store").mkdir(parents=True)
    assert main(["store"]) == 0
    assert capsys.readouterr().out == "runs/store: no calls are stored here\n"


def test_merge_makes_one_segment_of_each_origin_without_duplicates_and_damage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(p for p in paths(folder) if b"answer 120 " in p.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"answer 120 ", b"answer 12X "))
    newest = max(p.stat().st_mtime for p in paths(folder))
    assert main(["store", "merge", "--folder", str(folder)]) == 0
    assert "small, pTrue: 3 segments made 1, 159 calls; left out 10 duplicates and 1 damaged" in capsys.readouterr().out
    assert len(paths(folder)) == 2
    assert list(verify(folder)) == []
    assert max(p.stat().st_mtime for p in paths(folder)) <= newest  # merging makes nothing younger
    assert all(Segment.look(p).closed for p in paths(folder))
    assert {h.origin for h in survey(folder).holdings} == {ORIGIN, OTHER}
    store = Store(folder)
    assert store.get(key(120), ORIGIN) is None
    assert (len(store), store.dropped) == (179, 0)
    assert kept(folder, range(1, 120))
    assert kept(folder, range(121, 161))
    assert main(["store", "merge", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: nothing to merge\n"


def test_running_readers_survive_a_merge(folder: Path) -> None:
    reading, fresh = Store(folder), Store(folder)
    assert reading.get(key(1), ORIGIN) == reply(1)  # this one has the segment open, the other one none
    merge(folder)
    for store in (reading, fresh):
        assert [store.get(key(i), ORIGIN) for i in range(1, 161)] == [reply(i) for i in range(1, 161)]
        assert store.dropped == 0


def test_merge_never_touches_a_segment_whose_writer_lives(folder: Path) -> None:
    store = Store(folder)
    store.put(key(500), ORIGIN, reply(500))
    live = next(p for p in paths(folder) if b"answer 500 " in p.read_bytes())
    aged(live, 30)
    merge(folder, silence=0.0)
    assert live.exists()
    store.put(key(501), ORIGIN, reply(501))
    store.close()
    assert kept(folder, range(500, 502))
    merge(folder)
    assert len(paths(folder)) == 2
    assert kept(folder, range(500, 502))


def test_merge_leaves_an_open_segment_of_another_machine_for_a_day_unless_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(folder, range(600, 603))
    recent, old = left_open(folder, range(700, 703)), aged(left_open(folder, range(800, 803)), 1.1)
    assert main(["store", "merge", "--folder", str(folder)]) == 0
    assert recent.exists()
    assert not old.exists()
    assert kept(folder, range(800, 803))
    assert main(["store", "merge", "--all", "--folder", str(folder)]) == 0
    assert not recent.exists()
    assert kept(folder, range(700, 703))
    assert "2 segments made 1" in capsys.readouterr().out


def test_a_source_that_grows_while_it_is_merged_is_not_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = aged(left_open(folder, range(700, 703)), 2)
    rename = Path.rename

    def grow(path: Path, target: Path) -> Path:
        with late.open("ab") as file:
            file.write(records.pack(key(703), pack_reply(reply(703))))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", grow)
    (done,) = [m for m in merge(folder) if m.origin == ORIGIN]
    assert (done.before, done.after) == (4, 2)
    assert late.exists()
    assert kept(folder, range(700, 704))


def test_a_merge_without_room_leaves_everything_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in paths(folder)}
    monkeypatch.setattr(os, "write", full_disk(300))
    assert main(["store", "merge", "--folder", str(folder)]) == 1
    assert "3 segments stay as they are: No space left on device" in capsys.readouterr().out
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_a_segment_without_a_first_line_keeps_its_calls(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(p for p in paths(folder) if b"answer 155 " in p.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"pTrue"', b'"pTruf"', 1))
    main(["store", "merge", "--folder", str(folder)])
    assert path.exists()
    assert kept(folder, range(1, 161))
    capsys.readouterr()
    main(["store", "--folder", str(folder)])
    assert ["?", "?", "1", "10"] in [line.split()[:4] for line in capsys.readouterr().out.splitlines()]


def test_what_killed_writers_and_merges_leave_behind_is_cleared(folder: Path) -> None:
    empty = folder / "20200101-000000-host-1-abcd.replies"
    empty.touch()
    part = Writer(folder, ORIGIN, PART).path  # of this process, which is alive
    merge(folder)
    assert empty.exists()
    assert part.exists()
    aged(empty, 2)
    stale = folder / f"stale{PART}"
    stale.write_bytes(b"")
    aged(stale, 2)
    merge(folder)
    assert not empty.exists()
    assert not stale.exists()
    assert part.exists()


KILLED = """
import os, pathlib, signal, sys
from harness.store.maintenance import merge
left = int(sys.argv[2])
def killing(function):
    def act(*words, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*words, **more)
    return act
os.write, os.fsync, os.utime = killing(os.write), killing(os.fsync), killing(os.utime)
pathlib.Path.rename, pathlib.Path.unlink = killing(pathlib.Path.rename), killing(pathlib.Path.unlink)
merge(pathlib.Path(sys.argv[1]))
"""


def kill_points(folder: Path) -> Iterator[bool]:
    """Kills a merge before its first change of the disk, its second, and so on; False when it got through."""
    for point in range(60):
        for path in folder.glob("*"):
            path.unlink()
        filled(folder, range(1, 4))
        filled(folder, range(3, 6))
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(point)], check=False, timeout=60)
        assert done.returncode in (0, -9)
        yield done.returncode == -9
        if done.returncode == 0:
            return


def test_a_merge_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    points = 0
    for was_killed in kill_points(tmp_path):
        assert kept(tmp_path, range(1, 6))
        merge(tmp_path)
        assert len(paths(tmp_path)) == 1
        assert not list(tmp_path.glob(f"*{PART}"))
        assert kept(tmp_path, range(1, 6))
        assert list(maintenance.verify(tmp_path)) == []
        points += was_killed
    assert points == 18  # 1 header, 5 calls, 1 mark, 2 flushes, 1 time, 1 name, 1 flush, 2 removals of 3 files each
