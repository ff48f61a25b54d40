"""Filters of conversations and messages."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, Message
from knowledge.admin.filters import ChoiceFilter

NO_ANSWER = "no_answer"


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


class MissedCalls(ChoiceFilter):
    title = _("missed calls")
    parameter_name = "missed"
    sentence = _("the model would have answered without the experts")

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(missed_calls__gt=0)


def with_message(
    conversations: QuerySet[Conversation], **conditions: Any
) -> QuerySet[Conversation]:
    """Those that have such a message, each once."""
    return conversations.filter(
        Exists(Message.objects.filter(conversation=OuterRef("pk"), **conditions))
    )
