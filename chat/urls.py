"""Addresses of the chat page and its HTTP interface."""

from django.urls import path

from chat import http_stream, views

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
    path("api/python", http_stream.python, name="python"),
]
