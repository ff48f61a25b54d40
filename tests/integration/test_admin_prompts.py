"""Editing prompts and texts in the admin: versions, their history, and who may."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import PromptVersion
from chat.prompts import (
    TEXT_CHARACTERS,
    BadTextsError,
    SavedMeanwhileError,
    current_texts,
    save_version,
    texts_of,
)
from chat.turn.prompt import CHINESE, ENGLISH, Texts
from knowledge.admin.fields import PlainTextField
from tests.integration.curating import XSS, posted, shown, staff, superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/promptversion/"
EDIT = f"{LIST}edit/en/"
BUILT_IN = f"{EDIT}built-in/"


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.fixture
def bob() -> Client:
    """May write texts, and no more."""
    return staff("bob", "add_promptversion")


@pytest.fixture
def charlie() -> Client:
    """May read them."""
    return staff("charlie", "view_promptversion")


def form(texts: Texts, **fields: Any) -> dict[str, Any]:
    """What the browser sends when these texts are saved."""
    values = asdict(texts)
    return {"seen": values.pop("version"), "note": "", "question": "", **values, **fields}


def saved(**changed: str) -> PromptVersion:
    """The next English version, with these texts changed."""
    version = save_version("en", replace(current_texts("en"), **changed), author=None)
    assert version is not None
    return version


def versions() -> list[str]:
    return [str(version) for version in PromptVersion.objects.order_by("locale", "number")]


# --- The service


@pytest.mark.parametrize("built_in", [CHINESE, ENGLISH])
def test_built_in_texts_are_used_until_others_are_saved(built_in: Texts) -> None:
    locale = built_in.version.partition("/")[0]

    assert current_texts(locale) == built_in


def test_latest_version_of_a_language_is_used(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    saved(greeting="Hi.")
    saved(greeting="Hello.")

    with django_assert_num_queries(1):
        texts = current_texts("en")

    assert texts == replace(ENGLISH, version="en/2", greeting="Hello.")
    assert current_texts("zh-hans") == CHINESE


def test_texts_that_are_in_use_already_make_no_version() -> None:
    saved(greeting="Hi.")

    assert save_version("en", current_texts("en"), author=None) is None
    assert versions() == ["en/1"]


def test_texts_made_from_an_older_version_are_not_saved() -> None:
    saved(greeting="Hi.")

    with pytest.raises(SavedMeanwhileError):
        save_version("en", replace(ENGLISH, farewell="Bye."), author=None)

    assert versions() == ["en/1"]


def test_of_two_who_save_at_the_same_moment_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other's row comes between our look and our insert."""
    monkeypatch.setattr("chat.prompts.current_texts", lambda _: ENGLISH)
    saved_first = replace(ENGLISH, greeting="Hi.")
    save_version("en", saved_first, author=None)

    with pytest.raises(SavedMeanwhileError):
        save_version("en", replace(ENGLISH, greeting="Hello."), author=None)

    assert versions() == ["en/1"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("greeting", "", "required"),
        ("greeting", " \n", "required"),
        ("system", "a" * (TEXT_CHARACTERS + 1), "too_long"),
        ("quoted", "a\0", "not_text"),
        ("quoted", "\ud800", "not_text"),
        ("tool_name", "search answers", "tool_name"),
        ("tool_name", "搜索", "tool_name"),
        ("tool_name", "a" * 65, "tool_name"),
        ("tool_name", "a\n", "tool_name"),
    ],
)
def test_texts_that_cannot_be_used_are_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(BadTextsError) as caught:
        save_version("en", replace(ENGLISH, **{name: text}), author=None)

    assert caught.value.problems == {name: problem}
    assert versions() == []


# --- The pages


def test_saving_makes_a_version_that_new_replies_use(bob: Client) -> None:
    page = posted(bob, EDIT, form(ENGLISH, greeting="Hi, parents.", note="Shorter"))

    version = PromptVersion.objects.get()
    assert current_texts("en") == replace(ENGLISH, version="en/1", greeting="Hi, parents.")
    assert (version.note, version.author) == ("Shorter", User.objects.get(username="bob"))
    assert "Version en/1 was saved. New replies use it." in page


@pytest.mark.parametrize("built_in", [CHINESE, ENGLISH])
def test_form_saved_untouched_changes_nothing(alice: Client, built_in: Texts) -> None:
    locale = built_in.version.partition("/")[0]
    typed = {name: text.replace("\n", "\r\n") for name, text in form(built_in).items()}

    page = posted(alice, f"{LIST}edit/{locale}/", typed)

    assert "these texts are in use already" in page
    assert versions() == []


def test_form_shows_the_texts_in_use(alice: Client) -> None:
    saved(greeting="Hi & welcome, parents.")

    page = shown(alice, EDIT)

    assert "Hi &amp; welcome, parents." in page
    assert 'name="seen" value="en/1"' in page


def test_form_with_problems_keeps_what_was_typed(alice: Client) -> None:
    page = posted(alice, EDIT, form(ENGLISH, greeting="", tool_name="my tool", thanks="Any time."))

    assert "This field is required." in page
    assert "A name of 1 to 64 letters" in page
    assert "Any time." in page
    assert versions() == []


def test_text_is_stored_without_what_cannot_be_seen() -> None:
    with pytest.raises(ValidationError):
        PlainTextField().clean("a\0")
    assert PlainTextField().clean(" a\u200b\r\nb ") == "a\nb"


def test_nobody_overwrites_what_they_have_not_seen(alice: Client) -> None:
    theirs = saved(greeting="Hi.")

    page = posted(alice, EDIT, form(ENGLISH, farewell="My own goodbye."))

    assert "Nothing was saved: somebody saved other texts meanwhile." in page
    assert f"{LIST}{theirs.pk}/change/" in page
    assert "My own goodbye." in page
    assert versions() == ["en/1"]


def test_slips_with_placeholders_are_told_and_saved(alice: Client) -> None:
    texts = {"system": "Search first.", "quoted": "On {titel}:"}

    page = posted(alice, EDIT, form(ENGLISH, **texts))

    assert "“System prompt” has no {tool}." in page
    assert "“Before a quoted answer” has no {title}." in page
    assert "has {titel}, which nothing is filled in for." in page
    assert versions() == ["en/1"]


def test_list_shows_what_each_language_uses_and_every_version(charlie: Client) -> None:
    for greeting in ("Hi.", "Hello."):
        saved(greeting=greeting)

    page = shown(charlie, LIST)

    assert "built-in texts" in page
    assert page.count("en/2") == 2
    assert page.count("en/1") == 1
    assert "edit/en/" not in page


def test_version_shows_what_changed_since_the_one_before(charlie: Client) -> None:
    first = saved(greeting="Hello, dear parents.")
    second = saved(greeting="Hello, all parents.")

    assert "What changed since the built-in texts" in shown(charlie, f"{LIST}{first.pk}/change/")
    page = shown(charlie, f"{LIST}{second.pk}/change/")
    assert "Hello, <del>dear</del><ins>all</ins> parents." in page
    assert "Use this version again" not in page


def test_earlier_version_is_used_again_as_a_new_one(bob: Client) -> None:
    first = saved(greeting="Hi.")
    saved(greeting="Hello.")
    assert "Use this version again" in shown(bob, f"{LIST}{first.pk}/change/")

    posted(bob, f"{LIST}{first.pk}/again/", {"seen": "en/2"})

    again = PromptVersion.objects.get(number=3)
    assert texts_of(again) == replace(texts_of(first), version="en/3")
    assert again.note == "The texts of version 1 again."


def test_built_in_texts_are_used_again_as_a_new_version(bob: Client) -> None:
    saved(greeting="Hi.")

    posted(bob, BUILT_IN, {"seen": "en/1"})

    assert current_texts("en") == replace(ENGLISH, version="en/2")
    assert PromptVersion.objects.get(number=2).note == "The built-in texts again."


@pytest.mark.parametrize("seen", ["en/0", "", "x"])
def test_nothing_is_used_again_over_what_was_not_seen(bob: Client, seen: str) -> None:
    first = saved(greeting="Hi.")
    saved(greeting="Hello.")

    page = posted(bob, f"{LIST}{first.pk}/again/", {"seen": seen})
    posted(bob, BUILT_IN, {"seen": seen})

    assert "Nothing was saved" in page
    assert versions() == ["en/1", "en/2"]


def test_nothing_can_be_changed_added_by_hand_or_deleted(alice: Client) -> None:
    path = f"{LIST}{saved(greeting='Hi.').pk}/"

    tried = [alice.post(f"{path}change/", form(ENGLISH)), alice.post(f"{LIST}add/", form(ENGLISH))]
    tried.append(alice.post(f"{path}delete/", {"post": "yes"}))
    alice.post(LIST, {"action": "delete_selected", "_selected_action": [1], "post": "yes"})

    assert {response.status_code for response in tried} == {403}
    assert current_texts("en").greeting == "Hi."


def test_who_may_only_read_can_neither_save_nor_try(charlie: Client) -> None:
    key = saved(greeting="Hi.").pk
    paths = [EDIT, f"{EDIT}try/", BUILT_IN, f"{LIST}{key}/again/"]

    assert {charlie.post(path, form(current_texts("en"))).status_code for path in paths} == {403}
    assert charlie.get(EDIT).status_code == 403
    assert versions() == ["en/1"]


def test_staff_without_permission_sees_nothing() -> None:
    assert staff("dave").get(LIST).status_code == 403
    assert staff("erin").get(EDIT).status_code == 403


def test_stranger_is_sent_to_sign_in() -> None:
    for path in (LIST, EDIT, f"{EDIT}try/"):
        assert Client().post(path).headers["Location"].startswith("/admin/login/")


def test_forms_of_other_sites_are_refused(alice: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.cookies

    assert strict.post(EDIT, form(ENGLISH, greeting="Hi.")).status_code == 403
    assert versions() == []


@pytest.mark.parametrize("path", [f"{LIST}edit/fr/", f"{LIST}999/again/", f"{LIST}edit/fr/try/"])
def test_what_does_not_exist_is_not_found(alice: Client, path: str) -> None:
    assert alice.post(path).status_code == 404


@pytest.mark.parametrize("path", [BUILT_IN, f"{LIST}1/again/"])
def test_links_change_nothing(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 405


def test_t40_markup_in_texts_is_shown_as_text(alice: Client) -> None:
    page = posted(alice, EDIT, form(ENGLISH, greeting=XSS, note=XSS))
    key = PromptVersion.objects.get().pk

    pages = [page, shown(alice, EDIT), shown(alice, f"{LIST}{key}/change/")]

    assert all("&lt;script&gt;" in page for page in pages)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)


def test_list_takes_the_same_queries_for_any_number_of_versions(
    alice: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        saved(greeting=f"Hi {number}.")

    with django_assert_max_num_queries(8):
        shown(alice, LIST)


def test_index_finds_the_latest_version() -> None:
    saved(greeting="Hi.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        latest = PromptVersion.objects.filter(locale="en").order_by("-number")[:1]

        assert "prompt_version_once" in latest.explain()
