"""Malformed and hostile inputs by the million, through the event contract, the fold and the codec."""
