"""Filtered search beside other engines; run ``python -m benchmarks.filtered``."""
