"""Audits: sources, ledger and collection compared with one another, and mended."""
