"""From the command line to a job: Hydra composes plain values, typed settings are built of them and written back."""

from harness.config.build import build
from harness.config.compose import GROUPS, compose, compose_raw, free, has_yaml, hydra_at, plain
from harness.config.job import Job, MetricSettings, load_job, make_job
from harness.config.roles import RolePlayer, part_of
from harness.config.settings import flat
from harness.config.written import written

__all__ = [
    "GROUPS",
    "Job",
    "MetricSettings",
    "RolePlayer",
    "build",
    "compose",
    "compose_raw",
    "flat",
    "free",
    "has_yaml",
    "hydra_at",
    "load_job",
    "make_job",
    "part_of",
    "plain",
    "written",
]
