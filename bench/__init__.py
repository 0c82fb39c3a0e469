"""Paired benchmarks: the whole path against what others need for the same work."""
