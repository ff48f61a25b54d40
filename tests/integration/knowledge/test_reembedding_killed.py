"""`manage.py reembed` as a process of its own, killed in the middle, and run again."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.databases import database_url, rows
from tests.integration.embedded_machine import eventually
from tests.minimax_server import MiniMaxServer
from tests.serving import PROJECT, environment, manage

ANSWERS = 600
STORE = """
INSERT INTO knowledge_answer (uid, text, locale, topic, verbatim, status, expert_name,
    expert_role, basis, basis_url, version, content_hash, source, external_id, created_at,
    updated_at, suspicious)
SELECT gen_random_uuid(), 'Answer ' || n, 'en', '', false, 'published', '', '', '', '', 1,
    md5(n::text), '', '', now(), now(), false
FROM generate_series(1, %s) n RETURNING id
"""
COUNT = """
SELECT count(*) FROM knowledge_answervector v JOIN knowledge_embeddingspace s ON s.id = v.space_id
WHERE s.fingerprint LIKE 'minimax/%%'
"""
ACTIVE = "SELECT fingerprint FROM knowledge_embeddingspace WHERE active"
COMMAND = ("reembed", "--embedder", "minimax")


def test_killed_reembed_goes_on_where_it_was(database: str, tmp_path: Path) -> None:
    rows(database, STORE, ANSWERS)
    [(total,)] = rows(database, "SELECT count(*) FROM knowledge_answer WHERE status = 'published'")
    with MiniMaxServer() as server:
        settings = environment(tmp_path) | {
            "DATABASE_URL": database_url(database),
            "MINIMAX_API_KEY": "key",
            "EMBEDDER": "minimax",
            "EMBEDDING_BASE_URL": server.base_url,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", *COMMAND], cwd=PROJECT, env=settings
        )
        eventually(lambda: rows(database, COUNT) > [(0,)])
        process.send_signal(signal.SIGKILL)
        process.wait()
        [(kept,)], [(searched,)] = rows(database, COUNT), rows(database, ACTIVE)
        again = manage(*COMMAND, environment=settings)

    assert again.returncode == 0, again.stderr
    assert searched.startswith("local/")
    assert f"Answers embedded: {total - kept}." in again.stdout
    assert rows(database, ACTIVE) == [("minimax/embo-01/1536/db-query",)]
    assert rows(database, COUNT) == [(total,)]
