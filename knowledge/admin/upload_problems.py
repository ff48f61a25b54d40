"""What the importers say of a file, in the expert's language."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

PROBLEMS: dict[str, Any] = {
    r"The row has no answer\.": _("The row has no answer."),
    r"The row has (?P<number>[\d,]+) questions; (?P<most>[\d,]+) are allowed\.": _(
        "The row has %(number)s questions; %(most)s are allowed."
    ),
    r"The field (?P<field>\S+) has (?P<number>\S+) characters; (?P<most>\S+) are allowed\.": _(
        "The field %(field)s has %(number)s characters; %(most)s are allowed."
    ),
    r"The field (?P<field>.+) may not be set by a file\.": _(
        "The field %(field)s may not be set by a file."
    ),
    r"The field (?P<field>\S+) is given twice, with different values: (?P<names>.+)\.": _(
        "The field %(field)s is given twice, with different values: %(names)s."
    ),
    r"The field (?P<field>\S+) must be text\.": _("The field %(field)s must be text."),
    r"The question (?P<question>.+) is already at (?P<place>.+); an id would tell them apart\.": _(
        "The question %(question)s is already at %(place)s; an id would tell them apart."
    ),
    r"The same answer is already at (?P<place>.+); an id would tell them apart\.": _(
        "The same answer is already at %(place)s; an id would tell them apart."
    ),
    r"The file is empty\.": _("The file is empty."),
    r"An object goes over several lines\..*": _(
        "An object goes over several lines. The file must be one array, or JSON Lines with an"
        " object on every line."
    ),
    r"The id (?P<id>.+) is already at (?P<place>.+)\.": _("The id %(id)s is already at %(place)s."),
    r"The locale (?P<value>.+) is neither Chinese \(zh\) nor English \(en\)\.": _(
        "The language %(value)s is neither Chinese (zh) nor English (en)."
    ),
    r"The field verbatim must be true or false\.": _("The field verbatim must be true or false."),
    r"(?P<value>“.*”) is not a web address \(https://…\)\.": _(
        "%(value)s is not a web address (https://…)."
    ),
    r"The date review_by lies before reviewed_at\.": _(
        "The date review_by lies before reviewed_at."
    ),
    r"The date (?P<field>\w+) is (?P<value>.+); a day is written 2026-01-31\.": _(
        "The date %(field)s is %(value)s; a day is written 2026-01-31."
    ),
    r"The row has (?P<number>\d+) cells, but the first row names (?P<most>\d+) columns\.": _(
        "The row has %(number)s cells, but the first row names %(most)s columns."
    ),
    r"A quotation mark of this row is not closed.*": _(
        "A quotation mark of this row is not closed where it should be. Nothing after this was"
        " read."
    ),
    r"The first row must name the columns.*": _(
        "The first row must name the columns, and one of them must be “answer” or “答案”."
    ),
    r"No sheet has, in its first.*": _(
        "No sheet has a row near its top that names the columns; one of them must be “answer” or"
        " “答案”."
    ),
    r"This is not a text but .*": _(
        "This is not a text, whatever its name says. Save it in one of the formats named above."
    ),
    r"This is no (?P<format>\S+) file, whatever its name says\.": _(
        "This is no %(format)s file, whatever its name says."
    ),
    r"This ZIP archive is not the document.*": _(
        "This ZIP archive is not the document that its name promises."
    ),
    r"Byte (?P<byte>\S+) at offset (?P<offset>\d+) is neither.*": _(
        "The byte %(byte)s at offset %(offset)s is neither UTF-8 nor GB18030. Save the file as"
        " UTF-8."
    ),
    r"A NUL at byte offset (?P<offset>\d+) is not text\.": _(
        "A NUL at byte offset %(offset)s is not text."
    ),
    r"Unpacked, the file would .*": _(
        "Unpacked, the file would be far larger than an honest document."
    ),
    r"The file has macros.*": _("The file has macros. Save it in a format without them."),
    r"The file is encrypted.*": _("The file is encrypted. Save it without a password."),
    r"The workbook takes values from other files.*": _(
        "The workbook takes values from other files. Copy them as values, and save it again."
    ),
    r"The document takes parts from other files.*": _(
        "The document takes parts from other files. Save it without them."
    ),
    r"The file is damaged.*": _("The file is damaged. Open it, and save it again."),
    r"This text belongs to no question.*": _(
        "This text belongs to no question; a document begins with “question:” or “问题：”."
    ),
}
"""What importers say, and the same to be translated; what is not here stays as it is."""


def in_words(message: str) -> str:
    for pattern, sentence in PROBLEMS.items():
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return str(sentence) % found.groupdict() if found.groupdict() else str(sentence)
    return message
