"""Readers of knowledge files, one a format: bytes become records, and records become rows."""
