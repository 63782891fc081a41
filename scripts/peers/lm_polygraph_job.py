"""lm-polygraph: greedy answers and its P(True) estimator. Arguments: MODEL_FOLDER TASK_FILE DTYPE"""
# mypy: ignore-errors

import sys
import time

BEGIN = time.perf_counter()

from common import ANSWER, NEW_TOKENS, read_task, report  # noqa: E402


def main(model: str, file: str, dtype: str) -> None:
    import torch
    from lm_polygraph.defaults.register_default_stat_calculators import register_default_stat_calculators
    from lm_polygraph.estimators import PTrue
    from lm_polygraph.utils.builder_enviroment_stat_calculator import BuilderEnvironmentStatCalculator
    from lm_polygraph.utils.dataset import Dataset
    from lm_polygraph.utils.generation_parameters import GenerationParameters
    from lm_polygraph.utils.manager import UEManager
    from lm_polygraph.utils.model import WhiteboxModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype), attn_implementation="sdpa").eval()
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    settings = GenerationParameters(do_sample=False, max_new_tokens=NEW_TOKENS, stop_strings=None)
    subject = WhiteboxModel(loaded, tokenizer, model_path=model, generation_parameters=settings)
    load = time.perf_counter() - BEGIN
    rows = read_task(file)
    prompts = [ANSWER.format(**row) for row in rows]
    manager = UEManager(
        Dataset(prompts, [row["answer"] for row in rows], batch_size=64),
        subject,
        [PTrue()],
        available_stat_calculators=register_default_stat_calculators("Whitebox", output_attentions=False),
        builder_env_stat_calc=BuilderEnvironmentStatCalculator(subject),
        generation_metrics=[],
        ue_metrics=[],
        processors=[],
        ignore_exceptions=False,
        verbose=False,
        max_new_tokens=NEW_TOKENS,
    )
    manager()
    report(len(manager.estimations[("sequence", "PTrue")]), load, time.perf_counter() - BEGIN - load)


main(*sys.argv[1:])
