"""From messages to audited token ids."""
