"""What visitors asked and were answered, and what experts set: one module for each.

Django looks for this package by its name and registers what the modules below name.
"""

from chat.admin import api_keys, conversations, feedback, messages, prompts, turns

__all__ = ["api_keys", "conversations", "feedback", "messages", "prompts", "turns"]
