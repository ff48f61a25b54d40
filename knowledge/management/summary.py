"""What an ingest did, in sentences for people and as an object for machines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from knowledge.importers.base import shown
from knowledge.importers.report import Change, Prune, Report
from knowledge.storing import SAMPLE_SOURCE

NAMES_SHOWN = 20
SIGNS = {"created": "+", "updated": "~", "pruned": "-"}


def as_json(report: Report, rejects: Mapping[str, Path], notes: Sequence[str]) -> str:
    shape = {
        "files": [asdict(file) for file in report.files],
        "read": report.read,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "invalid": report.invalid,
        "published": report.published,
        "pruned": report.pruned,
        "suspicious": report.suspicious,
        "errors": [asdict(error) for error in report.errors],
        "changes": [asdict(change) for change in report.changes],
        "prunes": [asdict(prune) for prune in report.prunes],
        "rejects": {source: str(path) for source, path in rejects.items()},
        "dry_run": report.dry_run,
        "samples_withdrawn": report.samples_withdrawn,
        "ignored_fields": report.ignored_fields,
        "archived": report.archived,
        "archived_ids": report.archived_ids,
        "refused": report.refused,
        "notes": notes,
    }
    return json.dumps(shape, ensure_ascii=False)


def summary(
    report: Report,
    rejects: Mapping[str, Path],
    notes: Sequence[str],
    *,
    publish: bool,
    prune: bool,
) -> Iterator[str]:
    for file in report.files[:NAMES_SHOWN]:
        yield f"{file.path} is {file.format}{file.encoding and f', {file.encoding}'}."
    yield from notes
    if report.refused:
        yield f"{rows(report.read)} read, {report.invalid:,} of them invalid."
        return
    if report.dry_run:
        yield "This is a dry run: nothing was written. Without --dry-run it would be:"
        yield from changes(report)
    yield (
        f"{rows(report.read)} read: {report.created:,} created, {report.updated:,} updated,"
        f" {report.unchanged:,} unchanged, {report.invalid:,} invalid."
    )
    if publish:
        yield f"Answers published: {report.published:,}."
    elif report.created:
        yield "New answers are drafts. Publish them in the admin, or run this again with --publish."
    if prune:
        yield pruned(report)
    yield from remarks(report)
    for source, path in rejects.items():
        yield (
            f"The rejected rows of “{source}” are in {path}. Correct them there, and ingest that"
            f" file with --source {source!r}."
        )


def changes(report: Report) -> Iterator[str]:
    """The first changes, one a line, with the fields that change below."""
    for change in report.changes:
        yield line_of(change)
        for field in change.fields:
            yield f"    {field.name}: “{field.old}” → “{field.new}”"
    totals = {"created": report.created, "updated": report.updated, "pruned": report.pruned}
    for kind, total in totals.items():
        more = total - sum(change.kind == kind for change in report.changes)
        if more:
            yield f"… and {more:,} more {kind}."


def line_of(change: Change) -> str:
    place = f" at {change.place}" if change.place else ""
    name = f"{change.kind} {shown(change.external_id)}{place}"
    return f"{SIGNS[change.kind]} {name}: {shown(change.title)}"


def pruned(report: Report) -> str:
    if report.errors:
        return "Nothing was pruned, because not everything could be read and stored."
    if report.dry_run and report.drastic:
        return f"Answers pruned: {report.pruned:,}. {drastic(report.drastic)} That needs --yes."
    return f"Answers pruned: {report.pruned:,}. They are archived."


def drastic(prunes: Sequence[Prune]) -> str:
    return " ".join(
        f"--prune archives {prune.missing:,} of the {prune.live:,} answers of “{prune.source}”."
        for prune in prunes
    )


def remarks(report: Report) -> Iterator[str]:
    """What somebody should look at."""
    if report.suspicious:
        yield (
            f"{rows(report.suspicious)} had something hidden in them, or something that speaks to"
            " a model and not to people. They are drafts: read them in the admin before you publish"
            " them."
        )
    if report.ignored_fields:
        yield f"Ignored fields: {listed(report.ignored_fields, len(report.ignored_fields))}."
    if report.archived:
        yield f"Archived answers stay archived: {listed(report.archived_ids, report.archived)}."
    if report.samples_withdrawn:
        yield (
            f"The {report.samples_withdrawn:,} sample answers make room for yours and are archived;"
            f" to bring them back, publish those of the source “{SAMPLE_SOURCE}” in the admin."
        )


def listed(names: Sequence[str], count: int) -> str:
    more = f" and {count - NAMES_SHOWN:,} more" if count > NAMES_SHOWN else ""
    return ", ".join(shown(name) for name in names[:NAMES_SHOWN]) + more


def rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def failure(report: Report) -> str:
    """The sentence that the command ends with, "" if all is well."""
    if report.refused and report.invalid:
        return (
            "Nothing was stored. Correct the invalid rows, or load the others with --skip-invalid."
        )
    if report.refused and report.errors:
        return "Nothing was stored. Leave out the files that cannot be read, or use --skip-invalid."
    if report.refused:
        return (
            f"Nothing was stored. {drastic(report.drastic)} If that is right, run this again with"
            " --prune --yes."
        )
    return "Not everything was stored." if report.errors else ""
