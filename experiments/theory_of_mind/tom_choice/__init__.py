"""Multiple choice about the stories of any set, beside controls and rules without any idea of minds."""
