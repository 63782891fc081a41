"""Finds folders, ours and the user's, and the objects that a dotted path names."""
