"""Visitors and what they say and are answered; what operators decide about it.

Django looks for all of them here.
"""

from chat.models.conversations import (
    Consent,
    Conversation,
    Feedback,
    Message,
    SharedCopy,
    Turn,
    Visitor,
)
from chat.models.operators import ApiKey, PromptVersion, SiteText, WidgetOrigin

__all__ = [
    "ApiKey",
    "Consent",
    "Conversation",
    "Feedback",
    "Message",
    "PromptVersion",
    "SharedCopy",
    "SiteText",
    "Turn",
    "Visitor",
    "WidgetOrigin",
]
