"""Makes named runs in order, some about the answers of others, and judges claims between them."""
