"""Reads the body of a reply piece by piece, up to a limit that also holds for compressed bodies."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

ACCEPTED = "gzip"
"""The compression that is asked for: the standard library decodes it no further than it is told to."""

_GZIP = frozenset({"gzip", "x-gzip"})
_ZLIB_AND_GZIP_HEADERS = 47


class Unreadable(Exception):
    """A body that is too long, cut off, or in an encoding that was not asked for."""


async def read_body(response: httpx.Response, most: int, *, cut: bool = False) -> bytes:
    """The decoded body of a response whose headers have come.

    Args:
        most: bytes that it may have, before and after decoding.
        cut: gives the beginning of a longer one in place of refusing it.

    Raises:
        Unreadable: it is longer, ends too early, or is encoded in another way than was asked for.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", *_GZIP}:
        raise Unreadable(f"a reply in the encoding {encoding[:40]!r}, which was not asked for")
    inflate = zlib.decompressobj(_ZLIB_AND_GZIP_HEADERS) if encoding in _GZIP else None
    body, raw = bytearray(), 0
    try:
        async for piece in response.aiter_raw():
            raw += len(piece)
            body += piece if inflate is None else inflate.decompress(piece, most - len(body) + 1)
            if max(len(body), raw) > most:
                if cut:
                    return bytes(body[:most])
                raise Unreadable(f"a reply of more than {most / 1e6:.1f} MB")
    except zlib.error as error:
        raise Unreadable(f"a reply that cannot be unpacked ({error})") from None
    if inflate is not None and raw and (not inflate.eof or inflate.unused_data):
        raise Unreadable("a packed reply that was cut off or goes on after its end")
    return bytes(body)
