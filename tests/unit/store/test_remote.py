"""Stores in object storage: closed segments go up, a dead run's segment follows, and every node finds all answers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations
from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.store import remote as remotes
from harness.store import store as stores
from harness.store.remote import address_of
from harness.store.store import Store
from tests.unit.store.test_format import OTHER
from tests.unit.store.test_store import CHILD, ORIGIN, key, reply


@pytest.fixture(params=["file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty storage."""
    yield f"file://{tmp_path}/there" if request.param == "file" else f"memory://{tmp_path.name}/there"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture(autouse=True)
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Goes to another machine: one with a cache of its own."""

    def go(name: str) -> None:
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / name))

    go("one")
    return go


def there(address: str) -> list[str]:
    """Files in the storage: folder and ending."""
    files, root = fsspec.core.url_to_fs(address)
    names = [name.split("/")[-2:] for name in files.find(root)]
    return sorted(f"{folder}/{name.rpartition('.')[2]}" for folder, name in names)


def filled(address: str, numbers: range, origin: Any = ORIGIN) -> None:
    store = Store(address)
    for number in numbers:
        store.put(key(number), origin, reply(number))
    store.close()


def found(address: str, numbers: range, origin: Any = ORIGIN) -> list[int]:
    store = Store(address)
    got = [number for number in numbers if store.get(key(number), origin) == reply(number)]
    assert store.dropped == 0
    store.close()
    return got


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        (Path("s3://bucket/a/b"), "s3://bucket/a/b"),
        (Path("file:///tmp/x"), "file:///tmp/x"),
        (Path("memory://x"), "memory://x"),
        (Path("runs/store"), None),
        ("C:/store", None),
        (Path("/a:/b"), None),
    ],
)
def test_an_address_is_told_from_a_folder(where: Path | str, meant: str | None) -> None:
    assert address_of(where) == meant


def test_closed_segments_go_up_and_another_machine_finds_them(address: str, node: Any) -> None:
    filled(address, range(1, 4))
    filled(address, range(1001, 1004), OTHER)
    assert there(address) == [f"{ORIGIN.identity}/replies", f"{OTHER.identity}/replies"]
    node("two")
    assert found(address, range(1, 6)) == [1, 2, 3]
    assert found(address, range(1001, 1004), OTHER) == [1001, 1002, 1003]


def test_a_run_fetches_the_segments_of_its_own_model_once(
    address: str, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(address, range(1, 4))
    filled(address, range(1001, 1004), OTHER)
    node("two")
    files, _ = fsspec.core.url_to_fs(address)
    fetched: list[str] = []
    get_file = type(files).get_file

    def noting(self: Any, rpath: str, *words: Any, **more: Any) -> Any:
        fetched.append(rpath)
        return get_file(self, rpath, *words, **more)

    monkeypatch.setattr(type(files), "get_file", noting)
    for _ in range(2):
        assert found(address, range(1, 4)) == [1, 2, 3]
    assert [ORIGIN.identity in name for name in fetched] == [True]


def test_activations_travel_with_their_numbers(address: str, node: Any) -> None:
    numbers = Activations(Array.of([[[0.5, -2.0, 1e-30]]]))
    store = Store(address)
    store.put(key(1), ORIGIN, numbers)
    store.close()
    node("two")
    assert Store(address).get(key(1), ORIGIN) == numbers


def test_the_segment_of_a_run_that_died_is_uploaded_by_the_next(tmp_path: Path, node: Any) -> None:
    address = f"file://{tmp_path}/there"
    code = CHILD.replace("Path(sys.argv[1])", "sys.argv[1]")
    code += "for i in range(1, 4): put(i)\nos.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code, address], check=False, timeout=60).returncode == -9
    assert not (tmp_path / "there").exists()
    (left,) = (tmp_path / "one").rglob("*.replies")
    with left.open("ab") as file:
        file.write(b"0000 cut off")
    node("two")
    assert found(address, range(1, 4)) == []
    node("one")
    assert found(address, range(1, 4)) == [1, 2, 3]
    node("two")
    assert found(address, range(1, 4)) == [1, 2, 3]
    assert next((tmp_path / "two").rglob("*.replies")).read_bytes().endswith(b'{"closed":true}\n')


def test_a_long_run_uploads_what_it_has_and_others_find_it_meanwhile(
    address: str, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "UPLOAD_BYTES", 1000)
    running = Store(address)
    for number in range(1, 101):
        running.put(key(number), ORIGIN, reply(number))
    running.upload()
    assert len(there(address)) > 2
    assert [running.get(key(number), ORIGIN) for number in range(1, 101)] == [reply(n) for n in range(1, 101)]
    node("two")
    assert 50 < len(found(address, range(1, 101))) <= 100
    running.close()
    assert len(found(address, range(1, 101))) == 100


def test_a_storage_that_is_away_loses_nothing(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, _ = fsspec.core.url_to_fs(address)

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "put_file", away)
        filled(address, range(1, 4))
    assert "cannot upload to the call store" in capsys.readouterr().err
    assert there(address) == []
    assert found(address, range(1, 4)) == [1, 2, 3]
    assert there(address) == [f"{ORIGIN.identity}/replies"]
    with monkeypatch.context() as patch:
        patch.setattr(type(files), "ls", away)
        store = Store(address)
        with pytest.raises(HarnessError, match=r"cannot read the call store .*no route to host"):
            store.get(key(1), ORIGIN)


def test_a_storage_that_goes_away_in_the_middle_ends_no_run(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stores, "LOOK_EVERY", 1)
    store = Store(address)
    assert store.get(key(1), ORIGIN) is None
    files, _ = fsspec.core.url_to_fs(address)

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "ls", away)
        store._next_look = 0.0
        assert store.get(key(1), ORIGIN) is None
        store.put(key(1), ORIGIN, reply(1))
    assert "no route to host" in capsys.readouterr().err
    store.close()
    assert found(address, range(1, 2)) == [1]


def test_an_upload_that_stops_in_the_middle_is_done_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = fsspec.core.url_to_fs(address)
    put_file, left = type(files).put_file, [1]

    def stopping(self: Any, *words: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise TimeoutError("the line went dead")
        return put_file(self, *words, **more)

    store = Store(address)
    for number in (1, 2):
        store.put(key(number), ORIGIN, reply(number))
    store.put(key(3), ORIGIN, Activations(Array.of([1.0])))
    with monkeypatch.context() as patch:
        patch.setattr(type(files), "put_file", stopping)
        store.close()
    assert there(address) == [f"{ORIGIN.identity}/arrays"]
    assert found(address, range(1, 3)) == [1, 2]
    assert there(address) == [f"{ORIGIN.identity}/{end}" for end in ("arrays", "replies")]


def test_upkeep_works_on_the_storage(address: str, node: Any, capsys: pytest.CaptureFixture[str]) -> None:
    filled(address, range(1, 4))
    filled(address, range(3, 6))
    filled(address, range(1001, 1004), OTHER)
    node("two")
    reading = Store(address)
    assert reading.get(key(1), ORIGIN) == reply(1)
    assert main(["store", "--folder", address]) == 0
    assert "9 calls (1 of them duplicates)" in capsys.readouterr().out
    assert main(["store", "verify", "--folder", address]) == 0
    assert main(["store", "merge", "--folder", address]) == 0
    assert "2 segments made 1, 5 calls; left out 1 duplicates" in capsys.readouterr().out
    assert there(address) == [f"{ORIGIN.identity}/replies", f"{OTHER.identity}/replies"]
    reading.refresh()
    assert [reading.get(key(i), ORIGIN) for i in range(1, 6)] == [reply(i) for i in range(1, 6)]
    assert main(["store", "prune", "--model", "large", "--folder", address]) == 0
    assert there(address) == [f"{ORIGIN.identity}/replies"]
    node("one")
    assert found(address, range(1, 6)) == [1, 2, 3, 4, 5]
    assert found(address, range(1001, 1004), OTHER) == []


def test_an_address_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(HarnessError, match=r"pip install 'self-evaluation-harness\[s3\]'"):
        Store("s3://bucket/folder")
    assert remotes.address_of("s3://bucket/folder") == "s3://bucket/folder"


def test_a_run_on_an_address_is_repeated_on_another_machine_from_the_store(tmp_path: Path, node: Any) -> None:
    words = ["experiment=falseBelief", "task.families=4", "experiment.arms=[options,free]"]
    words += ["engine=fake", "tracker=none", "limit=2", "replicates=20"]
    where = f"store=file://{tmp_path}/there"
    first = execute(load_job([*words, where, f"runs={tmp_path}/a"]))
    node("two")
    again = execute(load_job([*words, where, f"runs={tmp_path}/b"]))
    assert first.store is not None
    assert again.store is not None
    assert first.store["asked"] > 0
    assert (again.store["asked"], again.store["damaged"]) == (0, 0)


TWO = """
import sys
from pathlib import Path
from harness.store.store import Store
from tests.unit.store.test_store import ORIGIN, key, reply
store, asked = Store(Path(sys.argv[1])), 0
sys.stdin.readline()
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    if store.get(key(i), ORIGIN) is None:
        store.put(key(i), ORIGIN, reply(i))
        asked += 1
    print(i, flush=True)
print("asked", asked, flush=True)
store.close()
"""


def two_nodes(one: Path, two: Path, first: range, second: range) -> list[int]:
    """Two processes that see one folder under two names, at work at once; gives what each had to ask."""
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(path), str(numbers.start), str(numbers.stop)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for path, numbers in ((one, first), (two, second))
    ]  # fmt: skip
    for process in nodes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [int(process.communicate(timeout=60)[0].split()[-1]) for process in nodes]


@pytest.mark.parametrize(
    ("first", "second"), [(range(1, 401), range(401, 801)), (range(1, 801), range(1, 801))], ids=["disjoint", "equal"]
)
def test_two_nodes_with_two_mounts_of_one_folder_lose_nothing(tmp_path: Path, first: range, second: range) -> None:
    (tmp_path / "disk").mkdir()
    for mount in ("one", "two"):
        (tmp_path / mount).symlink_to(tmp_path / "disk")
    asked = two_nodes(tmp_path / "one", tmp_path / "two", first, second)
    store = Store(tmp_path / "disk")
    assert [store.get(key(i), ORIGIN) for i in range(1, 801)] == [reply(i) for i in range(1, 801)]
    assert (len(store), store.dropped) == (800, 0)
    if first != second:
        assert asked == [400, 400]
    assert two_nodes(tmp_path / "one", tmp_path / "two", range(1, 801), range(1, 801)) == [0, 0]


def test_a_segment_that_came_in_part_is_no_segment(address: str, node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(address, range(1, 4))
    node("two")
    kind = type(fsspec.core.url_to_fs(address)[0])
    whole = kind.get_file

    def half(files: Any, source: str, place: str, **more: Any) -> None:
        whole(files, source, place, **more)
        Path(place).write_bytes(Path(place).read_bytes()[:100])

    with monkeypatch.context() as patch:
        patch.setattr(kind, "get_file", half)
        with pytest.raises(HarnessError, match=r"cannot read the call store .*100 of \S+ bytes of \S+ came"):
            found(address, range(1, 4))
    assert found(address, range(1, 4)) == [1, 2, 3]


def test_a_local_side_that_cannot_be_made_is_told(address: str, tmp_path: Path, node: Any) -> None:
    (tmp_path / "file").touch()
    node("file")
    with pytest.raises(HarnessError, match=r"local side of the call store .*set HARNESS_CACHE=FOLDER"):
        Store(address)
