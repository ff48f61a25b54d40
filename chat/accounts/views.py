"""The pages of accounts. Each works without JavaScript; docs/accounts.md tells what they do."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from chat.accounts import claiming
from chat.accounts.answers import account_page, cleared, shown
from chat.accounts.deletion import delete_account, is_staff
from chat.accounts.forms import ChangePasswordForm, OwnPasswordForm, SignInForm, SignUpForm
from chat.accounts.my_data import my_data
from chat.accounts.ways_back import way_back
from chat.http_callers import site_of
from chat.visitors import identity_of_session

READ = ("GET", "HEAD")
READ_AND_WRITE = (*READ, "POST")


@account_page(*READ_AND_WRITE)
def sign_up(request: HttpRequest) -> HttpResponse:
    if not settings.SIGN_UP:
        raise Http404
    back = way_back(request)
    if request.user.is_authenticated:
        return redirect(back)
    form = SignUpForm(request, posted(request))
    if form.is_valid() and (user := form.made()):
        return signed_in(request, user, back)
    return shown(request, "sign_up", form=form, next=back)


@account_page(*READ_AND_WRITE)
def sign_in(request: HttpRequest) -> HttpResponse:
    back = way_back(request)
    if request.user.is_authenticated:
        return redirect(back)
    form = SignInForm(request, posted(request))
    if form.is_valid():
        return signed_in(request, form.get_user(), back)
    return shown(request, "sign_in", form=form, next=back)


def signed_in(request: HttpRequest, user: User, back: str) -> HttpResponse:
    """The session gets a new key; whoever knew the old one knows nothing."""
    login(request, user)
    if claiming.claimable(request.session):
        return redirect(f"{reverse('claim')}?{urlencode({'next': back})}")
    return redirect(back)


@account_page(*READ_AND_WRITE)
@login_required
def claim(request: HttpRequest) -> HttpResponse:
    """Asks whether this browser's conversations from before shall be the account's."""
    back = way_back(request)
    if request.method != "POST":
        count = claiming.claimable(request.session)
        return shown(request, "claim", count=count, next=back) if count else redirect(back)
    if request.POST.get("choice") != "take":
        return redirect("page")  # where they came from may be one that they left
    claiming.claim(request.session, identity_of_session(request.session))
    return redirect(back)


@account_page("POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    claiming.sign_out(request)
    return cleared(redirect("page"))


@account_page(*READ)
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return shown(request, "account", claimable=claiming.claimable(request.session))


@account_page(*READ_AND_WRITE)
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    form = ChangePasswordForm(request, person(request), posted(request))
    if not form.is_valid():
        return shown(request, "change_password", form=form)
    update_session_auth_hash(request, form.save())
    messages.success(request, _("Your password is changed. All other browsers are signed out."))
    return redirect("account")


@account_page(*READ_AND_WRITE)
@login_required
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """The same password, hashed anew: every session knows the hash that it was begun with."""
    user = person(request)
    form = OwnPasswordForm(request, user, posted(request))
    if not form.is_valid():
        return shown(request, "sign_out_elsewhere", form=form)
    user.set_password(form.cleaned_data["password"])
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    messages.success(request, _("All other browsers are signed out."))
    return redirect("account")


@account_page(*READ)
@login_required
def data(request: HttpRequest) -> HttpResponse:
    identity = identity_of_session(request.session)
    response = JsonResponse(
        my_data(person(request), identity, site=site_of(request)),
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    response["Content-Disposition"] = 'attachment; filename="expertline.json"'
    return response


@account_page(*READ_AND_WRITE)
@login_required
def delete(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if is_staff(user):
        return shown(request, "delete_staff")
    form = OwnPasswordForm(request, user, posted(request))
    if not form.is_valid():
        return shown(request, "delete", form=form)
    delete_account(user)
    claiming.sign_out(request)
    return cleared(redirect("account-deleted"))


@account_page(*READ)
def deleted(request: HttpRequest) -> HttpResponse:
    return shown(request, "deleted")


def posted(request: HttpRequest) -> dict[str, str] | None:
    """The form's fields, where there is one."""
    return request.POST.dict() if request.method == "POST" else None


def person(request: HttpRequest) -> User:
    """Who is signed in."""
    return cast(User, request.user)
