"""Addresses of the chat page and its HTTP interface."""

from django.urls import include, path

from chat import (
    consent_views,
    http_conversations,
    http_events,
    http_stream,
    installable,
    transcript_views,
    views,
    widget_views,
)
from chat.openai_api import views as v1

urlpatterns = [
    path("", views.page, name="page"),
    path("c/<uuid:conversation>", views.page, name="conversation"),
    path("c/<uuid:conversation>/print", transcript_views.print_page, name="print"),
    path("s/<slug:token>", transcript_views.shared, name="shared"),
    path("accounts/", include("chat.accounts.urls")),
    path("leave", views.leave, name="leave"),
    path("api/conversations", http_conversations.conversations_view, name="conversation-list"),
    path(
        "api/conversations/<uuid:conversation>",
        http_conversations.conversation_view,
        name="conversation-detail",
    ),
    path(
        "api/conversations/<uuid:conversation>/restore",
        http_conversations.restore_view,
        name="conversation-restore",
    ),
    path(
        "api/conversations/<uuid:conversation>/share",
        http_conversations.share_view,
        name="conversation-share",
    ),
    path(
        "api/conversations/<uuid:conversation>/export",
        transcript_views.export,
        name="conversation-export",
    ),
    path("api/messages/<uuid:message>", views.message_detail, name="message-detail"),
    path("api/consent", consent_views.consent, name="consent"),
    path("manifest.webmanifest", installable.manifest, name="manifest"),
    path("service-worker.js", installable.service_worker, name="service-worker"),
    path("offline", installable.offline, name="offline"),
    path("widget", widget_views.page, name="widget"),
    path("widget.js", widget_views.script, name="widget-script"),
    path("widget/api/conversations/<uuid:conversation>", http_conversations.conversation_to_read),
    path("widget/api/messages/<uuid:message>", views.message_detail),
    path("widget/api/consent", widget_views.consent),
    path("api/chat", http_events.chat, name="chat"),
    path("api/turns/<uuid:turn>/events", http_events.turn_events, name="turn-events"),
    path("api/python", http_stream.python, name="python"),
    path("v1/chat/completions", v1.chat_completions, name="chat-completions"),
    path("v1/models", v1.models, name="models"),
    path("v1/models/<str:name>", v1.model, name="model"),
    path("v1/", v1.nothing_here),
    path("v1/<path:rest>", v1.nothing_here, name="nothing-under-v1"),
]
