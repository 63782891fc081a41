"""Inputs that nobody would write: every reader gives a right value or one line that says what is wrong."""
