"""Every answered call, kept."""
