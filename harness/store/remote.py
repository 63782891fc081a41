"""A store in object storage, which cannot append: closed segments lie there, the open one on the local disk.

Under the address a folder a model identity, so that a run lists and fetches the segments of its own models alone. What
was fetched stays in a local cache: segments never change. A run that dies leaves its segment on the local disk, and
the next one of this machine that opens the same address closes and uploads it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.console import log
from harness.errors import HarnessError, named
from harness.files import refused
from harness.models.model import cache_folder
from harness.store.index import Index
from harness.store.records import ARRAYS, INDEX, SUFFIX, beside
from harness.store.segments import Segment, seal

NOBODY = "unknown"
"""The folder of segments that do not say whose they are."""


def address_of(where: Path | str) -> str | None:
    """The address that a setting names (s3://BUCKET/FOLDER); None when it is a folder here.

    A path has folded the two slashes of an address into one.
    """
    found = re.fullmatch(r"([a-z][a-z0-9+.-]+):/(/?)(.*)", str(where))
    if found is None:
        return None
    scheme, _, rest = found.groups()
    return f"{scheme}:///{rest.lstrip('/')}" if scheme == "file" else f"{scheme}://{rest.lstrip('/')}"


class Remote:
    """The segments under an address, and their copies here.

    Attributes:
        local: folder of the segments that this machine has not uploaded yet.

    Raises:
        HarnessError: no package for such addresses is installed, or nothing answers there.
    """

    def __init__(self, address: str) -> None:
        import fsspec

        self.address = address
        try:
            self._files, self._root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise HarnessError(
                f"store={address}: {error}; for s3:// install the extra: pip install 'self-evaluation-harness[s3]'"
            ) from error
        self.local = cache_folder() / "stores" / hashlib.sha256(address.encode()).hexdigest()[:16]
        try:
            self.local.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = "set HARNESS_CACHE=FOLDER in the environment to one that can be written"
            raise refused(f"the local side of the call store {address}, {self.local}", error, fix) from error

    def fetched(self, identity: str) -> Path:
        """The folder of a model's segments that were fetched or uploaded."""
        return self.local / "fetched" / identity

    def folders(self) -> list[Path]:
        """All folders of fetched and uploaded segments."""
        return sorted(path for path in (self.local / "fetched").glob("*") if path.is_dir())

    def push(self) -> None:
        """Uploads the closed segments of this machine, and those of its processes that died; keeps the copies.

        Killed at any moment, it leaves every segment in at least one of both places, whole.

        Raises:
            HarnessError: they could not be uploaded; they lie here as before.
        """
        for path in sorted(path for path in self.local.iterdir() if path.name.endswith(SUFFIX) and path.is_file()):
            with suppress(FileNotFoundError):  # another process of this machine is at the same
                segment = Segment.look(path)
                if not segment.live():
                    if not segment.closed:
                        seal(path)
                        index = Index()
                        index.read_on(path)
                        index.save(path)
                    self._upload(path, identity_of(segment))

    def _upload(self, path: Path, identity: str, keep: bool = True) -> None:
        kept = self.fetched(identity)
        kept.mkdir(parents=True, exist_ok=True)
        with self._answering("upload to"):
            if "file" in self._files.protocol:  # object storage has no folders, and a bucket is its owner's to make
                self._files.makedirs(f"{self._root}/{identity}", exist_ok=True)
            for file in _in_order(path):
                self._files.put_file(str(file), f"{self._root}/{identity}/{file.name}")
        for file in _in_order(path) if keep else ():
            file.rename(kept / file.name)

    def pull(self, identity: str) -> None:
        """Fetches the segments of a model that are not here yet, and forgets those that are gone there.

        Raises:
            HarnessError: nothing answers there.
        """
        folder = self.fetched(identity)
        folder.mkdir(parents=True, exist_ok=True)
        with self._answering("read"):
            there = self._list(identity)
            for name in sorted(there, key=lambda name: name.endswith(SUFFIX)):  # lines after what belongs to them
                here = folder / name
                if not here.exists() or here.stat().st_size != there[name]["size"]:
                    part = folder / f"{name}.{os.getpid()}-{secrets.token_hex(4)}.part"
                    self._files.get_file(there[name]["name"], str(part))
                    fetched, whole = part.stat().st_size, there[name]["size"]
                    if whole is not None and fetched != whole:
                        part.unlink()
                        raise OSError(f"{fetched:,} of {whole:,} bytes of {name} came")
                    if (written := _modified(there[name])) is not None:
                        os.utime(part, (written, written))
                    part.rename(here)
        stems = {name.rpartition(".")[0] for name in there}
        for path in folder.iterdir():
            if path.stem not in stems and not path.name.endswith(".part"):
                path.unlink(missing_ok=True)

    def _list(self, identity: str) -> dict[str, dict[str, Any]]:
        self._files.invalidate_cache()
        try:
            entries = self._files.ls(f"{self._root}/{identity}", detail=True)
        except FileNotFoundError:
            return {}
        named = {str(entry["name"]).rstrip("/").rpartition("/")[2]: entry for entry in entries}
        return {name: e for name, e in named.items() if e["type"] == "file" and name.endswith((SUFFIX, ARRAYS, INDEX))}

    def _identities(self) -> list[str]:
        self._files.invalidate_cache()
        try:
            names = [str(name).rstrip("/").rpartition("/")[2] for name in self._files.ls(self._root, detail=False)]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if re.fullmatch(rf"[0-9a-f]{{16}}|{NOBODY}", name))

    @contextmanager
    def whole(self) -> Iterator[Path]:
        """A folder with all segments of all models, for upkeep; what is changed in it is changed there afterwards.

        New segments are uploaded before those that they stand for are removed.

        Raises:
            HarnessError: as `push` and `pull`.
        """
        self.push()
        with self._answering("read"):
            identities = self._identities()
        there: dict[str, str] = {}
        with tempfile.TemporaryDirectory(dir=self.local, prefix=".upkeep-") as made:
            folder = Path(made)
            for identity in identities:
                self.pull(identity)
                for file in self.fetched(identity).iterdir():
                    if not file.name.endswith(".part"):
                        os.link(file, folder / file.name)
                        there[file.name] = identity
            yield folder
            here = {path.name: path for path in folder.iterdir()}
            for name, path in here.items():
                if name not in there and name.endswith(SUFFIX):
                    self._upload(path, identity_of(Segment.look(path)), keep=False)
            with self._answering("remove from"):
                # Lines first, as upkeep does here: what nothing points to harms nobody.
                for name in sorted(there.keys() - here.keys(), key=lambda name: not name.endswith(SUFFIX)):
                    with suppress(FileNotFoundError):
                        self._files.rm_file(f"{self._root}/{there[name]}/{name}")

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Makes one line of whatever the packages for storages raise."""
        try:
            yield
        except Exception as error:
            raise HarnessError(
                f"cannot {what} the call store {self.address}: {named(error)}; what was answered lies "
                f"in {self.local}, and the next run with this store uploads it"
            ) from error


def identity_of(segment: Segment) -> str:
    """The folder of a segment."""
    return segment.header.origin.identity if segment.header is not None else NOBODY


def push_or_say(remote: Remote) -> None:
    """Uploads, or says why not: a storage that is away must not take the run's report with it."""
    try:
        remote.push()
    except HarnessError as error:
        log(str(error))


def _in_order(path: Path) -> list[Path]:
    """The files of a segment: its lines last, as they point to the others."""
    return [file for file in (beside(path, ARRAYS), beside(path, INDEX), path) if file.is_file()]


def _modified(entry: dict[str, Any]) -> float | None:
    value = next((entry[name] for name in ("LastModified", "mtime", "created") if entry.get(name) is not None), None)
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) else None
