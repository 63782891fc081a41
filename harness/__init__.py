"""Replicates self-evaluation experiments on language models: the names to run experiments, and to write one.

They are imported when first used, because every command passes through here and `--help` needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # type checkers read these; a test holds them equal to the table
    from harness.api.differences import Differences as Differences
    from harness.api.differences import compare as compare
    from harness.api.results import Run as Run
    from harness.api.results import Runs as Runs
    from harness.api.results import load_run as load_run
    from harness.api.results import load_runs as load_runs
    from harness.api.running import run as run
    from harness.arms import Arm as Arm
    from harness.arms import ArmedExperiment as ArmedExperiment
    from harness.arms import together as together
    from harness.calls.arrays import Array as Array
    from harness.calls.calls import Capability as Capability
    from harness.calls.calls import Text as Text
    from harness.calls.interventions import Ablate as Ablate
    from harness.calls.interventions import Add as Add
    from harness.calls.interventions import Cut as Cut
    from harness.calls.interventions import Replace as Replace
    from harness.calls.thoughts import Thought as Thought
    from harness.engines.pool import EnginePool as EnginePool
    from harness.errors import EngineDied as EngineDied
    from harness.errors import HarnessError as HarnessError
    from harness.errors import ItemError as ItemError
    from harness.experiment import Experiment as Experiment
    from harness.experiment import Part as Part
    from harness.figures import Bars as Bars
    from harness.figures import Curve as Curve
    from harness.figures import Grid as Grid
    from harness.figures import Reliability as Reliability
    from harness.figures import RiskCoverage as RiskCoverage
    from harness.figures import Transitions as Transitions
    from harness.items import AnswerForm as AnswerForm
    from harness.items import Fate as Fate
    from harness.items import Grade as Grade
    from harness.items import Grader as Grader
    from harness.items import Item as Item
    from harness.items import grader as grader
    from harness.metrics.metric import Metric as Metric
    from harness.outcomes import GradedAnswer as GradedAnswer
    from harness.outcomes import JudgedAnswer as JudgedAnswer
    from harness.outcomes import Outcome as Outcome
    from harness.outcomes import Probability as Probability
    from harness.outcomes import Score as Score
    from harness.prompting.prompts import Message as Message
    from harness.prompting.prompts import Prompt as Prompt
    from harness.prompting.wording import fill as fill
    from harness.readings import letter as letter
    from harness.readings import yes_no as yes_no
    from harness.statistics.gates import Gate as Gate
    from harness.statistics.gates import option_mass as option_mass
    from harness.subject.choices import Choice as Choice
    from harness.subject.choices import Likelihood as Likelihood
    from harness.subject.subject import Subject as Subject
    from harness.tasks.base import Task as Task
    from harness.tasks.fates import Graded as Graded
    from harness.tasks.fates import graded as graded
    from harness.worlds import Illegal as Illegal
    from harness.worlds import Turn as Turn
    from harness.worlds import World as World
    from harness.worlds import play as play

PUBLIC = {
    "api.differences": ("Differences", "compare"),
    "api.results": ("Run", "Runs", "load_run", "load_runs"),
    "api.running": ("run",),
    "arms": ("Arm", "ArmedExperiment", "together"),
    "calls.arrays": ("Array",),
    "calls.calls": ("Capability", "Text"),
    "calls.interventions": ("Ablate", "Add", "Cut", "Replace"),
    "calls.thoughts": ("Thought",),
    "engines.pool": ("EnginePool",),
    "errors": ("EngineDied", "HarnessError", "ItemError"),
    "experiment": ("Experiment", "Part"),
    "figures": ("Bars", "Curve", "Grid", "Reliability", "RiskCoverage", "Transitions"),
    "items": ("AnswerForm", "Fate", "Grade", "Grader", "Item", "grader"),
    "metrics.metric": ("Metric",),
    "outcomes": ("GradedAnswer", "JudgedAnswer", "Outcome", "Probability", "Score"),
    "prompting.prompts": ("Message", "Prompt"),
    "prompting.wording": ("fill",),
    "readings": ("letter", "yes_no"),
    "statistics.gates": ("Gate", "option_mass"),
    "subject.choices": ("Choice", "Likelihood"),
    "subject.subject": ("Subject",),
    "tasks.base": ("Task",),
    "tasks.fates": ("Graded", "graded"),
    "worlds": ("Illegal", "Turn", "World", "play"),
}
"""Every public name, by the module that defines it."""

_HOMES = {name: home for home, names in PUBLIC.items() for name in names}
__all__ = [*_HOMES]  # noqa: PLE0604 (the names are strings, from the table)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(f"harness.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
