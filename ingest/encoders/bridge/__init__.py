"""Bridges: what maps any frozen image encoder and any frozen text encoder into one space."""
