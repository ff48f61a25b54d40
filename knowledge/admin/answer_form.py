"""The form of an answer and its wordings."""

from math import inf
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from knowledge.models import Answer, Question

if TYPE_CHECKING:
    AnswerModelForm = forms.ModelForm[Answer]
    QuestionModelForm = forms.ModelForm[Question]
    QuestionInlineFormSet = forms.BaseInlineFormSet[Question, Answer, QuestionModelForm]
else:
    AnswerModelForm = QuestionModelForm = forms.ModelForm
    QuestionInlineFormSet = forms.BaseInlineFormSet


OVERDUE = _("After this day it is marked as overdue; visitors are still given it.")
WITHHELD = _("After this day visitors are not given it any more, until it has been reviewed.")


class AnswerForm(AnswerModelForm):
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    """The version that the expert was shown: nobody overwrites an edit they have not seen."""

    class Meta:
        help_texts = {
            "locale": _("The language of the questions and of the answer."),
            "topic": _("For example sleep, food or school: it groups answers in the list."),
            "expert_name": _("Shown to visitors with the answer."),
            "expert_role": _("For example speech therapist. Shown to visitors as well."),
            "reviewed_at": _("The day on which an expert last read this and found it right."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.version
        if review_by := self.fields.get("review_by"):  # not a field for who may only read
            review_by.help_text = WITHHELD if settings.WITHHOLD_OVERDUE else OVERDUE

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.instance.pk and given.get("seen") not in {None, self.instance.version}:
            raise ValidationError(
                _(
                    "Somebody changed this answer while you were editing it. Copy your text, open"
                    " the answer again, and make your change there."
                ),
                code="conflict",
            )
        reviewed_at, review_by = given.get("reviewed_at"), given.get("review_by")
        if reviewed_at and review_by and review_by < reviewed_at:
            self.add_error("review_by", _("This day lies before the day of the review."))
        return given


class QuestionForm(QuestionModelForm):
    order = forms.IntegerField(
        label=_("order"),
        required=False,
        min_value=0,
        max_value=1_000,
        help_text=_("1 is shown as the title. Left empty, the question goes to the end."),
    )

    class Meta:
        model = Question
        fields = ["text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["order"] = self.instance.position + 1

    def validate_constraints(self) -> None:
        """The formset compares the wordings; those in the database are about to be replaced."""


class QuestionFormSet(QuestionInlineFormSet):
    def wordings(self) -> list[str]:
        """What is left after deletions, in the order that the numbers give."""
        return [form.cleaned_data["text"] for form in sorted(self.kept(), key=place)]

    def kept(self) -> list[QuestionModelForm]:
        filled = [form for form in self.forms if form.is_valid() and form.cleaned_data.get("text")]
        return [form for form in filled if form not in self.deleted_forms]

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        if not self.kept():
            message = _("Give at least one question that this answer replies to.")
            raise ValidationError(message, code="no_wording")

    def validate_unique(self) -> None:
        texts: set[str] = set()
        for form in self.kept():
            if form.cleaned_data["text"] in texts:
                form.add_error("text", _("This question is here twice."))
                raise ValidationError(_("Write every question once."), code="twice")
            texts.add(form.cleaned_data["text"])


def place(form: QuestionModelForm) -> tuple[float, int]:
    """Sorts the wordings; one that took another's number stands on the side it was moved to."""
    wanted = number(form.cleaned_data.get("order"))
    before = number(form.initial.get("order"))
    return wanted, (wanted > before) - (wanted < before)


def number(order: int | None) -> float:
    return inf if order is None else order
