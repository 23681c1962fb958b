"""Wire and core joined into one synchronous path, from a frame's bytes to a buffer."""
