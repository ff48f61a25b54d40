"""Visitors, their conversations and messages, and the turns that answer them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Visitor(models.Model):
    """A person chatting: anonymous behind a session, or a signed-in user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="visitor"
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")

    def __str__(self) -> str:
        return str(self.id)


class Conversation(models.Model):
    """A visitor's messages. `rev` rises with every stored change to it or to them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(_("title"), max_length=120, blank=True)
    rev = models.PositiveBigIntegerField(_("revision"), default=0)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed at"), default=timezone.now)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, editable=False)
    """Hidden from everybody since then, and soon removed."""

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["visitor", "-updated_at"], name="conversation_by_visitor"),
            models.Index(
                fields=["deleted_at"],
                condition=Q(deleted_at__isnull=False),
                name="conversation_deleted",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)


class Message(models.Model):
    """What a visitor wrote or was answered. A user message's id is made by its client."""

    class Role(models.TextChoices):
        USER = "user", _("visitor")
        ASSISTANT = "assistant", _("assistant")

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    text = models.TextField(_("text"), blank=True)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices)
    rev = models.PositiveBigIntegerField(_("revision"))
    finish = models.CharField(_("finish"), max_length=16, blank=True)
    grounding = models.CharField(_("grounding"), max_length=16, blank=True)
    sources = models.JSONField(_("sources"), default=list)
    suggestions = models.JSONField(_("suggestions"), default=list)
    usage = models.JSONField(_("usage"), null=True)
    model = models.CharField(_("model"), max_length=120, blank=True)
    prompt_version = models.CharField(_("version of the texts"), max_length=32, blank=True)
    space = models.CharField(_("embedding space"), max_length=200, blank=True)
    missed_calls = models.PositiveSmallIntegerField(
        _("missed calls"),
        default=0,
        help_text=_("How often the model would have answered without the experts."),
    )
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=8, null=True)
    """In the currency of the price table; None where the model has no price."""
    error = models.CharField(_("error"), max_length=32, blank=True)
    notice_wanted = models.BooleanField(
        _("wants to hear of an answer"),
        default=False,
    )
    noted_rev = models.PositiveBigIntegerField(_("revision of what was noted"), default=0)
    """Feedback and the wish above change nothing of `rev`, which is the message's place in time."""
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["conversation", "rev"], name="message_by_revision"),
            models.Index(
                fields=["-created_at"],
                condition=Q(role="assistant"),
                name="message_recent_replies",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(role="assistant") | ~Q(text=""), name="message_of_visitor_has_text"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["user", "assistant"]), name="message_role_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["running", "done", "stopped", "failed"]),
                name="message_status_known",
            ),
            models.CheckConstraint(
                condition=Q(role="user") | Q(parent__isnull=False), name="message_reply_has_parent"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class SharedCopy(models.Model):
    """Lets whoever has its link read a conversation as it was when it was shared."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="shared_copy"
    )
    token = models.CharField(max_length=43, unique=True)
    """Kept as it is, so that the visitor can be shown the link again; what it opens stands in the
    same database."""
    last = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    """The copy ends with it, and begins where its branch does."""
    shared_at = models.DateTimeField(_("shared at"), default=timezone.now)

    class Meta:
        verbose_name = _("shared copy")
        verbose_name_plural = _("shared copies")
        constraints = [
            models.CheckConstraint(condition=~Q(token=""), name="shared_copy_has_token"),
        ]

    def __str__(self) -> str:
        return str(self.conversation_id)


class Turn(models.Model):
    """One user message and everything done to answer it.

    `owner` runs it while `lease_until` (the database's clock) has not passed; every write of an
    owner names its `attempt`, so that one who was replaced changes nothing.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    key = models.UUIDField(_("client's key"), unique=True)
    """The id of the `send` or `regenerate` that asked for it: the idempotency key."""
    question = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="turns")
    reply = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="turn")
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.RUNNING
    )
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    owner = models.UUIDField(_("owner"), null=True)
    lease_until = models.DateTimeField(_("lease until"), default=timezone.now)
    stop_requested = models.BooleanField(_("stop requested"), default=False)
    last_event = models.PositiveIntegerField(_("last event"), default=0)
    """How many events the last attempt had: with `attempt`, the cursor of its end. While it runs,
    those that the reply's stored text comes from."""
    handovers = models.PositiveIntegerField(_("handovers"), default=0, db_default=0)
    """How many owners let go of it on purpose; the others were lost."""
    rendered = models.PositiveIntegerField(_("rendered"), default=0, db_default=0)
    """How much of the stored text, in UTF-16 units, stood in finished blocks while it ran."""
    accepted_rev = models.PositiveBigIntegerField(
        _("revision at its beginning"), default=0, db_default=0
    )
    rounds = models.JSONField(
        _("rounds with the model that are done"),
        default=list,
        db_default=Value([], models.JSONField()),
    )
    """As `chat.turn.durable_rounds` writes them; empty once the turn has ended."""
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status="running"),
                name="turn_one_running_per_conversation",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["running", "done", "stopped", "failed"]),
                name="turn_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="running") | Q(ended_at__isnull=False),
                name="turn_ended_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(status="running"), name="turn_running_by_lease"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Feedback(models.Model):
    """What a visitor thought of a reply; one per message, the latest counts."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="feedback")
    value = models.CharField(_("value"), max_length=8)
    reason = models.CharField(_("reason"), max_length=16, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.CheckConstraint(
                condition=Q(value__in=["up", "down"]), name="feedback_value_known"
            ),
        ]

    def __str__(self) -> str:
        return self.value


class Consent(models.Model):
    """That a visitor agreed to a version of the text, and whether that still stands."""

    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="consents")
    version = models.CharField(_("version of the text"), max_length=64)
    """Language, number and a digest of the words, as `chat.site_texts` names them."""
    agreed_at = models.DateTimeField(_("agreed at"), default=timezone.now)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-agreed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "version"],
                condition=Q(withdrawn_at=None),
                name="consent_standing_once",
            ),
        ]

    def __str__(self) -> str:
        return self.version
