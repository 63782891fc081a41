"""From the command line to a job: Hydra composes plain values, typed settings are built of them and written back."""

from harness.config.build import build
from harness.config.compose import check_words, compose, compose_raw, explained, finished, free, has_yaml, parsed
from harness.config.job import Job, MetricSettings, load_job, make_job
from harness.config.roles import RolePlayer, part_of
from harness.config.settings import flat
from harness.config.sources import hydra_at, options
from harness.config.words import GROUPS, models_apart
from harness.config.written import written

__all__ = [
    "GROUPS",
    "Job",
    "MetricSettings",
    "RolePlayer",
    "build",
    "check_words",
    "compose",
    "compose_raw",
    "explained",
    "finished",
    "flat",
    "free",
    "has_yaml",
    "hydra_at",
    "load_job",
    "make_job",
    "models_apart",
    "options",
    "parsed",
    "part_of",
    "written",
]
