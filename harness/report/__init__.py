"""Shows a run: figures and one self-contained page, from the run directory alone."""
