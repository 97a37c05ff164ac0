"""The web page: search, items, an overview and a map, rendered on the server."""
