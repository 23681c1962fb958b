"""Observers that a program may add, and what they keep."""
