"""inspect-ai: a solver that asks twice, through its Hugging Face provider; the top 20 stand for the named tokens.
Arguments: MODEL_FOLDER TASK_FILE DTYPE"""
# mypy: ignore-errors

import sys
import tempfile
import time

BEGIN = time.perf_counter()

from common import ANSWER, JUDGE, NEW_TOKENS, read_task, report  # noqa: E402


def main(model: str, file: str, dtype: str) -> None:
    import torch
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import solver

    torch.set_default_dtype(getattr(torch, dtype))
    subject = get_model(
        "hf/local",
        model_path=model,
        device="cpu",
        config=GenerateConfig(max_connections=64),
        do_sample=False,  # greedy: a temperature of 0 is refused by transformers 5
        batch_size=64,
        use_chat_template=False,
        torch_dtype=dtype,
    )
    load = time.perf_counter() - BEGIN
    rows = read_task(file)

    @solver
    def ask_twice():
        async def solve(state, generate):
            question = state.metadata["question"]
            greedy = GenerateConfig(max_tokens=NEW_TOKENS)
            first = await get_model().generate(
                [ChatMessageUser(content=ANSWER.format(question=question))], config=greedy
            )
            judged = JUDGE.format(question=question, answer=first.completion)
            named = GenerateConfig(max_tokens=1, logprobs=True, top_logprobs=20)
            state.output = await get_model().generate([ChatMessageUser(content=judged)], config=named)
            return state

        return solve

    @scorer(metrics=[accuracy()])
    def judged_true():
        async def score(state, target):
            return Score(value=1.0 if "True" in state.output.completion else 0.0)

        return score

    data = [Sample(input=row["question"], target=row["answer"], metadata=row) for row in rows]
    task = Task(dataset=MemoryDataset(data), solver=ask_twice(), scorer=judged_true())
    with tempfile.TemporaryDirectory() as folder:
        logs = eval(task, model=subject, display="none", log_dir=folder, log_realtime=False)
        assert logs[0].status == "success", logs[0].error
        judged = len(logs[0].samples)  # read from the folder only now
    report(judged, load, time.perf_counter() - BEGIN - load)


main(*sys.argv[1:])
