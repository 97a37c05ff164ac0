"""The HTTP API under load: many clients, with and without micro-batching, and with hostile ones."""
