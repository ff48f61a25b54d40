"""What the admin says of an answer that a person must read before anybody is given it."""

from django.utils.translation import gettext_lazy as _

from knowledge.importers import suspicion
from knowledge.models import Answer

REASONS = {
    suspicion.INVISIBLE: _("Its file had invisible characters in it; they were taken out."),
    suspicion.COMMENT: _("Its file had a hidden comment in it, which was taken out."),
    suspicion.CONCEALED: _("Its file had text that readers do not see, such as white on white."),
    suspicion.INSTRUCTIONS: _("It speaks to a language model, as if to give it orders."),
}
READ_FIRST = _(
    "Somebody may have tampered with this answer. Read all of it, with its questions. If it is what"
    " an expert said, publish it here; that clears this notice."
)


def notice(answer: Answer) -> list[object]:
    """Sentences for the top of the answer's form; none if nothing is odd about it."""
    if not answer.suspicious:
        return []
    codes = answer.suspicious.split(",")
    return [*(REASONS[code] for code in codes if code in REASONS), READ_FIRST]
