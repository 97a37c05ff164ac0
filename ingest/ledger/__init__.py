"""What earlier runs saw, in SQLite: a cache that may be lost at any time (docs/operations.md).

It spares a run from reading the collection and the files again. Whether it may be believed is told
by a token that it shares with the collection.
"""
