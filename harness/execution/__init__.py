"""Runs one job, from its items to its report."""
