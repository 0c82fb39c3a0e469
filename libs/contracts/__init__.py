"""What is fixed between the services: slots, ids, facts, subjects, streams, rights, frames.

Pure data and pure functions; nothing here does I/O or reads a clock.
"""
