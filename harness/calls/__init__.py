"""What is asked of a model, and what is changed inside it while it answers."""
