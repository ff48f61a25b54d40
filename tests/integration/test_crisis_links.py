"""The way to the crisis texts from pages around the chat."""

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from chat.models import SharedCopy
from chat.sharing import share
from tests.integration.turn_rows import ALICE, answered

LINK = 'href="/#crisis"'


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/sign-in", "/accounts/sign-up", "/leave", "/nowhere"])
def test_page_around_the_chat_leads_to_whom_to_call(client: Client, path: str) -> None:
    page = client.get(path).content.decode()

    assert LINK in page


@pytest.mark.django_db
def test_shared_copy_leads_to_whom_to_call(client: Client) -> None:
    share(ALICE, answered("Why?", "Because.").conversation)

    page = client.get(reverse("shared", args=[SharedCopy.objects.get().token])).content.decode()

    assert LINK in page


def test_page_of_a_fault_reads_no_database_and_leads_there() -> None:
    page = render_to_string("500.html")

    assert LINK in page
