"""The embedded engine: Qdrant's own engine (``qdrant_edge``) in the process, on a folder.

The folder looks like this::

    PATH/
      diptych-index.json         marks the folder as ours
      lock                       flock: one process at a time
      aliases.json               alias -> collection, replaced whole
      collections/NAME/
        collection.json          configuration and metadata; written last, removed first
        shard/                   qdrant_edge's own files

``qdrant_edge`` 0.9 is one shard and no more. What this room adds: collections, aliases, metadata,
groups, one process at a time, checks of vectors, and index building in a child process. What it
works around, each measured on 0.9.0 and held by a test:

- ``load`` in a second process is refused, but only after it has removed a file that the first one
  needs: our own lock comes before any ``load``;
- vectors that are zero or not finite are stored in silence;
- ``MatchValue(True)`` means the integer 1, unless the ``True`` is numpy's;
- a ``FieldCondition`` with several predicates obeys one of them, so these are refused;
- of ``lt`` and ``lte`` in one range (or ``gt`` and ``gte``), a payload index obeys one;
- ``HasIdCondition`` takes a set and nothing else, ``retrieve`` has no default arguments;
- ``optimize`` holds the interpreter lock until it is done;
- errors are bare ``Exception``.
"""
