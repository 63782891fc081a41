"""The job that every tool gets: a short question, 16 greedy tokens, then whether the answer is true or false.

Plain text without a chat template, the same words for every tool. Imported by the job scripts, which run in virtual
environments of their own, so it needs nothing but Python.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

ANSWER = "Question: {question}\nAnswer:"
JUDGE = (
    "Question: {question}\n Possible answer:{answer}\n Is the possible answer:\n (A) True\n (B) False\n"
    " The possible answer is:"
)
NEW_TOKENS = 16

Row = dict[str, str]

CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Italy": "Rome", "Spain": "Madrid", "Egypt": "Cairo", "Peru": "Lima",
            "Norway": "Oslo", "Cuba": "Havana", "Greece": "Athens", "Austria": "Vienna"}  # fmt: skip


def write_task(file: Path, n: int, seed: int = 0) -> None:
    """`n` questions with answers, a JSON object a line; no two are equal."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for i in range(n):
        if i % 2:
            country = rng.choice(sorted(CAPITALS))
            rows.append({"question": f"Item {i}. What is the capital of {country}?", "answer": CAPITALS[country]})
        else:
            a, b = rng.randint(2, 60), rng.randint(2, 60)
            rows.append({"question": f"Item {i}. What is {a} + {b}?", "answer": str(a + b)})
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_task(file: str) -> list[Row]:
    """The rows that `write_task` wrote."""
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def report(n: int, load: float, run: float) -> None:
    """The one line that the bench reads: judged answers, seconds of loading (imports included), seconds of asking."""
    print("RESULT " + json.dumps({"n": n, "load": load, "run": run}), flush=True)
