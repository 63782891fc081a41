"""Do models judge years by their distance from a present of their own?"""
