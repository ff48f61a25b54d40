"""Whether a session still stands, by what Django keeps in it and by who its user is."""

from uuid import UUID

import pytest
from django.contrib.auth.models import User

from chat.sessions import Data, stands
from chat.visitors import Identity

VISITOR = UUID("019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01")
OTHER = UUID("019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c02")
ALICE = User(pk=7, username="alice", password="md5$salt$hash")
USERS = {"7": ALICE}
LOGIN = {"_auth_user_id": "7", "_auth_user_hash": ALICE.get_session_auth_hash()}

ANONYMOUS = Identity(visitor=VISITOR)
SIGNED_IN = Identity(visitor=VISITOR, user=7, name="alice")


@pytest.mark.parametrize(
    ("identity", "data"),
    [(ANONYMOUS, {"visitor": str(VISITOR)}), (SIGNED_IN, LOGIN), (SIGNED_IN, {**LOGIN, "x": 1})],
)
def test_session_of_the_same_visitor_stands(identity: Identity, data: Data) -> None:
    assert stands(identity, data, USERS)


@pytest.mark.parametrize(
    ("identity", "data"),
    [
        pytest.param(ANONYMOUS, None, id="gone"),
        pytest.param(ANONYMOUS, {}, id="emptied"),
        pytest.param(ANONYMOUS, {"visitor": str(OTHER)}, id="of another visitor"),
        pytest.param(ANONYMOUS, {"visitor": str(VISITOR), **LOGIN}, id="signed in since"),
        pytest.param(SIGNED_IN, None, id="gone for a user"),
        pytest.param(SIGNED_IN, {"visitor": str(VISITOR)}, id="signed out"),
        pytest.param(SIGNED_IN, {**LOGIN, "_auth_user_id": "8"}, id="of another user"),
        pytest.param(SIGNED_IN, {**LOGIN, "_auth_user_hash": "x"}, id="of an earlier password"),
    ],
)
def test_session_that_changed_does_not_stand(identity: Identity, data: Data | None) -> None:
    assert not stands(identity, data, USERS)


def test_session_of_a_deactivated_user_does_not_stand() -> None:
    assert not stands(SIGNED_IN, LOGIN, {})
