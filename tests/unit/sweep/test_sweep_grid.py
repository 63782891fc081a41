"""From a line of overrides to checked cells and packs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from harness.cli.arguments import parser
from harness.cli.main import main
from harness.config import compose, hydra_at, load_job
from harness.engines.fake.engine import Fake
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLM
from harness.errors import HarnessError
from harness.models.model import Model
from harness.runs.directory import config_digest
from harness.sweep.folder import Pack
from harness.sweep.grid import Composer, combinations, is_hydra, plan_cells
from harness.sweep.launch.base import load_launcher
from harness.sweep.launch.gpus import spread
from harness.sweep.launch.slurm import Slurm
from harness.sweep.packing import gpus_needed, pack
from harness.sweep.plan import launcher_settings, plan_sweep
from harness.tasks.base import split
from harness.tasks.sharding import shard
from tests.support.sweeps import words
from tests.unit.tasks.test_split import Listed, made

SMALL = ["engine=fake", "tracker=none", "limit=4", "experiment=falseBelief"]


def cells(*overrides: str) -> list[tuple[str, ...]]:
    with hydra_at(None):
        return [swept for _, swept in combinations(overrides)]


def test_a_grid_is_the_one_that_hydra_makes() -> None:
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    line = ["seed=range(0,3)", "limit=4", "experiment=pTrue,falseBelief", "window=choice(1,2)", "runs=a,b", "runs=c"]
    hydras = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(line), None)[0]
    with hydra_at(None):
        ours = [{*fixed, *swept} for fixed, swept in combinations(line)]
    assert ours == [set(cell) for cell in hydras]
    assert len(ours) == 3 * 2 * 2


def test_a_glob_is_every_name_of_a_group() -> None:
    assert cells("tracker=glob(*)") == [(f"tracker={name}",) for name in ("mlflow", "none", "trackio", "wandb")]
    assert cells("tracker=glob(*,exclude=[m*,t*,w*])") == [()]
    with pytest.raises(HarnessError, match="nothing matches"):
        cells("tracker=glob(x*)")
    with pytest.raises(HarnessError, match="needs a list of values"):
        cells("seed=interval(0,1)")


@pytest.mark.parametrize(
    ("fixed", "swept"),
    [
        (["engine=fake"], ["experiment=selfCorrection", "seed=3"]),
        (["experiment=falseBelief", "experiment.max_tokens=3"], ["limit=7", "experiment.max_tokens=5"]),
        (["+model@roles.judge.model=hub", "roles.judge.model.source=a/b"], ["roles.judge.model.source=c/d"]),
        (["engine=vllm", "engine.args={seed:1,x:2}"], ["engine.args.tensor_parallel_size=2", "engine.args.y=null"]),
        (["runs=here"], ["limit=null", "model=hub", "model.source='a b,c'"]),
    ],
)
def test_what_is_composed_in_parts_is_what_hydra_composes_whole(fixed: list[str], swept: list[str]) -> None:
    composer = Composer()
    with hydra_at(None):
        composer.compose(fixed, ["seed=99", *swept[1:]])  # whatever an earlier cell leaves behind
        assert composer.compose(fixed, swept) == composer.compose(fixed, swept)
        ours = composer.compose(fixed, swept)
    assert ours == compose([*fixed, *swept])


def test_a_typo_in_any_cell_is_found_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(tmp_path, "seed=range(0,75)", "experiment.breaks=true,maybe")
    assert main(line) == 2
    assert "cell 1 (seed=0 experiment.breaks=maybe): experiment.breaks=maybe" in capsys.readouterr().err
    line = words(tmp_path, "seed=0,1,O2")
    assert main(line) == 2
    assert "cell 2 (seed=O2): seed=O2: " in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["window=1,2"], "cells 0 (window=1) and 1 (window=2) are the same run"),
        (["hydra/launcher=slrm"], "there is no hydra/launcher 'slrm', did you mean 'slurm'?"),
        (["hydra/launcher=slurm", "hydra.launcher.partiton=x"], "hydra.launcher.partiton, did you mean 'partition'?"),
        (["hydra.launcher.pack_size=0"], "hydra.launcher.pack_size=0: at least one"),
        (["hydra.launcher.shards=0"], "hydra.launcher.shards=0: at least one"),
        (["hydra.launcher.shards=9"], "shard=0/9: there are only 4 test items"),
        (["hydra.launcher.pack_by=model.nam"], "there is no setting 'nam', did you mean 'name'?"),
        (["hydra.sweep.subdir=x"], "a sweep knows hydra/launcher, hydra.launcher.NAME and hydra.sweep.dir only"),
        (["hydra/launcher=gpus", "hydra.launcher.devices=[]"], "a job needs 1 GPU, and there are 0"),
        (["study=tour"], "a study is no part of a grid"),
        (["--cfg"], "--cfg and --info are about one run"),
        (["shard=4/4", "seed=0"], "shard=4/4: write i/n with 0 <= i < n"),
    ],
)
def test_what_cannot_be_launched_is_named(
    line: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path, *line)) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_settings_of_something_else_are_no_launcher() -> None:
    with pytest.raises(HarnessError, match=r"hydra.launcher._target_: harness.tracker.NoTracker is no Launcher"):
        load_launcher({"_target_": "harness.tracker.NoTracker"})


def test_a_launcher_without_a_grid_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "hydra/launcher=slurm"]) == 2
    assert "hydra/launcher is for sweeps; add -m" in capsys.readouterr().err
    assert main(["run", "--detach", "seed=1"]) == 2
    assert "--detach is for sweeps" in capsys.readouterr().err


def test_without_sbatch_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(words(tmp_path, "hydra/launcher=slurm")) == 2
    assert "there is no sbatch on the path" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_packs_hold_the_cells_that_load_the_same() -> None:
    planned = plan_cells([*SMALL, "model.name=a,b", "seed=0,1,2"])
    assert [p.cells for p in pack(planned, "engine")] == [(0, 1, 2), (3, 4, 5)]
    assert [p.cells for p in pack(planned, "none")] == [(i,) for i in range(6)]
    assert [p.cells for p in pack(planned, "seed")] == [(0, 3), (1, 4), (2, 5)]
    assert [p.cells for p in pack(planned, "experiment")] == [(0, 1, 2, 3, 4, 5)]
    assert [p.cells for p in pack(planned, "engine", 2)] == [(0, 1), (2,), (3, 4), (5,)]
    # What changes no loaded weights does not part cells.
    styles = plan_cells([*SMALL, "model.style=plain,chat"])
    assert [p.cells for p in pack(styles, "engine")] == [(0, 1)]


def test_shards_of_a_cell_are_in_different_packs_and_the_whole_in_none() -> None:
    planned = plan_cells([*SMALL, "seed=0,1"], shards=2)
    assert [(p.cell.index, p.cell.whole, p.config["shard"]) for p in planned] == [
        (0, None, None),
        (1, 0, "0/2"),
        (2, 0, "1/2"),
        (3, None, None),
        (4, 3, "0/2"),
        (5, 3, "1/2"),
    ]
    assert [p.cells for p in pack(planned, "engine")] == [(1, 4), (2, 5)]


def test_a_job_has_as_many_gpus_as_its_largest_model_wants() -> None:
    model = Model(source="a/b")
    large = VLLM(args={"tensor_parallel_size": 4, "pipeline_parallel_size": 2})
    assert gpus_needed([(Fake(), model)]) == 0
    assert gpus_needed([(Transformers(), model), (Fake(), model)]) == 1
    assert gpus_needed([(Transformers(), model), (large, model)]) == 8
    with pytest.raises(HarnessError, match="parallel size of 'two'"):
        gpus_needed([(VLLM(args={"tensor_parallel_size": "two"}), model)])


def test_large_packs_are_halved_until_every_gpu_has_one() -> None:
    assert [p.cells for p in spread([Pack((0, 1, 2, 3, 4), 1, 0), Pack((5,), 1, 0)], 4)] == [
        (0, 1),
        (2,),
        (3, 4),
        (5,),
    ]
    assert [p.cells for p in spread([Pack((0,), 1, 0)], 3)] == [(0,)]


def test_shards_hold_every_item_once_and_differ_by_one_at_most() -> None:
    whole = split(Listed(pool=made(11)), None, 0)
    parts = [shard(whole, f"{i}/4").test for i in range(4)]
    assert sorted(item.id for part in parts for item in part) == [item.id for item in whole.test]
    assert sorted(len(part) for part in parts) == [2, 3, 3, 3]
    assert len({shard(whole, f"{i}/4").fingerprint for i in range(4)} | {whole.fingerprint}) == 5


def test_a_run_of_all_items_is_named_as_before_there_were_shards() -> None:
    config = compose(SMALL)[0]
    assert config["shard"] is None
    without = {key: value for key, value in config.items() if key != "shard"}
    assert config_digest(config) == config_digest(without)
    assert config_digest({**config, "shard": "0/2"}) != config_digest(config)


def test_cells_with_w_and_b_are_one_group_of_the_sweeps_name(tmp_path: Path) -> None:
    line = ["experiment=falseBelief", "engine=fake", "limit=4", f"runs={tmp_path}", "seed=0,1"]
    sweep, _ = plan_sweep([*line, "tracker=wandb"], None)
    assert {cell.overrides[-1] for cell in sweep.cells} == {f"tracker.group={sweep.name}"}
    assert compose(sweep.cells[1].overrides)[0]["tracker"]["group"] == sweep.name
    sweep, _ = plan_sweep([*line, "tracker=wandb", "tracker.group=mine"], None)
    assert "tracker.group=mine" in sweep.cells[0].overrides
    assert all(not word.endswith(sweep.name) for word in sweep.cells[0].overrides)
    sweep, _ = plan_sweep([*line, "tracker=none"], None)
    assert not any(word.startswith("tracker.group") for word in sweep.cells[0].overrides)


def test_planning_on_a_login_node_imports_no_torch_and_stays_small() -> None:
    code = (
        "import sys; from pathlib import Path; from harness.sweep.plan import plan_sweep; import submitit;"
        "plan_sweep(sys.argv[1:], None);"
        "print([m for m in ('torch', 'vllm', 'transformers', 'wandb', 'matplotlib') if m in sys.modules],"
        "int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) // 1024 < 300)"
    )  # not getrusage, which counts what the process had before it became this program
    line = ["experiment=falseBelief", "seed=range(0,20)", "engine=vllm,transformers", "limit=4"]
    done = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] True", done.stderr


PAGE = Path(__file__).parents[3] / "docs/slurm.md"
GRIDS = re.findall(r"^python -m harness (run -m .+?)$", PAGE.read_text().replace("\\\n", " "), re.MULTILINE)


@pytest.mark.parametrize("line", GRIDS)
def test_every_grid_of_the_page_can_be_launched(line: str) -> None:
    options = parser().parse_args(shlex.split(line))
    own = [word for word in options.overrides if is_hydra(word)]
    # Without the size, which would only make the test slow.
    others = [word for word in options.overrides if not is_hydra(word) and not word.startswith("limit=")]
    settings, _ = launcher_settings(own, others, None)
    launcher = load_launcher(settings)
    assert pack(plan_cells([*others, "limit=20"], None, launcher.shards), launcher.pack_by, launcher.pack_size)


def test_the_preset_of_the_page_is_slurm_with_changes(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(defaults: \[slurm\].*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "hydra/launcher").mkdir(parents=True)
    (tmp_path / "hydra/launcher/mylab.yaml").write_text(text)
    own = ["hydra/launcher=mylab", "hydra.launcher.timeout_min=30"]
    mylab = load_launcher(launcher_settings(own, [], tmp_path)[0])
    assert mylab == Slurm(partition="gpu", account="mylab", setup=("module load cuda/13",), timeout_min=30)


def test_the_w_and_b_sweep_of_the_page_gives_words_that_run_takes() -> None:
    (text,) = re.findall(r"```yaml\n(program.*?)```", PAGE.read_text(), re.DOTALL)
    sweep = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(sweep, dict)
    assert sweep["command"][1:] == ["python", "-m", "harness", "run", "${args_no_hyphens}"]
    words = [f"{name}={p.get('value', p.get('values', [None])[0])}" for name, p in sweep["parameters"].items()]
    assert load_job(words).name == "pTrue"
