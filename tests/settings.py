"""Settings of the test run: the project's own, with a fast embedded database of its own."""

import os

os.environ.setdefault("DATA_DIR", "var/test")
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
# Tests share servers whose provider fails on purpose.
os.environ.setdefault("MODEL_REST_SECONDS", "0")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS

if DATABASES["default"]["ENGINE"] == "config.embedded":
    DATABASES["default"]["OPTIONS"]["durable"] = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if os.environ.get("FAILPOINTS") or os.environ.get("MUTATION"):
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.failpoints.FailpointsConfig"]
