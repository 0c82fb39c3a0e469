"""The analyzer: analyses every ten-minute archive once. It is idle for now.

What will live here: which archives await their analysis, the analysis through the assessor, and the report of the day.
"""
