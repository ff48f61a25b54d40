"""What visitors asked and were answered, and what experts set: one module for each.

Django looks for this package by its name and registers what the modules below name.
"""

from chat.admin import (
    api_keys,
    consents,
    conversations,
    feedback,
    messages,
    prompts,
    site_texts,
    turns,
    widget_origins,
)

__all__ = [
    "api_keys",
    "consents",
    "conversations",
    "feedback",
    "messages",
    "prompts",
    "site_texts",
    "turns",
    "widget_origins",
]
