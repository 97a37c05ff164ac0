"""Encoders: the only home of the model runtimes."""
