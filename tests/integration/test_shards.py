"""Data parallel: two engines, one after the other, each on its shard, against one engine on all of the items."""

from pathlib import Path

from harness.config import load_job
from harness.execution.execute import execute
from harness.runs.records import load_record
from tests.support.sweeps import config_folder
from tests.support.tiny_models import save_tiny


def test_two_engines_on_shards_and_one_store_end_as_one_engine_does(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "llama")
    conf = config_folder(tmp_path / "conf")
    line = ["experiment=small", "engine=transformers", "model=hub", f"model.source={model}", "tracker=none", "limit=9"]
    line += ["replicates=50"]

    def run(name: str, *more: str) -> tuple[int, Path]:
        session = execute(load_job([*line, f"runs={tmp_path / name}", *more], conf))
        assert session.status == "finished"
        assert session.store is not None
        return session.store["asked"], session.run.path

    asked_at_once, one = run("one")
    asked = [run("many", f"shard={i}/2")[0] for i in range(2)]
    asked_again, many = run("many")
    assert asked_again == 0
    assert asked_at_once == sum(asked) == 2 + 9 * 2
    assert load_record(one).estimates == load_record(many).estimates
    assert (one / "outcomes.parquet").read_bytes() == (many / "outcomes.parquet").read_bytes()
