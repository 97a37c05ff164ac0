"""Make a collection equal to its sources, as often as you like."""
