"""The errors a user may meet. Each message names the file, key or item at fault, and the fix."""


class HarnessError(Exception):
    """Bad input or environment (config, data, model, disk): stops the run with one line and exit code 2."""


class ItemError(HarnessError):
    """One item cannot be asked (prompt too long, option merges with the prompt): becomes a failure row."""


class EngineDied(HarnessError):
    """The engine stopped answering. Nothing answered before is lost; the same command goes on from there."""
