"""Who asks: the key that a request brings."""

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from chat import api_keys
from chat.database import in_database
from chat.models import ApiKey
from chat.openai_api.refusals import bad_key, unavailable

SALT = "chat.openai_api.visitor"


async def key_of(request: HttpRequest) -> ApiKey:
    """Raises RefusalError without a good key."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise bad_key()
    try:
        key = await in_database(api_keys.find, secret.strip())
    except DatabaseError as error:
        raise unavailable("unavailable") from error
    if key is None:
        raise bad_key()
    return key


def visitor_hash(key: ApiKey, user: str) -> str:
    """Tells a key's users apart without naming them."""
    return salted_hmac(SALT, f"{key.pk} {user!r}", algorithm="sha256").hexdigest()[:32]
