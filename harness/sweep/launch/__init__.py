"""Runs the packs of a sweep: in this process, on the GPUs of this machine, or as SLURM jobs."""
