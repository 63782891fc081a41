"""From outcome columns to estimates, intervals, paired differences and verdicts."""
