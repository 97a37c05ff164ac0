"""Sources: what there is to index, listed lazily as records."""
