"""Keeps what a run leaves on disk, and reads it back."""
