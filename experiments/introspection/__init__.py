"""Do models know what goes on inside them? Activations are read and changed."""
