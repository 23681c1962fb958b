"""The live feed: everything that waits. What it decides is decided by the floors below."""
