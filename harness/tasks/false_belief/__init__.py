"""False-belief stories with ground truth from a model of who saw what; nothing is downloaded or copied."""

from harness.tasks.false_belief.task import FalseBeliefStories

__all__ = ["FalseBeliefStories"]
