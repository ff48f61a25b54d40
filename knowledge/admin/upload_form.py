"""The form in which an expert chooses a file of answers."""

from pathlib import PurePath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from knowledge.importers.files import (
    SOURCE_CHARACTERS,
    SUFFIXES,
    NoKnowledgeFileError,
    usable_source,
)
from knowledge.uploads import UPLOAD_BYTES

TOO_LARGE = _(
    "The file has more than 10 MiB. Divide it, or have it loaded with “manage.py ingest”, which has"
    " no such limit."
)


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        max_length=255,
        help_text=_(
            "A table (.xlsx, .csv, .tsv), a document (.docx, .md, .txt, .html) or .json, .jsonl; at"
            " most 10 MiB and 50,000 rows. The columns of a table are named in its first row, such"
            " as 问题 and 答案, or question and answer."
        ),
        widget=forms.FileInput(
            attrs={
                "accept": ",".join(SUFFIXES),
                "data-most": UPLOAD_BYTES,
                "data-too-large": TOO_LARGE,
            }
        ),
    )
    source = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=SOURCE_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_(
            "What the answers are from. Left empty, it is the file's name. Give the same name again"
            " when you upload a newer version: then its answers are updated."
        ),
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > UPLOAD_BYTES:
            raise ValidationError(TOO_LARGE, code="too_large")
        return file

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        file = given.get("file")
        if file and "source" in given:
            try:
                given["source"] = usable_source(given["source"] or PurePath(file.name).stem)
            except NoKnowledgeFileError:
                message = _("Give the source a name of at most 120 characters.")
                self.add_error("source", ValidationError(message, code="source"))
        return given
