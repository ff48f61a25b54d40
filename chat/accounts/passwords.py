"""What a password must be. Django's own validators say the rest in both languages."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import gettext as _


class LongEnough(MinimumLengthValidator):
    """Django says this one in English only."""

    def get_error_message(self) -> str:
        sentence = _("This password is too short. It needs at least %(least)s characters.")
        return sentence % {"least": self.min_length}
