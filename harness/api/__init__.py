"""The harness from Python: a script or a notebook runs experiments, reads their results and compares them."""
