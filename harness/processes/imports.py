"""Lets one thread at a time import the large packages, because some have circular imports that two threads deadlock in.

Python breaks the deadlock of two threads in one circle by handing out a half imported module.
"""

import threading

LARGE = threading.RLock()
"""Held while torch, vllm, transformers, datasets or huggingface_hub is imported."""
