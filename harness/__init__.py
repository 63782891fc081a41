"""Replicates self-evaluation experiments on language models: the names that an experiment needs."""

from harness.calls import Text
from harness.experiment import Experiment
from harness.figures import Bars, Reliability, RiskCoverage, Transitions
from harness.items import Grade, Item
from harness.metrics.metric import Metric
from harness.outcomes import Outcome, Probability, Score
from harness.prompts import Message, Prompt
from harness.subject import Choice, Subject

__all__ = [
    "Bars",
    "Choice",
    "Experiment",
    "Grade",
    "Item",
    "Message",
    "Metric",
    "Outcome",
    "Probability",
    "Prompt",
    "Reliability",
    "RiskCoverage",
    "Score",
    "Subject",
    "Text",
    "Transitions",
]
