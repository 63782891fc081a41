"""Reads entries of zip files that are compressed with Zstandard, as Inspect writes them, or in the usual ways."""

from __future__ import annotations

import io
import struct
import zipfile

from harness.errors import HarnessError, named

LARGEST = 1 << 30
"""Bytes of one entry; a larger one is no sample of text but a file made to fill the memory."""

_ZSTANDARD = 93
_HEAD = struct.Struct("<4s22xHH")
"""The head of an entry: its mark, and the lengths of its name and of its further fields."""


def entry(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """The content of an entry.

    Raises:
        HarnessError: it is damaged, too large, or compressed in a way that is not known.
    """
    info = archive.getinfo(name)
    if info.file_size > LARGEST:
        raise HarnessError(f"{where} is {info.file_size:,} bytes long; at most {LARGEST:,} are read")
    try:
        if info.compress_type != _ZSTANDARD:
            with archive.open(info) as file:
                content = file.read(LARGEST + 1)
        else:
            content = _zstandard(archive, info)
    except Exception as error:  # flipped bytes raise zlib.error, BadZipFile, OSError, NotImplementedError and more
        raise HarnessError(f"{where} is damaged ({named(error)}); copy the file again") from error
    if len(content) != info.file_size:
        raise HarnessError(f"{where} is damaged: it has not the length that it names; copy the file again")
    return content


def _zstandard(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """zipfile knows Zstandard from Python 3.14 on; Arrow has known it for long."""
    import pyarrow as pa

    file = archive.fp
    if file is None:
        raise ValueError("the file is closed")
    file.seek(info.header_offset)
    mark, name, more = _HEAD.unpack(file.read(_HEAD.size))
    if mark != b"PK\x03\x04":
        raise ValueError("no entry begins where the list of entries says")
    file.seek(name + more, io.SEEK_CUR)
    with pa.CompressedInputStream(pa.BufferReader(file.read(info.compress_size)), "zstd") as stream:
        return bytes(stream.read(min(info.file_size + 1, LARGEST)))
