"""The contract between ingestion and search: typed, frozen, cheap to import.

Import what you need from its module (``schemas.records``, ``schemas.query``, ...): this package
imports nothing itself, so that a command line can start without numpy, Pillow or Qdrant.
"""
