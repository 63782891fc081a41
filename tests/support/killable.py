"""An HTTP server on loopback that can be stopped in the middle of an answer."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Killable(ThreadingHTTPServer):
    """A server in threads of this process, which serves from its making until it is killed."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._sockets.append(connection)
        return connection, address

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Stops at once, in the middle of its answers."""
        self.shutdown()
        self.server_close()
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
