"""Multiple choice about stories, whichever set asks, beside controls and rules without any idea of minds."""
