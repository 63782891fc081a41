"""Injected thoughts (Lindsey 2025)."""
