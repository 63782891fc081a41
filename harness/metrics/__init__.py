"""Metrics: pure weighted functions of typed columns. No engine, no input or output."""
