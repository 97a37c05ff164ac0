"""Where the points live: one engine API over a server, an embedded index and memory.

:func:`ingest.store.connect.connect` gives an :class:`ingest.store.engine.Engine`,
:mod:`ingest.store.collections` makes and finds collections on it, and
:class:`ingest.store.writer.Writer` writes to one with retries. The Qdrant clients are imported
here and nowhere else.
"""
