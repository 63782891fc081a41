"""For tests of protocols of one's own, without a model: `simulate(experiment, items, answer)`."""

from harness.testing.known_replies import Answer, Simulated, fake_subject, item, simulate

__all__ = ["Answer", "Simulated", "fake_subject", "item", "simulate"]
