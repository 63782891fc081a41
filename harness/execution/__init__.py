"""One job, from its items to its report."""
