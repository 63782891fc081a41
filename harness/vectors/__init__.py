"""What is fitted on activations: linear probes and directions."""
