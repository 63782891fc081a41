"""Processes that meet: how one names itself, how one keeps others out of a folder, how one is asked to end."""
