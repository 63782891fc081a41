"""Hydra's own flags of `run` and `validate`: they print the config, or where it comes from, and run nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest

HELP = """Flags of Hydra's, for run and validate; they may stand between overrides:
  --config-dir, -cd FOLDER   look for config files there first, then in ./conf, then in the harness's own
  --cfg, -c job|hydra|all    print the config; without a word that of the job
  --package, -p KEY          of --cfg: this part only
  --resolve                  of --cfg, which resolves values anyway
  --info, -i WHAT            defaults, searchpath, config, or all
  --multirun, -m             a run of each combination of values: seed=0,1 model=a,b

Settings of Hydra's, with -m: hydra/launcher=local|gpus|slurm, hydra.launcher.NAME=VALUE, hydra.sweep.dir=FOLDER.
A run's folder is RUNS/EXPERIMENT/NAME, where runs=RUNS; hydra.run.dir and the rest of hydra.* is refused.
"""


def print_asked(options: argparse.Namespace) -> int:
    """Prints what the flags ask for.

    Raises:
        HarnessError: a config that does not compose, or a part that it does not have.
    """
    if options.hydra_help:
        print(HELP, end="")
        return 0
    if getattr(options, "multirun", False):
        raise HarnessError("--cfg and --info are about one run; leave -m out")
    words, config_dir = options.overrides, options.config_dir
    if any(word.startswith("study=") for word in words):
        raise HarnessError("--cfg and --info are about one run; a study's runs are listed in its file (list studies)")
    if options.info:
        for line in _info(options.info, words, config_dir):
            print(line)
        return 0
    _print_yaml(_config(options.cfg or "job", words, config_dir), options.package)
    return 0


def _config(kind: str, words: Sequence[str], config_dir: Path | None) -> dict[str, Any]:
    """The config of the job, or Hydra's own, or both; without secrets."""
    from omegaconf import OmegaConf

    from harness.config import compose_raw, explained, hydra_at, load_job
    from harness.redaction import without_secrets

    found: dict[str, Any] = {}
    if kind != "job":
        of_hydra = [word for word in words if word.lstrip("+~").startswith(("hydra.", "hydra/"))]
        words = [word for word in words if word not in of_hydra]
        with hydra_at(config_dir), explained():
            found["hydra"] = OmegaConf.to_container(compose_raw(words, of_hydra)[1], resolve=False)
    if kind != "hydra":
        found |= load_job(words, config_dir).config
    return dict(without_secrets(found))


def _print_yaml(config: dict[str, Any], package: str | None) -> None:
    from omegaconf import OmegaConf

    node: Any = config
    for name in (package or "").split(".") if package not in (None, "_global_") else ():
        if not isinstance(node, dict) or name not in node:
            known = node if isinstance(node, dict) else ()
            raise HarnessError(f"--package {package}: the config has no part {name!r}{nearest(name, known)}")
        node = node[name]
    if not isinstance(node, (dict, list)):
        print(node)
        return
    if package:
        print(f"# @package {package}")
    print(OmegaConf.to_yaml(OmegaConf.create(node)), end="")


def _info(what: str, words: Sequence[str], config_dir: Path | None) -> Iterator[str]:
    from harness.config import compose_raw, hydra_at
    from harness.config.sources import option_file
    from harness.places.folders import config_folders, own_conf

    if what in ("searchpath", "all"):
        yield "Config files are looked for in this order; the first that is found is taken:"
        for folder in config_folders(config_dir):
            own = folder == own_conf()
            whose = (
                "the harness's" if own else "yours, ./conf" if folder == Path.cwd() / "conf" else "yours, --config-dir"
            )
            yield f"  {folder}  ({whose})"
    if what in ("defaults", "defaults-tree", "all"):
        yield "Files that the config is made of:"
        yield f"  config: {own_conf() / 'config.yaml'}"
        with hydra_at(config_dir):
            choices = compose_raw(words)[1].runtime.choices
            for group, name in choices.items():
                if not str(group).startswith("hydra/"):
                    file = option_file(f"{str(group).partition('@')[0]}/{name}")
                    yield f"  {group}={name}: {file or 'a class'}"
    if what in ("config", "all"):
        from omegaconf import OmegaConf

        yield OmegaConf.to_yaml(OmegaConf.create(_config("job", words, config_dir))).rstrip("\n")
