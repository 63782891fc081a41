"""Lets one thread at a time import the large packages: some import in circles, which two threads may not enter at once.

Python breaks the deadlock of two threads in one circle by handing out a half imported module.
"""

import threading

LARGE = threading.RLock()
"""Held while torch, vllm, transformers, datasets or huggingface_hub is imported."""
