"""Files are written whole or not at all."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.files import as_name, json_of, no_file, refused, user_path, whole, write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_whole(file, "é\r\n", "free space")
    assert file.read_bytes() == b"\xc3\xa9\r\n"
    write_whole(file, b"\x00\xff", "free space")
    assert file.read_bytes() == b"\x00\xff"
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) & 0o444  # as any new file is, and not as a temporary one


def test_an_error_while_writing_keeps_the_earlier_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_whole(file, "old", "free space")

    def half() -> None:
        with whole(file, "free space") as draft:
            draft.write_text("half")
            raise ValueError("broken on purpose")

    with pytest.raises(ValueError, match="broken on purpose"):
        half()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_that_refuses_is_told_with_what_to_do(tmp_path: Path) -> None:
    gone = tmp_path / "no" / "a.txt"
    with pytest.raises(HarnessError) as caught:
        write_whole(gone, "text", "give another place")
    assert str(caught.value) == f"cannot write {gone}: No such file or directory; give another place"
    with pytest.raises(HarnessError, match=r"cannot write the run directory x: .*; free space$"):
        write_whole(gone, "text", "free space", "the run directory x")


@pytest.mark.parametrize("place", ["/dev/null", "/dev/stdout", "/proc/self/fd/1", "/dev/a/b", "/sys/x", "pipe", "link"])
def test_a_device_or_a_pipe_is_no_place_of_a_file(tmp_path: Path, place: str) -> None:
    """Only the question is tried on devices: a test that writes there would take them from the machine."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    assert no_file(tmp_path / place) == "a device or a pipe"


@pytest.mark.parametrize("place", ["pipe", "folder", "link"])
def test_what_is_no_file_stays_what_it_is(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    kind = (tmp_path / place).lstat().st_mode
    with pytest.raises(HarnessError, match=r"it is no file but a (device or a pipe|folder); give another place"):
        write_whole(tmp_path / place, "x", "give another place")
    assert (tmp_path / place).lstat().st_mode == kind
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_or_nothing_is_a_place(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    places = (tmp_path / "old", tmp_path / "new", tmp_path / "gone", Path("/dev/shm/x"))
    assert [no_file(place) for place in places] == [""] * 4
    assert no_file(Path()) == "a folder"


def test_a_limit_on_the_size_of_files_is_named(tmp_path: Path) -> None:
    told = str(refused("x", OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "set runs=FOLDER"))
    assert told == (
        "cannot write x: File too large; a limit on the size of files holds here: raise it (`ulimit -f unlimited`), "
        "then run the same command again"
    )


@pytest.mark.parametrize("text", ["a\nharness: all is well", "a\0b", "a\rb"])
def test_a_path_that_could_print_a_line_of_ours_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match="a path without line breaks is needed") as caught:
        user_path(text)
    assert str(caught.value).isprintable()


def test_a_name_that_no_file_system_takes_is_refused() -> None:
    assert user_path(f"a/{'b' * 255}") == Path("a") / ("b" * 255)
    with pytest.raises(HarnessError, match="more than 255 bytes"):
        user_path(f"a/{'é' * 128}/c")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": null, "c": 1, "a": null}}]', '{"a":1,"\\u0061":1}'])
def test_a_key_that_stands_twice_has_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="the key 'a' stands twice"):
        json_of(text)


def test_of_several_writers_one_wins_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    texts = [letter * 100_000 for letter in "abcd"]
    threads = [threading.Thread(target=write_whole, args=(file, text, "free space")) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_free_text_becomes_a_name_that_every_system_takes() -> None:
    assert as_name("fake:smollm2 / a\\b*é_1.5-x") == "fake-smollm2-a-b-é_1.5-x"


def test_a_folder_that_is_missing_is_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "new" / "folder" / "a.txt"
    with pytest.raises(HarnessError, match="No such file or directory"):
        write_whole(place, "x", "give another place")
    write_whole(place, "x", "give another place", folder=True)
    assert place.read_text() == "x"
    with pytest.raises(HarnessError, match=r"a\.txt is a file and no folder"):
        write_whole(place / "b.txt", "x", "give another place", folder=True)
