"""Conversations: the list, and one with its messages."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.admin.base import ChatAdmin
from chat.admin.filters import ConversationsWithNoticeWanted, UnansweredConversations
from chat.admin.spending import cost_line, tokens_line
from chat.models import Conversation, Message, Visitor

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class Totals(TypedDict):
        number_of_messages: int
        input_tokens: int | None
        output_tokens: int | None
        estimated: bool
        cost: Decimal | None

    CountedConversation = WithAnnotations[Conversation, Totals]


@admin.register(Conversation)
class ConversationAdmin(ChatAdmin):
    deletion = "deleted_at"
    list_display = ["shown_title", "person", "message_count", "tokens", "priced", "updated_at"]
    list_filter = [UnansweredConversations, ConversationsWithNoticeWanted]
    list_select_related = ["visitor__user"]
    search_fields = ["title", "messages__text"]
    search_help_text = _("Searches titles and messages for these words.")
    fields = [
        *("shown_title", "person", "message_count", "tokens", "priced"),
        *("created_at", "updated_at"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.annotate(
            number_of_messages=Coalesce(of_messages(Count("pk")), 0),
            input_tokens=of_messages(Sum(whole_number("usage__input_tokens"))),
            output_tokens=of_messages(Sum(whole_number("usage__output_tokens"))),
            estimated=Exists(Message.objects.filter(ESTIMATED, conversation=OuterRef("pk"))),
            cost=of_messages(Sum("cost")),
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        messages = context["original"].messages.select_related("feedback")
        context["conversation_messages"] = messages.order_by("created_at", "rev")
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("title"), ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return str(conversation)

    @admin.display(description=_("visitor"))
    def person(self, conversation: Conversation) -> str:
        return name_of(conversation.visitor)

    @admin.display(description=_("messages"), ordering="number_of_messages")
    def message_count(self, conversation: "CountedConversation") -> int:
        return conversation.number_of_messages

    @admin.display(description=_("tokens"), ordering=Coalesce("input_tokens", 0))
    def tokens(self, conversation: "CountedConversation") -> str | None:
        known = conversation.input_tokens, conversation.output_tokens
        return tokens_line(*known, estimated=conversation.estimated) or None

    @admin.display(description=_("cost"), ordering=Coalesce("cost", Decimal(0)))
    def priced(self, conversation: "CountedConversation") -> str | None:
        return cost_line(conversation.cost) or None


ESTIMATED = Q(usage__estimated=True)


def of_messages(aggregate: Aggregate) -> Subquery:
    """Worked out for the rows of a page only, where a join would add up the whole table."""
    messages = Message.objects.filter(conversation=OuterRef("pk")).order_by()
    return Subquery(messages.values("conversation").annotate(of=aggregate).values("of"))


def whole_number(key: str) -> Cast:
    """Of a JSON column."""
    return Cast(KT(key), BigIntegerField())


def name_of(visitor: Visitor) -> str:
    """A signed-in visitor's user name; the others are told apart by the start of their id."""
    if visitor.user:
        return visitor.user.get_username()
    return _("anonymous %(start)s") % {"start": str(visitor)[:8]}
