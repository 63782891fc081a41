"""Tries a chat template in a separate process, because a template may loop for ever or fill the memory."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from harness.errors import HarnessError
from harness.prompting.template_trial import TOO_MUCH

SECONDS = 10
"""Processor seconds for three short messages; real templates take milliseconds."""
MOST = {"seconds": SECONDS, "bytes": 1 << 30, "longest": 10_000_000}
_PROGRAM = Path(__file__).with_name("template_trial.py")


@cache
def check_ends(template: str) -> None:
    """Checks that a template ends, once for each text.

    Raises:
        HarnessError: it needs more than ten seconds, a gigabyte, or ten million characters for three short messages.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM)],
            input=json.dumps({"template": template, **MOST}),
            text=True,
            capture_output=True,
            check=False,
            timeout=20 * SECONDS,
        )
        code = done.returncode
    except subprocess.TimeoutExpired:
        code = TOO_MUCH
    except OSError:  # no process can be started: nothing is known
        return
    if code == TOO_MUCH or code < 0:
        raise HarnessError(
            f"the model's chat template does not end within {SECONDS} s, or fills the memory, for three short "
            "messages; repair chat_template in its tokenizer_config.json, or set model.style=plain"
        )
