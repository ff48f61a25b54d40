"""Postgres with pgvector for a machine without one: a Django ENGINE that starts it when needed."""
