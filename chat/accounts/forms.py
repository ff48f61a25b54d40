"""What people fill in. A wrong entry is told at its field, which then has the focus."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    SetPasswordMixin,
    UserCreationForm,
    UsernameField,
)
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.accounts.limits import TooOftenError, household, sign_in_limits, sign_up_limits
from chat.database import brief_transaction

if TYPE_CHECKING:
    NewUser = UserCreationForm[User]
    NewPassword = SetPasswordMixin[User]

    from django_stubs_ext import StrOrPromise
else:
    NewUser, NewPassword = UserCreationForm, SetPasswordMixin

ANY_NAME = _("It need not be your real one. Letters, digits and @ . + - _")
LONG_ENOUGH = _("At least 8 characters. Longer is safer; three or four words are easy to remember.")
TAKEN = _("This name is taken. Please choose another.")
WRONG_PAIR = _("Name and password do not belong together. Please check both.")
WRONG_PASSWORD = _("That is not your password.")
DIFFERENT = _("The two passwords are not the same.")


def password_field(
    label: "StrOrPromise", *, new: bool = False, help_text: "StrOrPromise" = ""
) -> forms.CharField:
    attributes = {
        "autocomplete": "new-password" if new else "current-password",
        "autocapitalize": "none",  # both count while it is shown
        "spellcheck": "false",
    }
    widget = forms.PasswordInput(attrs=attributes)
    return forms.CharField(label=label, strip=False, widget=widget, help_text=help_text)


def name_field(help_text: "StrOrPromise" = "") -> UsernameField:
    return UsernameField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(attrs={"spellcheck": "false", "dir": "auto"}),
        help_text=help_text,
        error_messages={"unique": TAKEN},
    )


class LimitedSignIn(AuthenticationForm):
    """Wrong passwords are counted for the name and for the address."""

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not (name and password and self.request):
            return super().clean()
        address = household(self.request)
        try:
            sign_in_limits().begin(name, address)
        except TooOftenError as error:
            raise error.for_people from error
        cleaned = super().clean()
        sign_in_limits().succeed(name, address)
        return cleaned


class StaffSignInForm(LimitedSignIn, AdminAuthenticationForm):
    """The admin's."""


class SignInForm(LimitedSignIn):
    username = name_field()
    password = password_field(_("Password"))
    error_messages: "dict[str, StrOrPromise]" = {
        "invalid_login": WRONG_PAIR,
        "inactive": WRONG_PAIR,
    }

    def clean_username(self) -> str:
        """Phones write the first letter large: that is the same name, unless it is another's."""
        name: str = self.cleaned_data["username"]
        alike = get_user_model().objects.filter(username__iexact=name)
        spellings = list(alike.values_list("username", flat=True)[:2])
        return spellings[0] if len(spellings) == 1 else name

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except ValidationError as error:
            self.add_error("password", error)
        return self.cleaned_data


class WeakPasswordAtItsField(NewPassword):
    """Django would tell of it at the repetition."""

    error_messages: "dict[str, StrOrPromise]" = {"password_mismatch": DIFFERENT}
    weak_at: str

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, self.weak_at)


class SignUpForm(WeakPasswordAtItsField, NewUser):
    username = name_field(ANY_NAME)
    password1 = password_field(_("Password"), new=True, help_text=LONG_ENOUGH)
    password2 = password_field(_("The password again"), new=True)
    weak_at = "password1"

    def __init__(self, request: HttpRequest, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self._request = request

    def clean_username(self) -> str:
        """Before it is told whether somebody has the name."""
        try:
            sign_up_limits().take(household(self._request))
        except TooOftenError as error:
            raise error.for_people from error
        return super().clean_username()

    def made(self) -> User | None:
        """The account, or None where the name was taken at the same moment."""
        try:
            with brief_transaction():
                return self.save()
        except IntegrityError:
            self.add_error("username", ValidationError(TAKEN, code="unique"))
            return None


class OwnPassword:
    """Wrong ones count as those of signing in: whoever finds an open page may not guess here."""

    user: User
    request: HttpRequest

    def checked(self, password: str) -> str:
        """Raises ValidationError."""
        name, address = self.user.get_username(), household(self.request)
        try:
            sign_in_limits().begin(name, address)
        except TooOftenError as error:
            raise error.for_people from error
        if not self.user.check_password(password):
            raise ValidationError(WRONG_PASSWORD, code="wrong")
        sign_in_limits().succeed(name, address)
        return password


class OwnPasswordForm(OwnPassword, forms.Form):
    """For what cannot be undone."""

    password = password_field(_("Your password"))

    def __init__(
        self, request: HttpRequest, user: User, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.request, self.user = request, user

    def clean_password(self) -> str:
        return self.checked(self.cleaned_data["password"])


class ChangePasswordForm(WeakPasswordAtItsField, OwnPassword, PasswordChangeForm):
    old_password = password_field(_("Your password until now"))
    new_password1 = password_field(_("New password"), new=True, help_text=LONG_ENOUGH)
    new_password2 = password_field(_("The new password again"), new=True)
    weak_at = "new_password1"

    def __init__(
        self, request: HttpRequest, user: User, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(user, data)
        self.request = request

    def clean_old_password(self) -> str:
        return self.checked(self.cleaned_data["old_password"])


def focus_first_error(form: forms.BaseForm) -> None:
    """Nothing has the focus on a page that is new: what it says would be skipped."""
    for field in form.fields.values():
        field.widget.attrs.pop("autofocus", None)
    wrong = [name for name in form.fields if name in form.errors] if form.is_bound else []
    if wrong:
        form.fields[wrong[0]].widget.attrs["autofocus"] = True
