"""Bridges measured: recall against the number of pairs, and a domain that no training saw."""
