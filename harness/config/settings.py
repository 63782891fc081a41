"""The settings of a run by dotted key, as the conditions of published numbers name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.config.compose import class_name
from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError, nearest
from harness.experiment import Experiment
from harness.places.folders import own_conf
from harness.statistics.conditions import setting_text
from harness.statistics.references import Reference

PLAIN, CHANGED = "plain", "changed"
"""Names of two wordings: the experiment's own texts, and texts that match no file of conf/wording."""


def flat(node: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The settings of a config by dotted key; an empty mapping is one setting."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def setting_texts(config: Mapping[str, Any], experiment: Experiment) -> dict[str, str]:
    """All settings of a run as text, and `wording`, the form of the experiment's texts.

    Args:
        config: the job's, in which defaults are spelled out.
    """
    used, own = dict(experiment.wording), experiment.texts
    forms = (name for name, form in wordings(experiment).items() if {**own, **form} == used)
    return {key: setting_text(value) for key, value in flat(config)} | {"wording": next(forms, CHANGED)}


def wordings(experiment: Experiment) -> dict[str, dict[str, str]]:
    """The forms of an experiment's texts by name, with the texts that each puts in place of the experiment's own.

    They are the files of conf/wording/EXPERIMENT, which is named like the class or like one that it extends.
    """
    folder = own_conf() / "wording"
    names = [class_name(f":{kind.__name__}") for kind in type(experiment).__mro__]
    files = [file for name in names for file in sorted((folder / name).glob("*.yaml"))]
    return {PLAIN: {}} | {file.stem: read_yaml(file) for file in files}


def check_wordings(references: Sequence[Reference], experiment: Experiment) -> None:
    """Raises HarnessError: a published number requires a wording that the experiment does not have."""
    known = wordings(experiment) if any("wording" in reference.requires for reference in references) else {}
    for reference in references:
        wanted = str(reference.requires.get("wording", PLAIN))
        if known and wanted not in known:
            raise HarnessError(
                f"reference {reference.text!r}: requires wording={wanted}, which {type(experiment).__name__} does not "
                f"have{nearest(wanted, known)}"
            )
