"""lm-evaluation-harness: one generation task and one True/False task. It cannot ask about the model's own answer, so
the second stage judges the gold answer. Arguments: MODEL_FOLDER TASK_FILE DTYPE"""
# mypy: ignore-errors

import sys
import tempfile
import time
from pathlib import Path

BEGIN = time.perf_counter()

from common import ANSWER, JUDGE, NEW_TOKENS, report  # noqa: E402

TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: {kind}
doc_to_text: {text}
{rest}
metadata: {{version: 1}}
"""


def main(model: str, file: str, dtype: str) -> None:
    import json

    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    jinja = {"question": "{{question}}", "answer": " {{answer}}"}
    asks = json.dumps(ANSWER.format(**jinja))
    judges = json.dumps(JUDGE.format(**jinja))
    generated = f"""doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["<|never|>"], do_sample: false, temperature: 0.0, max_gen_toks: {NEW_TOKENS}}}
metric_list: [{{metric: exact_match}}]"""
    judged = """doc_to_choice: ["True", "False"]
doc_to_target: 0
target_delimiter: " "
metric_list: [{metric: acc}]"""
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, text, rest in (
            ("peer_answer", "generate_until", asks, generated),
            ("peer_judge", "multiple_choice", judges, judged),
        ):
            Path(folder, f"{name}.yaml").write_text(TASK.format(name=name, file=file, kind=kind, text=text, rest=rest))
        lm = HFLM(pretrained=model, dtype=dtype, batch_size=64, device="cpu")
        load = time.perf_counter() - BEGIN
        manager = TaskManager(include_path=folder, include_defaults=False)
        done = lm_eval.simple_evaluate(
            model=lm, tasks=["peer_answer", "peer_judge"], task_manager=manager, bootstrap_iters=0, log_samples=True
        )
    report(len(done["samples"]["peer_judge"]), load, time.perf_counter() - BEGIN - load)


main(*sys.argv[1:])
