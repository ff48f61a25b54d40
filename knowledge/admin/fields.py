"""Form fields for what experts type or paste."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from knowledge.importers.rows import LINE_ENDS
from knowledge.plain_text import BadTextError, storable, visible


class PlainTextField(forms.CharField):
    """Text as a file's row would be stored, so that saving an untouched form changes nothing."""

    def to_python(self, value: Any) -> str:
        return plain(super().to_python(value))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """No `maxlength`: browsers would cut a pasted text silently instead of saying so."""
        return {}


class WebAddressField(forms.URLField):
    default_validators = [URLValidator(schemes=["http", "https"])]

    def to_python(self, value: Any) -> str:
        return plain(super().to_python(value))


def plain(text: str | None) -> str:
    """With one kind of line end, and nothing that cannot be seen."""
    try:
        ends_unified = LINE_ENDS.sub("\n", storable(text or ""))
    except BadTextError as error:
        message = _("There is a character in this text that cannot be stored. Type it again.")
        raise ValidationError(message, code="not_text") from error
    return visible(ends_unified)
