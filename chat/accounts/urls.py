"""Addresses of the pages of accounts."""

from django.urls import path

from chat.accounts import views

urlpatterns = [
    path("", views.account, name="account"),
    path("sign-up", views.sign_up, name="sign-up"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("claim", views.claim, name="claim"),
    path("password", views.change_password, name="change-password"),
    path("sign-out-elsewhere", views.sign_out_elsewhere, name="sign-out-elsewhere"),
    path("data", views.data, name="my-data"),
    path("delete", views.delete, name="delete-account"),
    path("deleted", views.deleted, name="account-deleted"),
]
