"""`manage.py doctor`: says in plain words what is wrong with an installation."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.doctor.examination import examination
from config.doctor.findings import Finding

PART_WIDTH = 16
LEVEL_WIDTH = 9


class Command(BaseCommand):
    help = "Checks every part of this installation, and says what is wrong and what to do."
    requires_system_checks = ()  # it tells itself what they would stop at

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: object, **options: object) -> None:
        findings: list[Finding] = []
        for finding in examination():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(line(finding))
                self.stdout.flush()
        problems = sum(finding.level == "problem" for finding in findings)
        if options["json"]:
            self.stdout.write(as_json(findings))
        if problems:
            raise CommandError(
                f"{problems} {'problem' if problems == 1 else 'problems'} found.", returncode=1
            )


def line(finding: Finding) -> str:
    said = f"{finding.level:{LEVEL_WIDTH}}{finding.part:{PART_WIDTH}}{finding.message}"
    return f"{said} {finding.remedy}".rstrip()


def as_json(findings: list[Finding]) -> str:
    healthy = all(finding.level != "problem" for finding in findings)
    return json.dumps(
        {"healthy": healthy, "findings": [asdict(finding) for finding in findings]},
        ensure_ascii=False,
    )
