"""The detector: looks at each camera's stills and tells what is seen. It is idle for now.

What will live here: when to look (cadence, budget, consent), the look itself through the assessor, and
which events it means.
"""
