"""Tests: unit (no I/O), integration (real Postgres), browser (real Chromium)."""
