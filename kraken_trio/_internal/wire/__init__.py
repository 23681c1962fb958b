"""Bytes to the vocabulary and back. Knows how the exchange spells things, not what they mean."""
