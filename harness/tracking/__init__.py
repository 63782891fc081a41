"""Follows runs from outside. No tracker can fail a run."""
