"""Conversations: the turn, its delivery, and the page."""
