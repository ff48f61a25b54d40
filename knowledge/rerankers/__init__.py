"""Adapters that rate how well texts reply to a question."""
