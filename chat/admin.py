"""What visitors asked and were answered, to read and never to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, Feedback, Message, Turn, Visitor
from knowledge.admin.filters import ChoiceFilter
from knowledge.admin.read_only import ReadOnlyAdmin

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class Counts(TypedDict):
        number_of_messages: int

    CountedConversation = WithAnnotations[Conversation, Counts]

EXCERPT_CHARACTERS = 100
NO_ANSWER = "no_answer"


def with_message(
    conversations: QuerySet[Conversation], **conditions: Any
) -> QuerySet[Conversation]:
    """Those that have such a message, each once."""
    return conversations.filter(
        Exists(Message.objects.filter(conversation=OuterRef("pk"), **conditions))
    )


class UnansweredConversations(ChoiceFilter):
    title = _("answer")
    parameter_name = "unanswered"
    sentence = _("a question found no answer")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return with_message(queryset, finish=NO_ANSWER)


class ConversationsWithNoticeWanted(ChoiceFilter):
    title = _("notice")
    parameter_name = "notice"
    sentence = _("visitor wants to hear of an answer")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return with_message(queryset, notice_wanted=True)


class UnansweredMessages(ChoiceFilter):
    title = _("answer")
    parameter_name = "unanswered"
    sentence = _("no answer was found")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(finish=NO_ANSWER)


class ChatAdmin(ReadOnlyAdmin):
    show_full_result_count = False  # these tables grow without end

    class Media:
        css = {"all": ["chat/admin.css"]}


@admin.register(Conversation)
class ConversationAdmin(ChatAdmin):
    list_display = ["shown_title", "person", "message_count", "updated_at"]
    list_filter = [UnansweredConversations, ConversationsWithNoticeWanted]
    list_select_related = ["visitor__user"]
    search_fields = ["title", "messages__text"]
    search_help_text = _("Searches titles and messages for these words.")
    fields = ["shown_title", "person", "message_count", "created_at", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.annotate(number_of_messages=Count("messages"))

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


@admin.register(Message)
class MessageAdmin(ChatAdmin):
    list_display = [
        *("excerpt", "in_reply_to", "role", "status", "finish", "grounding"),
        *("notice_wanted", "created_at"),
    ]
    list_filter = [UnansweredMessages, "notice_wanted", "role", "status"]
    list_select_related = ["parent"]
    search_fields = ["text"]
    search_help_text = _("Searches messages for these words.")
    ordering = ["-created_at"]
    fields = [
        *("conversation", "in_reply_to", "role", "text", "status", "finish", "grounding"),
        *("sources", "suggestions", "notice_wanted", "model", "usage", "error", "created_at"),
    ]

    @admin.display(description=_("text"))
    def excerpt(self, message: Message) -> str:
        return shortened(message.text) or "–"

    @admin.display(description=_("in reply to"))
    def in_reply_to(self, message: Message) -> str | None:
        return shortened(message.parent.text) if message.parent else None


@admin.register(Turn)
class TurnAdmin(ChatAdmin):
    list_display = ["asked", "status", "attempt", "created_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["question"]
    fields = [
        *("conversation", "question", "reply", "status", "attempt", "stop_requested"),
        *("owner", "lease_until", "last_event", "key", "created_at", "ended_at"),
    ]

    @admin.display(description=_("question"))
    def asked(self, turn: Turn) -> str:
        return shortened(turn.question.text)


@admin.register(Feedback)
class FeedbackAdmin(ChatAdmin):
    list_display = ["value", "reason", "comment_excerpt", "asked", "replied", "created_at"]
    list_filter = ["value", "reason"]
    list_select_related = ["message__parent"]
    ordering = ["-created_at"]
    fields = ["value", "reason", "comment", "asked", "message_text", "message", "created_at"]

    @admin.display(description=_("comment"))
    def comment_excerpt(self, feedback: Feedback) -> str:
        return shortened(feedback.comment)

    @admin.display(description=_("question"))
    def asked(self, feedback: Feedback) -> str | None:
        question = feedback.message.parent
        return shortened(question.text) if question else None

    @admin.display(description=_("reply"))
    def replied(self, feedback: Feedback) -> str:
        return shortened(feedback.message.text)

    @admin.display(description=_("reply"))
    def message_text(self, feedback: Feedback) -> str:
        return feedback.message.text


def name_of(visitor: Visitor) -> str:
    """A signed-in visitor's user name; the others are told apart by the start of their id."""
    return visitor.user.get_username() if visitor.user else f"{_('anonymous')} {str(visitor)[:8]}"


def shortened(text: str) -> str:
    return Truncator(text).chars(EXCERPT_CHARACTERS)
