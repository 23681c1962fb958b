"""Peers to test against: what the exchange would say, without the exchange.

What is said here shares no code with what it tests: checksums and numbers are made anew, from
integers. Only requests and files of captured traffic are read by the library's own readers.
"""
