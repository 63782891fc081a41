"""vLLM against transformers on the real small model, in float32 on the CPU: `python -m harness engines`."""

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.models.model import LocalModel

pytestmark = pytest.mark.engine


def test_vllm_and_transformers_agree_to_a_thousandth_in_log_p(
    small_model: LocalModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = ["experiment=pTrue", "limit=4", "experiment.shots=4", "experiment.draws=3", "experiment.judged=3"]
    experiment += ["experiment.arms=[few-shot,zero-shot,fixed]"]
    model = ["model=hub", "model.name=smollm2", f"model.source={small_model.path}", f"store={tmp_path / 'store'}"]
    both = ["engine.dtype=float32", "engine.max_model_len=2048", "engine.kv_cache_gib=0.5"]
    sides = ["replicates=200", "--first", "engine=vllm", *both, "--second", "engine=transformers", *both]
    out = tmp_path / "out.json"
    words = ["engines", *experiment, *model, "tracker=none", *sides, "--tolerance", "1e-3", "--json", str(out)]
    assert main(words) == 0, capsys.readouterr()
    found = json.loads(out.read_bytes())
    assert (found["first"]["engine"], found["second"]["engine"]) == ("vllm", "transformers")
    assert found["first"]["model"] == found["second"]["model"] == small_model.fingerprint
    assert found["first"]["dtype"] == found["second"]["dtype"] == "float32"
    numbers = found["numbers"]
    assert numbers["chosen"]["n"] >= 2 * 4 * 3 * 3
    assert numbers["drawn"]["n"] > 60
    assert 0 < found["largest"] <= 1e-3
    assert numbers["option_p"] <= 1e-3
    assert (numbers["notes"], found["failed"], found["redrawn"]) == ([], {"first": 0, "second": 0}, 0)
    values = {e["difference"]["metric"]: abs(e["difference"]["value"] or 0.0) for e in found["effects"]}
    assert values["accuracy"] == 0, "the draws are the same"
    assert values["brier"] <= 1e-3
