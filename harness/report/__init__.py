"""What a reader of a run sees: figures and one self-contained page."""
