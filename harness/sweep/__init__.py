"""Sweeps: a grid of runs, checked before anything starts, packed by loaded model, on this machine or on SLURM."""
