"""The rooms of the house. Nothing in here is promised to stay.

==========  =====  =====================================================================
room        floor  knows
==========  =====  =====================================================================
model       0      the vocabulary: records, messages, requests, config, errors, ports
wire        1      bytes to model and back: frames, decode, encode, sign, capture files
core        1      what things mean: states, books, trackers, buffers, backoff
engine      2      wire and core joined, still without trio
shell       3      Trio: connections, the supervisor, subscriptions, the feed
observe     3      those who watch: latencies, metrics, traces
testing     3      a simulated exchange to test against
apps        5      the command line and its demonstration
==========  =====  =====================================================================

Arrows only fall, and rooms of one floor never import each other. The facades
(``kraken_trio``, ``kraken_trio.extended``, ``kraken_trio.testing``) are floor 4.
"""
