"""Does work in a thread of its own, for callers that have an event loop running or may be interrupted."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_own_thread(work: Callable[[Callable[[], bool]], T], name: str) -> T:
    """Does some work in a new thread and waits for its end. In it `asyncio.run` works, also where the caller runs a
    loop.

    A first Ctrl-C, or a notebook's stop button, asks the work to end and goes on waiting. A second one leaves the work
    behind; it ends with the process.

    Args:
        work: is given a function that says whether it should end.

    Raises:
        KeyboardInterrupt: on the second interrupt; also when the work itself raises it. Any other error of its own.
    """
    ended = threading.Event()
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work, ended.is_set))
        except BaseException as error:  # the caller gets it, of any kind
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        return future.result()
    except KeyboardInterrupt:
        if future.done():
            raise
        ended.set()
    return future.result()
