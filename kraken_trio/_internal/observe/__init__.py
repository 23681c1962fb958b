"""Those who watch a feed: recordings, latencies, metrics, traces; each is an ``Observer``."""
