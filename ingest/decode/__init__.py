"""Decoding: bytes to an RGB image or to text, by one policy at indexing and at query time.

This package imports nothing itself; Pillow and the document libraries load with the first item
that needs them.
"""

DECODE_VERSION = 1
"""Version of the decode policy, part of every embedding space: raise it when pixels or text of a
readable item would come out differently."""
