"""An account that is deleted takes with it all that its owner wrote and was answered."""

from django.contrib.auth.models import User

from chat.database import brief_transaction
from chat.models import Conversation, Visitor


class StaffError(Exception):
    """The account belongs to the staff, whose work must keep its author."""


def is_staff(user: User) -> bool:
    return user.is_staff or user.is_superuser


@brief_transaction()
def delete_account(user: User) -> None:
    """Rows are locked first: what is stored at the same moment waits, and finds nobody.

    Its sockets close by themselves, for the user of their session is gone. Running turns find that
    they own nothing any more. Raises StaffError.
    """
    if is_staff(user):
        raise StaffError
    visitors = list(Visitor.objects.select_for_update().filter(user=user))
    mine = Conversation.objects.filter(visitor__in=visitors).order_by("pk")
    list(mine.select_for_update().values_list("pk"))
    user.delete()
