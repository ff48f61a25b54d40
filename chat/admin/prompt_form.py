"""The form of a language's texts."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from chat.commands import MAX_TEXT
from chat.models import PromptVersion
from chat.prompts import TEXT_CHARACTERS, TEXT_NAMES, problem_of
from chat.turn.prompt import Texts
from knowledge.admin.fields import PlainTextField

NOTE_CHARACTERS = 200
SECTIONS: list[tuple[Any, tuple[str, ...]]] = [
    (
        _("What the language model is told"),
        ("system", "answering", "tool_name", "tool_description", "question_description"),
    ),
    (
        _("What visitors read"),
        (
            *("greeting", "thanks", "farewell", "quoted", "quoted_by", "several"),
            *("no_answer", "withheld", "unavailable"),
        ),
    ),
]
HELP = {
    "system": _(
        "Who the model is, how it speaks, and when it must search the experts' answers."
        " Write {tool} where the name of the tool belongs."
    ),
    "answering": _(
        "What the model is told once it has the experts' answers: how it may use them,"
        " and what it must not add."
    ),
    "tool_name": _(
        "What the model calls the search by. Letters, digits, _ and -, at most 64. The best name"
        " says what the tool does."
    ),
    "tool_description": _("Tells the model what the search finds and when to use it."),
    "question_description": _("Tells the model how to put the question that is searched for."),
    "greeting": _("The reply to “hello” when no language model is at hand."),
    "thanks": _("The reply to “thank you” when no language model is at hand."),
    "farewell": _("The reply to “goodbye” when no language model is at hand."),
    "quoted": _(
        "Stands above an expert's answer that is quoted. {title} becomes the answer's question."
    ),
    "quoted_by": _(
        "Stands below a quoted answer. {expert} becomes the expert's name, {role} the role."
    ),
    "several": _("Stands above the nearest questions when no answer clearly fits."),
    "no_answer": _("Said when no expert has answered the question yet. Nothing is made up."),
    "withheld": _("Said when the provider of the language model withholds a reply."),
    "unavailable": _("Said when the experts' answers cannot be searched for the moment."),
}
PROBLEMS = {
    "required": forms.Field.default_error_messages["required"],
    "too_long": _("This text is too long: it may have %(limit)s characters."),
    "not_text": _("There is a character in this text that cannot be stored. Type it again."),
    "tool_name": _("A name of 1 to 64 letters (a to z, A to Z), digits, _ and -."),
}
ONE_LINE = {"tool_name"}
HIGH = {"system", "answering", "no_answer"}


class PromptForm(forms.Form):
    """All texts of one language, a note of what changed, and a question to try them on."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=32)
    """The version that the expert was shown: nobody overwrites one they have not seen."""
    note = PlainTextField(
        label=_("What changed"),
        required=False,
        max_length=NOTE_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("A few words for the history, if you like."),
    )
    question = PlainTextField(
        label=_("Question"),
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text=_("In the words of a visitor. Nothing is stored, and visitors notice nothing."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update({name: text_field(name) for name in TEXT_NAMES})

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for name in TEXT_NAMES:
            if problem := problem_of(name, given[name]) if name in given else None:
                values = {"limit": TEXT_CHARACTERS}
                self.add_error(name, forms.ValidationError(PROBLEMS[problem], problem, values))
        return given

    def texts(self) -> Texts:
        """What was typed, of a valid form."""
        given = self.cleaned_data
        return Texts(version=given["seen"], **{name: given[name] for name in TEXT_NAMES})


def form_of(texts: Texts) -> PromptForm:
    """To edit these."""
    values = asdict(texts)
    return PromptForm(initial={"seen": values.pop("version"), **values})


def text_field(name: str) -> PlainTextField:
    """Not `required`, so that every problem of a text is told by the service's rules."""
    rows = 8 if name in HIGH else 3
    area = forms.Textarea(attrs={"rows": rows, "class": "vLargeTextField", "spellcheck": "true"})
    line = forms.TextInput(attrs={"class": "vTextField", "spellcheck": "false"})
    return PlainTextField(
        label=label_of(name),
        required=False,
        widget=line if name in ONE_LINE else area,
        help_text=HELP[name],
    )


def label_of(name: str) -> Any:
    return capfirst(PromptVersion._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
