"""Sites that may show the chat on their own pages."""

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.models import WidgetOrigin
from chat.widget_origins import cleaned_origin
from knowledge.admin.bounded_list import BoundedListAdmin
from knowledge.admin.fields import PlainTextField

if TYPE_CHECKING:
    Form = forms.ModelForm[WidgetOrigin]
else:
    Form = forms.ModelForm


class OriginField(PlainTextField):
    def clean(self, value: object) -> str:
        return cleaned_origin(super().clean(value))


class WidgetOriginForm(Form):
    origin = OriginField(
        label=_("site"),
        max_length=200,
        help_text=_("Such as https://www.example.org. Every name and port is a site of its own."),
    )

    class Meta:
        model = WidgetOrigin
        fields = ["origin"]


@admin.register(WidgetOrigin)
class WidgetOriginAdmin(BoundedListAdmin):
    form = WidgetOriginForm
    list_display = ["origin", "created_at"]
    search_fields = ["origin"]
