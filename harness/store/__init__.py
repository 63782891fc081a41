"""Keeps every answered call."""
