"""Named runs in order, some made of others, and claims between them."""
