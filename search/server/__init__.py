"""Served over HTTP: the API of ``/v1`` and the web page, in one process with one loaded model."""
