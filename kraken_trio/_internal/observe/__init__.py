"""Those who watch a feed: recordings, latencies, metrics, traces. All of it plugs into ``Observer``."""
