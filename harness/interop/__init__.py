"""Exchanges results with other harnesses: runs become Inspect logs; lm-eval samples and Inspect logs become runs."""
