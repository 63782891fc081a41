"""Engines answer calls. One file per engine; none knows an experiment."""
