"""The questions that an answer replies to, as a part of its form."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from knowledge.admin.answer_form import QuestionForm, QuestionFormSet
from knowledge.admin.fields import PlainTextField
from knowledge.importers.rows import WORDINGS
from knowledge.models import Answer, Question

if TYPE_CHECKING:
    QuestionTable = admin.TabularInline[Question, Answer]
else:
    QuestionTable = admin.TabularInline


class QuestionInline(QuestionTable):
    """Whoever may see or edit an answer may do the same with its wordings."""

    model = Question
    form = QuestionForm
    formset = QuestionFormSet
    verbose_name = _("question")
    verbose_name_plural = _("questions that the answer replies to, in the words of parents")
    extra = 1
    min_num = 1
    max_num = WORDINGS
    formfield_overrides = {
        models.TextField: {
            "form_class": PlainTextField,
            "widget": AdminTextareaWidget(attrs={"rows": 2}),
        },
    }

    def get_fields(
        self, request: HttpRequest, obj: Answer | None = None
    ) -> list[str | list[str] | tuple[str, ...] | tuple[()]]:
        return ["text", "order"] if self.may_edit(request, obj) else ["text"]

    def get_formset(self, request: HttpRequest, obj: Answer | None = None, **kwargs: Any) -> Any:
        """With the limit that files have, also for forms that no browser made."""
        limits = {"validate_max": True, "absolute_max": 2 * WORDINGS}
        return super().get_formset(request, obj, **limits, **kwargs)

    def may_edit(self, request: HttpRequest, obj: Answer | None) -> bool:
        return request.user.has_perm(f"knowledge.{'change' if obj else 'add'}_answer")

    def has_view_permission(self, request: HttpRequest, obj: Answer | None = None) -> bool:
        return self.may_edit(request, obj) or request.user.has_perm("knowledge.view_answer")

    def has_add_permission(self, request: HttpRequest, obj: Answer | None = None) -> bool:
        return self.may_edit(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Answer | None = None) -> bool:
        return self.may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_edit(request, obj)
