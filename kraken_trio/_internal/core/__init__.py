"""What the vocabulary means: states, books, loss, buffers. Knows no bytes, no clock, no trio."""
