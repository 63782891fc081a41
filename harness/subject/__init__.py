"""A model under study, as a protocol sees it."""
