"""A store on a real S3 server of this machine (moto's), by the package that users have for it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import HarnessError
from harness.store.store import Store
from tests.unit.store.test_store import CHILD, ORIGIN, key, reply

pytest.importorskip("s3fs", reason="the extra s3 is not installed")

SERVER = os.environ.get("MOTO_SERVER") or shutil.which("moto_server")
"""The command that starts the server, which may be installed anywhere."""

if SERVER is None:
    pytest.skip("no moto_server: install moto[server], or name it in MOTO_SERVER", allow_module_level=True)

BUCKET = "answers"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a running server with a bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert SERVER is not None
    process = subprocess.Popen([SERVER, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def address(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of its own in the bucket, and the settings by which s3fs finds the server."""
    import s3fs

    settings = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FSSPEC_S3_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL": endpoint,
        "HARNESS_CACHE": str(tmp_path / "one"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    if not files.exists(BUCKET):
        files.mkdir(BUCKET)
    return f"s3://{BUCKET}/{tmp_path.name}"


def test_segments_go_up_are_found_elsewhere_and_merged(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for numbers in (range(1, 2001), range(1991, 2101)):
        store = Store(Path(address))
        for number in numbers:
            store.put(key(number), ORIGIN, reply(number))
        store.close()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "two"))
    elsewhere = Store(Path(address))
    assert [elsewhere.get(key(i), ORIGIN) for i in range(1, 2101)] == [reply(i) for i in range(1, 2101)]
    assert elsewhere.dropped == 0
    assert main(["store", "merge", "--folder", address]) == 0
    assert "2 segments made 1, 2,100 calls; left out 10 duplicates" in capsys.readouterr().out
    elsewhere.refresh()
    assert elsewhere.get(key(5), ORIGIN) == reply(5)
    elsewhere.close()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "three"))
    third = Store(address)
    assert (third.get(key(2100), ORIGIN), len(third)) == (reply(2100), 2100)
    assert main(["store", "verify", "--folder", address]) == 0


def test_the_segment_of_a_killed_run_is_uploaded_by_the_next(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = CHILD.replace("Path(sys.argv[1])", "sys.argv[1]")
    code += "for i in range(1, 501): put(i)\nos.kill(os.getpid(), signal.SIGKILL)"
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code, address], check=False, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == -9
    Store(address).close()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "two"))
    store = Store(address)
    assert [store.get(key(i), ORIGIN) for i in range(1, 501)] == [reply(i) for i in range(1, 501)]
    assert store.dropped == 0


def test_a_bucket_that_is_not_there_is_one_line(address: str) -> None:
    store = Store("s3://no-such-bucket/folder")
    store.put(key(1), ORIGIN, reply(1))
    store.close()  # says so; what was answered lies here
    with pytest.raises(HarnessError, match="cannot upload to the call store s3://no-such-bucket/folder"):
        Store("s3://no-such-bucket/folder")
