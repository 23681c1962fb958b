"""Peers to test against: what the exchange would say, without the exchange.

Nothing here shares code with what it tests: checksums and numbers are made anew, from integers.
"""
