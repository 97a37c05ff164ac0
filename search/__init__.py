"""Query to hits. ``search.searcher.Searcher`` is the programmatic entrance.

Import what you need from its module: this package imports nothing itself, so that a command line
can start without numpy, Pillow or Qdrant.
"""
