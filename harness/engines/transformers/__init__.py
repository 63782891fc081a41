"""The Hugging Face transformers engine, which can read and change activations."""
