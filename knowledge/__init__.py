"""Experts' answers: loading, publishing and finding them. Usable without `chat`."""
