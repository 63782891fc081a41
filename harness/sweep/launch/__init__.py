"""Where the packs of a sweep run: in this process, on the GPUs of this machine, or as SLURM jobs."""
