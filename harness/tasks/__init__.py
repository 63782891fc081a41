"""Provides items and grades answers to them."""
