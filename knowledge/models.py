"""Experts' answers, the questions they reply to, and what search needs to find them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField


class Locale(models.TextChoices):
    CHINESE = "zh-hans", _("Chinese")
    ENGLISH = "en", _("English")


class Answer(models.Model):
    """An expert's answer. Only a published one is ever found."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        ARCHIVED = "archived", _("archived")

    uid = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    text = models.TextField(
        _("answer"), help_text=_("The expert's own words. Markdown is allowed.")
    )
    locale = models.CharField(_("language"), max_length=16, choices=Locale.choices)
    topic = models.CharField(_("topic"), max_length=120, blank=True)
    verbatim = models.BooleanField(
        _("verbatim"),
        default=False,
        help_text=_("Send exactly these words; no model may rephrase them."),
    )
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.DRAFT
    )
    expert_name = models.CharField(_("expert's name"), max_length=120, blank=True)
    expert_role = models.CharField(_("expert's role"), max_length=200, blank=True)
    basis = models.TextField(_("basis"), blank=True, help_text=_("What the answer rests on."))
    basis_url = models.URLField(_("address of the basis"), max_length=500, blank=True)
    reviewed_at = models.DateField(_("reviewed on"), null=True, blank=True)
    review_by = models.DateField(_("review again by"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    content_hash = models.CharField(max_length=64, editable=False)
    """Hash of the wordings and the text; what was indexed under another hash never answers."""
    suspicious = models.CharField(
        _("to be read first"),
        max_length=120,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    """Why nobody may be given this before a person has read it; the codes of `suspicion`."""
    source = models.CharField(_("source"), max_length=120, blank=True, editable=False)
    external_id = models.CharField(
        _("id in the source"), max_length=200, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["status", "locale"], name="answer_status_locale"),
            models.Index(
                fields=["id"],
                include=["content_hash"],
                condition=Q(status="published"),
                name="answer_published",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="answer_has_text"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "archived"]),
                name="answer_status_known",
            ),
            models.CheckConstraint(
                condition=Q(locale__in=["zh-hans", "en"]), name="answer_locale_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="answer_version_positive"),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True)
                | Q(review_by__isnull=True)
                | Q(review_by__gte=F("reviewed_at")),
                name="answer_review_by_after_review",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="answer_once_per_source",
            ),
        ]

    def __str__(self) -> str:
        return shortened(self.text)

    @property
    def overdue(self) -> bool:
        """Whether the date by which it should have been reviewed again has passed."""
        return self.review_by is not None and self.review_by < timezone.now().date()


class Question(models.Model):
    """One wording that an answer replies to; position 0 is the one shown as its title."""

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="questions")
    text = models.TextField(_("wording"), max_length=2000)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="question_has_text"),
            models.UniqueConstraint(fields=["answer", "text"], name="question_once_per_answer"),
        ]

    def __str__(self) -> str:
        return shortened(self.text)


class EmbeddingSpace(models.Model):
    """One embedder with one model and dimension: vectors compare only inside a space."""

    fingerprint = models.CharField(max_length=200, unique=True)
    dimensions = models.PositiveIntegerField(_("dimensions"))
    active = models.BooleanField(_("in use"), default=False)
    bars = models.JSONField(_("bars"), default=dict)
    """The calibrated score that a hit must reach, by language: {"zh-hans": 0.86, "en": 0.83}."""
    clear_bars = models.JSONField(_("bars of a clear answer"), default=dict)
    """The score that a hit must reach to be quoted as the answer, by language."""
    certain_margins = models.JSONField(_("margins beyond doubt"), default=dict)
    """How much nearer than off-topic examples a hit must be for its question to be the experts'
    business beyond doubt, by language."""
    spread = models.FloatField(_("spread"), default=0)
    """How far the scores of one question's hits usually lie apart (a standard deviation)."""
    calibrated_at = models.DateTimeField(_("calibrated at"), null=True)
    calibrated_answers = models.PositiveIntegerField(_("calibrated with"), default=0)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("embedding space")
        verbose_name_plural = _("embedding spaces")
        constraints = [
            models.CheckConstraint(
                condition=Q(dimensions__gte=1, dimensions__lte=4000),
                name="space_dimensions_indexable",
            ),
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="space_one_active"
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class AnswerVector(models.Model):
    """An answer's place in a space. Defer `embedding` in every queryset."""

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="vectors")
    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="vectors")
    content_hash = models.CharField(max_length=64)
    embedding = HalfVectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["space", "answer"], name="vector_once_per_space"),
        ]

    def __str__(self) -> str:
        return f"{self.answer_id} in {self.space_id}"


class OffTopicExample(models.Model):
    """A question that is none of the experts' business, with its passage vector in a space.

    A hit counts only if it is nearer to the question than such examples are. With its vector as a
    question, too, bars are learnt; None where that is not known yet.
    """

    space = models.ForeignKey(
        EmbeddingSpace, on_delete=models.CASCADE, related_name="off_topic_examples"
    )
    text = models.CharField(max_length=200)
    embedding = HalfVectorField()
    query_embedding = HalfVectorField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["space", "text"], name="off_topic_once_per_space"),
        ]

    def __str__(self) -> str:
        return self.text


class LexicalEntry(models.Model):
    """How many terms an answer's wordings and text have; present while it is published."""

    answer = models.OneToOneField(
        Answer, on_delete=models.CASCADE, primary_key=True, related_name="lexical_entry"
    )
    length = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.answer_id}: {self.length}"


class Posting(models.Model):
    """How often a term occurs in a published answer (wordings and text)."""

    pk = models.CompositePrimaryKey("answer_id", "term")
    answer = models.ForeignKey(
        Answer, on_delete=models.CASCADE, related_name="postings", db_index=False
    )
    term = models.CharField(max_length=64)
    frequency = models.PositiveIntegerField()
    length = models.PositiveIntegerField(db_default=0)
    """The answer's, as its lexical entry has it: search reads no other row for it."""

    class Meta:
        indexes = [
            models.Index(
                fields=["term"], include=["answer", "frequency", "length"], name="posting_by_term"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.term}: {self.frequency}"


class Term(models.Model):
    """How many published answers have a term, and how often they do in all.

    Triggers keep it in step with the postings. The empty term counts the answers themselves, and
    all of their terms.
    """

    term = models.CharField(max_length=64, primary_key=True)
    holders = models.IntegerField()
    occurrences = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.term}: {self.holders}"


class Upload(models.Model):
    """A file that somebody chose in the admin, kept until it is imported or an hour has passed.

    It is in the database because the import may be answered by another machine than the check.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    source = models.CharField(max_length=120)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


SHOWN_CHARACTERS = 60


def shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
