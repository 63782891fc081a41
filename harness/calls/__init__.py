"""Calls to a model, and interventions on it while it answers."""
