"""Runs a grid: plans its cells, packs them by model, hands the packs to a launcher, and keeps every cell's state."""
