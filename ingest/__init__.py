"""Source to point: list, decode, chunk, encode and upsert."""
