"""Turns messages into audited token ids."""
