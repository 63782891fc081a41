"""Fits linear probes and directions on activations."""
