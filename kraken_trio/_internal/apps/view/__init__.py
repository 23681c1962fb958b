"""What is shown of a feed, on a terminal or in a browser: what it saw, made small and bounded.

Nothing in here waits, draws or listens: records and hooks come in, plain values go out.
"""
