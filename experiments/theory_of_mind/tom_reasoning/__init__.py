"""Does a model's own reasoning about a story carry its answer?"""
