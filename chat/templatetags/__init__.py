"""Template tags of the chat page."""
