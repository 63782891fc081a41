"""A target for every reader: `Target.attack` makes one hostile input from a random source and reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from harness.calls.calls import Choose, Generate, Logprobs, Sampling, Score, Text
from harness.store.segments import Origin
from tests.fuzz.mutation import hostile, mutated, twisted
from tests.fuzz.tom_sets import read_sets, write_sets


@dataclass(frozen=True)
class Target:
    """A reader under attack.

    Attributes:
        prepare: makes good inputs in an empty folder, once.
        attack: makes a bad one of them in another folder and reads it; raises what the reader raises, AssertionError
            for a wrong value.
        quick: inputs in the test suite.
    """

    prepare: Callable[[Path], None]
    attack: Callable[[Random, Path, Path], None]
    quick: int


ROW = {
    "question": "Capital of France?", "answer": "Paris", "options": ["Lyon", "Paris"], "group": "a", "subject": "s",
    "choices": ["Lyon", "Paris"], "mc1_targets": {"Paris": 1, "Lyon": 0}, "year": 1912.0,
}  # fmt: skip


def write_rows(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{**ROW, "question": f"{ROW['question']} {i}", "mc1_targets": "{}"} for i in range(20)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    texts = [[str(row[name]) for name in ("question", "answer", "options", "group")] for row in rows]
    lines = ["question,answer,options,group", *(",".join(f'"{cell}"' for cell in cells) for cells in texts)]
    (folder / "rows.csv").write_text("\n".join(lines))


def read_rows(rng: Random, good: Path, folder: Path) -> None:
    from harness.tasks.base import split
    from harness.tasks.gsm8k import Gsm8k
    from harness.tasks.mmlu import Mmlu
    from harness.tasks.table import TableTask
    from harness.tasks.triviaqa import TriviaQA
    from harness.tasks.truthfulqa import TruthfulQA

    suffix = rng.choice((".jsonl", ".json", ".csv", ".tsv", ".parquet"))
    path = folder / f"rows{suffix}"
    if suffix in {".jsonl", ".json"}:
        rows = [hostile({**ROW, "question": f"q{i}"}, rng) if rng.random() < 0.3 else b"" for i in range(6)]
        fine = [json.dumps({**ROW, "question": f"q{i}"}).encode() for i in range(6)]
        lines = [bad or one for bad, one in zip(rows, fine, strict=True)]
        path.write_bytes(b"\n".join(lines) if suffix == ".jsonl" else b"[" + b",\n".join(lines) + b"]")
    else:
        source = good / f"rows{'.parquet' if suffix == '.parquet' else '.csv'}"
        path.write_bytes(mutated(source.read_bytes(), rng))
    kinds: list[tuple[type[Any], dict[str, Any]]] = [
        (TableTask, {}),
        (TableTask, {"choices": "options"}),
        (TableTask, {"grader": "number", "answer": "year"}),
        (TableTask, {"group": "group", "separator": "|"}),
        (TableTask, {"answer": "mc1_targets.Paris"}),
        (Mmlu, {}),
        (Gsm8k, {}),
        (TriviaQA, {}),
        (TruthfulQA, {}),
    ]
    kind, settings = rng.choice(kinds)
    parts = split(kind(path=str(path), duplicates="drop", max_broken=rng.choice((0, 0.05, 0.9)), **settings), None, 0)
    for item in parts.test:
        assert item.fields["question"].strip()
        item.grade("Paris")


FILES = {
    "config.json": {"model_type": "llama", "vocab_size": 8, "hidden_size": 4, "num_attention_heads": 1},
    "generation_config.json": {"eos_token_id": [1, 2], "temperature": 0.6},
    "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>",
        "model_max_length": 64,
        "chat_template": "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>",
    },
}  # fmt: skip


def write_model(folder: Path) -> None:
    from tests.support.tiny_models import toy_tokenizer

    toy_tokenizer().save_pretrained(folder)
    for name, content in FILES.items():
        (folder / name).write_text(json.dumps(content))
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))


def read_model(rng: Random, good: Path, folder: Path) -> None:
    from harness import Prompt
    from harness.models.model import Model

    names = sorted(file.name for file in good.iterdir())
    for name in names:
        (folder / name).write_bytes((good / name).read_bytes())
    name = rng.choice(names)
    content = (good / name).read_bytes()
    by_value = name.endswith(".json") and rng.random() < 0.7
    (folder / name).write_bytes(hostile(json.loads(content), rng) if by_value else mutated(content, rng))
    model = Model(source=str(folder), style=rng.choice(("auto", "chat", "plain")))
    model.resolve()
    rendered = model.renderer(model.tokenizer(), 64).render(Prompt.user("hi"))
    assert all(isinstance(token, int) for token in rendered.ids)


CALLS = (
    Generate((1, 2), Sampling(4)),
    Choose((1, 2), (3, 4)),
    Score((1, 2), (3, 4)),
)
ANSWER = {
    "choices": [
        {
            "text": "ab", "token_ids": [3, 4], "finish_reason": "stop", "prompt_token_ids": [1, 2],
            "message": {"content": "ab", "role": "assistant"},
            "logprobs": {
                "token_logprobs": [-0.5, -0.25], "top_logprobs": [{"token_id:3": -0.7, "token_id:4": -0.8}],
            },
            "prompt_logprobs": [None, {"2": {"logprob": -1.0}}, {"3": {"logprob": -1.0}}, {"4": {"logprob": -2.0}}],
        }
    ],
    "usage": {"prompt_tokens": 2, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 0}},
}  # fmt: skip


def read_reply(rng: Random, good: Path, folder: Path) -> None:
    import orjson

    from harness.engines.server.connection import WRONG_SHAPE
    from harness.engines.server.dialects import Chat, Completions

    call = rng.choice(CALLS)
    chat = isinstance(call, Generate) and rng.random() < 0.4
    dialect: Any = Chat("m", False) if chat else Completions("m")
    answer = ANSWER
    if isinstance(call, Score):
        answer = {**ANSWER, "choices": [{**ANSWER["choices"][0], "prompt_token_ids": [1, 2, 3, 4]}]}  # type: ignore[index]
    try:
        reply = dialect.read(call, orjson.loads(hostile(answer, rng))).reply
    except WRONG_SHAPE:  # what `Connection` catches, and asks again
        return
    assert isinstance(reply, (Text, Logprobs))
    assert isinstance(reply, Logprobs) or isinstance(reply.text, str)


STORED = 12


def origin_of_all() -> Origin:
    return Origin("0" * 16, "small", "pTrue", {"engine": "fake"})


def write_store(folder: Path) -> None:
    from harness.store.store import Store

    store, origin = Store(folder), origin_of_all()
    for number in range(STORED):
        store.put(number.to_bytes(16, "big"), origin, stored(number))
    store.close()


def stored(number: int) -> Text | Logprobs:
    if number % 2:
        return Logprobs((-0.5 * number, -1.0))
    return Text(f"answer {number} é\n", (number, 7), (-0.5, -0.25), "stop")


def read_store(rng: Random, good: Path, folder: Path) -> None:
    """Whatever happens to a segment, a reply is the one that was put, or none."""
    from harness.store.maintenance import survey, verify
    from harness.store.store import Store

    for file in good.iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(mutated(content, rng) if rng.random() < 0.8 else content)
    store, origin = Store(folder), origin_of_all()
    try:
        for number in range(STORED):
            found = store.get(number.to_bytes(16, "big"), origin)
            assert found in (None, stored(number)), f"the reply to {number} became {found}"
    finally:
        store.close()
    list(verify(folder))
    survey(folder)


def write_a_run(folder: Path) -> None:
    from tests.support.reports import write_run

    write_run(folder / "run", 3)


def read_run(rng: Random, good: Path, folder: Path) -> None:
    from harness.report.page import write_page
    from harness.runs.records import by_first_item, load_record, load_table
    from harness.tasks.run import RunTask

    run = folder / "run"
    (run / "figures").mkdir(parents=True)
    files = sorted(file for file in (good / "run").rglob("*") if file.is_file())
    chosen = rng.choice(files)
    for file in files:
        content = file.read_bytes()
        if file == chosen:
            by_value = file.suffix == ".json" and rng.random() < 0.8
            content = hostile(json.loads(content), rng) if by_value else mutated(content, rng)
        (run / file.relative_to(good / "run")).write_bytes(content)
    reader = rng.randrange(3)
    if reader == 0:
        record = load_record(run)
        by_first_item(record, load_table(record, ()))
    elif reader == 1:
        write_page(run)
    else:
        RunTask(run=str(run), grader="short_answer").load()


EXPERIMENT = {
    "defaults": [{"override /task": "facts"}],
    "experiment": {"_target_": "experiments.calibration.p_true.p_true.PTrue", "shots": 2, "draws": 2},
    "claims": [{"text": "t", "metric": "auroc", "level": {"arm": "zero-shot"}, "relation": "above", "value": 0.5}],
    "limit": 4,
}


def read_config(rng: Random, good: Path, folder: Path) -> None:
    from omegaconf import OmegaConf

    from harness.config import load_job

    (folder / "experiment").mkdir()
    twist = twisted(EXPERIMENT, rng) if rng.random() < 0.7 else EXPERIMENT
    try:
        body = OmegaConf.to_yaml(OmegaConf.create(twist)).encode()
    except Exception:  # OmegaConf does not write it: JSON is YAML, too
        body = json.dumps(twist).encode()
    text = b"# @package _global_\n" + body
    (folder / "experiment" / "own.yaml").write_bytes(mutated(text, rng) if rng.random() < 0.5 else text)
    load_job(["experiment=own", "engine=fake", "tracker=none"], folder)


def nothing(folder: Path) -> None:
    """No good inputs are needed."""


TARGETS = {
    "rows": Target(write_rows, read_rows, 1500),
    "sets": Target(write_sets, read_sets, 400),
    "models": Target(write_model, read_model, 60),
    "replies": Target(nothing, read_reply, 1000),
    "store": Target(write_store, read_store, 400),
    "runs": Target(write_a_run, read_run, 100),
    "configs": Target(nothing, read_config, 15),
}
