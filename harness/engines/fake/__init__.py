"""Engines of a known distribution, for tests, dry runs and simulations."""
