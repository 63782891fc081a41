"""Renders a chat template once, in a process that may use little time and memory; run by `trial.py` as a file.

Reads {"template", "seconds", "bytes", "longest"} as JSON from the standard input. Exit codes: 0, the template ended,
with or without an error of its own; TOO_MUCH, it needed more memory or wrote more text. The system ends one that needs
more time.
"""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime

TOO_MUCH = 3


def _refuse(message: str) -> None:
    raise ValueError(message)


def _limit(seconds: int, size: int) -> None:
    """Limits this process, as far as the system can: Windows has no such limits, and macOS none of the memory."""
    with suppress(ImportError):
        import resource

        for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, size)):
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))


def main() -> int:
    """Renders the template."""
    asked = json.load(sys.stdin)
    _limit(asked["seconds"], asked["bytes"])
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # As transformers sets it up.
    loops = ["jinja2.ext.loopcontrols"]
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=loops)
    sandbox.globals |= {"raise_exception": _refuse, "strftime_now": datetime.now(UTC).strftime}
    messages = [{"role": role, "content": "?"} for role in ("user", "assistant", "user")]
    try:
        written = sandbox.from_string(asked["template"]).render(messages=messages, add_generation_prompt=True)
    except MemoryError:
        return TOO_MUCH
    except Exception:  # its error is reported where the template is used
        return 0
    return TOO_MUCH if len(written) > asked["longest"] else 0


if __name__ == "__main__":
    sys.exit(main())
