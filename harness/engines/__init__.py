"""Engines answer calls. Each has a folder of its own; none knows an experiment."""
