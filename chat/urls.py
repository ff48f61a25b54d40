"""Addresses of the chat page and its HTTP interface."""

from django.urls import path

from chat import http_events, http_stream, views
from chat.openai_api import views as v1

urlpatterns = [
    path("", views.page, name="page"),
    path("c/<uuid:conversation>", views.page, name="conversation"),
    path("api/conversations", views.conversation_list, name="conversation-list"),
    path(
        "api/conversations/<uuid:conversation>",
        views.conversation_detail,
        name="conversation-detail",
    ),
    path("api/messages/<uuid:message>", views.message_detail, name="message-detail"),
    path("api/chat", http_events.chat, name="chat"),
    path("api/turns/<uuid:turn>/events", http_events.turn_events, name="turn-events"),
    path("api/python", http_stream.python, name="python"),
    path("v1/chat/completions", v1.chat_completions, name="chat-completions"),
    path("v1/models", v1.models, name="models"),
    path("v1/models/<str:name>", v1.model, name="model"),
    path("v1/", v1.nothing_here),
    path("v1/<path:rest>", v1.nothing_here, name="nothing-under-v1"),
]
