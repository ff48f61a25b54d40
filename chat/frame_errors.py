"""The fixed sentences of error frames. Never an exception's text, never the input."""

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "bad_json": _("The message could not be read."),
    "not_object": _("The message could not be read."),
    "too_deep": _("The message could not be read."),
    "too_large": _("The message is too large."),
    "bad_number": _("The message holds a number that is not allowed."),
    "duplicate_key": _("The message could not be read."),
    "bad_text": _("The text holds characters that are not allowed."),
    "unknown_field": _("The message holds a field that is not known."),
    "unknown_type": _("The kind of message is not known."),
    "bad_id": _("An id is not valid."),
    "bad_cursor": _("The place in the reply is not valid."),
    "empty": _("Please write something first."),
    "too_long": _("The text is too long."),
    "binary_unsupported": _("Only text messages are understood."),
    "not_found": _("This was not found."),
    "id_conflict": _("This id was used before for something else."),
    "busy": _("A reply is still being written in this conversation."),
    "rate_limited": _("That was too fast. Please wait a moment."),
    "disabled": _("This is switched off here."),
    "draining": _("The server is restarting. Your message will be sent again."),
    "version": _("This version of the protocol is not spoken here."),
    "unavailable": _("This cannot be done right now. Please try again."),
    "internal": _("Something went wrong on our side. Please try again."),
}
