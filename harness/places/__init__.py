"""Where things lie: our folders beside those of the user, and objects named by a dotted path."""
