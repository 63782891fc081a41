"""From a name in the config to weights on this machine."""
