"""What the admin's history says of answers that came with a file."""

from collections.abc import Iterator

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from knowledge.models import Answer, shortened
from knowledge.storing import Keyed


class UploadHistory:
    """Notes who imported which file, for each answer that it brought or changed."""

    def __init__(self, user: User, name: str) -> None:
        self._user = user
        self._message = f"Imported from {name}."
        self._content_type = ContentType.objects.get_for_model(Answer)

    def note(self, *, created: Keyed, updated: Keyed) -> None:
        LogEntry.objects.bulk_create(
            [*self._entries(created, ADDITION), *self._entries(updated, CHANGE)]
        )

    def _entries(self, keyed: Keyed, flag: int) -> Iterator[LogEntry]:
        for key, row in keyed:
            yield LogEntry(
                user=self._user,
                content_type=self._content_type,
                object_id=str(key),
                object_repr=shortened((row.wordings or (row.text,))[0]),
                action_flag=flag,
                change_message=self._message,
            )
