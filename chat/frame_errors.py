"""The fixed sentences of error frames. Never an exception's text, never the input."""

import logging
import uuid

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from chat import wire_format

logger = logging.getLogger(__name__)

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
    "consent_required": _("Please read what this site asks you to agree to, and agree first."),
    "session_ended": _("You are not signed in any more. Please load the page again."),
    "disabled": _("This is switched off here."),
    "draining": _("The server is restarting. Your message will be sent again."),
    "version": _("This version of the protocol is not spoken here."),
    "unavailable": _("This cannot be done right now. Please try again."),
    "internal": _("Something went wrong on our side. Please try again."),
}


def error_frame(code: str, *, language: str, id_: str | None = None, retry_ms: int = 0) -> str:
    """The frame that refuses a command; its request is in the log as well."""
    request = uuid.uuid4().hex[:12]
    logger.info("refused: %s request=%s", code, request)
    with translation.override(language):
        sentence = str(SENTENCES[code])
    return wire_format.error(
        id_=id_, code=code, message=sentence, request=request, retry_ms=retry_ms
    )
