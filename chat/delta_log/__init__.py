"""The live tail of running turns. Postgres is the truth; a log may be lost at any time."""
