"""Finds the weights of a model that the config names, on this machine."""
