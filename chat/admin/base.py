"""Lists and details of what visitors left, to read and never to change."""

from django.utils.text import Truncator

from knowledge.admin.read_only import ReadOnlyAdmin

EXCERPT_CHARACTERS = 100


class ChatAdmin(ReadOnlyAdmin):
    show_full_result_count = False  # these tables grow without end

    class Media:
        css = {"all": ["chat/admin.css"]}


def shortened(text: str) -> str:
    return Truncator(text).chars(EXCERPT_CHARACTERS)
