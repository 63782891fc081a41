"""A rule that answers the same rows is a mark for a claim: each must stand in one, or it shows nothing."""

from __future__ import annotations

import pytest

from harness import ArmedExperiment
from harness.config import load_job

ORACLES = {"rule: perfect player"}
"""Rules that know more than a model may: no marks for it."""


@pytest.mark.parametrize(
    "experiment",
    [
        *("falseBelief", "simpleToM", "tomChoice", "tomReasoning", "firstPerson", "numberGuessing", "blackjack"),
        *(
            "characters",
            "identity",
            "selfRecognition",
            "selfCorrectionBench",
            "stepCorrection",
            "bestOfN",
            "exploration",
        ),
    ],
)
def test_every_rule_of_an_experiment_is_a_mark_of_a_claim(experiment: str) -> None:
    job = load_job([f"experiment={experiment}", "engine=fake", "tracker=none"])
    marks = {level.get("arm") for claim in job.claims for _, level in claim.rivals}
    assert isinstance(job.experiment, ArmedExperiment)
    rules = {arm for arm in job.experiment.arms if arm.startswith("rule: ")}
    assert rules
    assert rules - ORACLES <= marks
