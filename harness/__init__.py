"""Replicates self-evaluation experiments on language models: the names that an experiment capabilities_of.

They are imported when first used, because every command passes through here and `--help` capabilities_of none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.calls.arrays import Array
    from harness.calls.calls import Text
    from harness.calls.interventions import Ablate, Add, Cut, Replace
    from harness.errors import HarnessError
    from harness.experiment import Experiment
    from harness.figures import Bars, Reliability, RiskCoverage, Transitions
    from harness.items import Grade, Item
    from harness.metrics.metric import Metric
    from harness.outcomes import Outcome, Probability, Score
    from harness.prompting.prompts import Message, Prompt
    from harness.subject.choices import Choice, Likelihood
    from harness.subject.subject import Subject

_HOMES = {
    "calls.arrays": ("Array",),
    "calls.calls": ("Text",),
    "errors": ("HarnessError",),
    "experiment": ("Experiment",),
    "figures": ("Bars", "Reliability", "RiskCoverage", "Transitions"),
    "calls.interventions": ("Ablate", "Add", "Cut", "Replace"),
    "items": ("Grade", "Item"),
    "metrics.metric": ("Metric",),
    "outcomes": ("Outcome", "Probability", "Score"),
    "prompting.prompts": ("Message", "Prompt"),
    "subject.choices": ("Choice", "Likelihood"),
    "subject.subject": ("Subject",),
}

__all__ = [
    "Ablate",
    "Add",
    "Array",
    "Bars",
    "Choice",
    "Cut",
    "Experiment",
    "Grade",
    "HarnessError",
    "Item",
    "Likelihood",
    "Message",
    "Metric",
    "Outcome",
    "Probability",
    "Prompt",
    "Reliability",
    "Replace",
    "RiskCoverage",
    "Score",
    "Subject",
    "Text",
    "Transitions",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"harness.{home}"), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
