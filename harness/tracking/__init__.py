"""Trackers: where a run is watched and compared. None of them can fail a run."""
