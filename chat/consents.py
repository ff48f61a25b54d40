"""What visitors agreed to, where the operator asks for it (CONSENT_REQUIRED).

Somebody has agreed who agreed to a text that is in use, in whatever language: a changed text asks
again, another language of the page does not.
"""

from django.conf import settings
from django.db.models.functions import Now

from chat.database import brief_transaction
from chat.models import Consent
from chat.site_texts import consent_texts
from chat.visitors import Identity, stored


class ConsentRequiredError(Exception):
    """This visitor has not agreed to what has to be agreed to first."""


class OutdatedConsentError(Exception):
    """What somebody agreed to is not the text in use."""


def required_of(identity: Identity) -> bool:
    """Whether the visitor must agree before the next message."""
    return settings.CONSENT_REQUIRED and not has_agreed(identity)


def refuse_without(identity: Identity) -> None:
    """Raises ConsentRequiredError."""
    if required_of(identity):
        raise ConsentRequiredError


def has_agreed(identity: Identity) -> bool:
    standing = Consent.objects.filter(visitor=identity.visitor, withdrawn_at=None)
    return standing.filter(version__in=versions()).exists()


@brief_transaction()
def agree(identity: Identity, version: str) -> None:
    """Note that the visitor agrees. Raises OutdatedConsentError."""
    if version not in versions():
        raise OutdatedConsentError
    Consent.objects.get_or_create(visitor=stored(identity), version=version, withdrawn_at=None)


def withdraw(identity: Identity) -> None:
    """Whatever the visitor agreed to, it stands no more. When it did is kept."""
    Consent.objects.filter(visitor=identity.visitor, withdrawn_at=None).update(withdrawn_at=Now())


def versions() -> set[str]:
    return {text.version for text in consent_texts()}
