"""An engine of a known distribution, for tests and dry runs."""
