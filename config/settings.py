"""Django settings, read from the environment. docs/configuration.md explains each for operators."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from config.env import ConfigurationError, kept_secret, process_environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = process_environment(BASE_DIR)

# --- Where it runs

HOST = env.text("HOST", "127.0.0.1")
PORT = env.whole_number("PORT", 8000, least=1, most=65535)
DEBUG = env.boolean("DEBUG", default=False)
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).absolute()
SECRET_KEY = env.text("SECRET_KEY") or kept_secret(DATA_DIR / "secret_key")

LOOPBACK = ("127.0.0.1", "localhost")
ALLOWED_ORIGINS = env.origins(
    "ALLOWED_ORIGINS", tuple(f"http://{name}:{PORT}" for name in LOOPBACK)
)
ALLOWED_HOSTS = env.names(
    "ALLOWED_HOSTS", tuple(dict.fromkeys(urlsplit(o).hostname or "" for o in ALLOWED_ORIGINS))
)
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
METRICS_ALLOWED = env.networks("METRICS_ALLOWED")
PYTHON_API_ORIGINS = env.names("PYTHON_API_ORIGINS")
"""Origins whose pages may call POST /api/python; `*` for any (the address is stateless)."""

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

INSTALLED_APPS = [
    "config.apps.ProjectConfig",
    "chat.apps.ChatConfig",
    "knowledge.apps.KnowledgeConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.content_policy.AdminContentPolicy",
    "chat.widget_sessions.WidgetSessions",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Data

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL")
    or {
        "ENGINE": "config.embedded",
        "NAME": "expertline",
        "OPTIONS": {"home": str(DATA_DIR / "postgres")},
    }
}
# CONN_MAX_AGE stays 0: under ASGI every HTTP request has a thread of its own, and connections that
# outlived it would pile up. The threads of chat/database.py keep theirs.
DATABASE_THREADS = env.whole_number("DATABASE_THREADS", 8, least=1, most=64)
EMBEDDING_THREADS = env.whole_number("EMBEDDING_THREADS", 4, least=1, most=64)
REDIS_URL = env.redis("REDIS_URL")
REDIS_PREFIX = env.key_prefix("REDIS_PREFIX", "expertline")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People

SIGN_UP = env.boolean("SIGN_UP", default=True)
SIGN_IN_FAILURES = env.whole_number("SIGN_IN_FAILURES", 5, least=1, most=1000)
SIGN_IN_FAILURES_PER_IP = env.whole_number("SIGN_IN_FAILURES_PER_IP", 50, least=1, most=100_000)
SIGN_UPS_PER_IP = env.whole_number("SIGN_UPS_PER_IP", 60, least=1, most=100_000)
LOGIN_URL = "sign-in"
SESSION_ENGINE = "chat.browser_sessions"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "chat.accounts.passwords.LongEnough",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "django.contrib.auth.password_validation.NumericPasswordValidator",
    )
]

# --- Transport and browser

HTTPS = all(origin.startswith("https://") for origin in ALLOWED_ORIGINS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked for from this machine
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SOCKET_ORIGINS = [origin.replace("http", "ws", 1) for origin in ALLOWED_ORIGINS]
"""Safari before 15.4 does not count a socket of the same host as 'self'."""
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *SOCKET_ORIGINS],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "frame-src": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["expertline"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.HashedFiles"},
}
WHITENOISE_USE_FINDERS = True  # under their plain names, files come from where they are written
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_MAX_AGE = 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}\.\w+$"  # what HashedFiles names

# --- Languages and time

LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", ("en", "zh-hans"))
LOCALE_PATHS = [BASE_DIR / "chat" / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# --- What visitors agree to, and what their browsers keep

CONSENT_REQUIRED = env.boolean("CONSENT_REQUIRED", default=False)
OFFLINE_PAGE = env.boolean("OFFLINE_PAGE", default=True)

# --- The language model (any OpenAI-compatible server; without one, experts are quoted)

OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_BASE_URL = env.web_address("OPENAI_BASE_URL")
CHAT_MODEL = env.text("CHAT_MODEL", "gpt-4o-mini")
CHAT_TEMPERATURE = env.decimal("CHAT_TEMPERATURE", 0.3, least=0, most=2)
CHAT_MAX_OUTPUT_TOKENS = env.whole_number(
    "CHAT_MAX_OUTPUT_TOKENS", 131_072, least=16, most=1_000_000
)
HISTORY_TOKENS = env.whole_number("HISTORY_TOKENS", 4_000, least=0, most=1_000_000)
HOLD_BACK_CHARACTERS = env.whole_number("HOLD_BACK_CHARACTERS", 160, least=0, most=2_000)
HOLD_BACK_SECONDS = env.decimal("HOLD_BACK_SECONDS", 1.5, least=0, most=10)
MODEL_CONNECT_SECONDS = env.decimal("MODEL_CONNECT_SECONDS", 5, least=0.1, most=60)
MODEL_FIRST_TOKEN_SECONDS = env.decimal("MODEL_FIRST_TOKEN_SECONDS", 20, least=0.1, most=600)
MODEL_PROGRESS_SECONDS = env.decimal("MODEL_PROGRESS_SECONDS", 20, least=0.1, most=600)
MODEL_ROUND_SECONDS = env.decimal("MODEL_ROUND_SECONDS", 60, least=1, most=3600)
MODEL_RETRY_SECONDS = env.decimal("MODEL_RETRY_SECONDS", 10, least=0, most=120)
MODEL_REST_SECONDS = env.decimal("MODEL_REST_SECONDS", 30, least=0, most=3600)
TRIAL_SECONDS = env.decimal("TRIAL_SECONDS", 90, least=1, most=600)
CHAT_PRICES = env.prices("CHAT_PRICES")
CHAT_CURRENCY = env.currency("CHAT_CURRENCY", "USD")

# --- Embeddings

EMBEDDER = env.choice("EMBEDDER", ("local", "openai", "minimax"))
EMBEDDING_MODEL = env.text("EMBEDDING_MODEL") or {"minimax": "embo-01"}.get(EMBEDDER, "")
EMBEDDING_BASE_URL = env.web_address("EMBEDDING_BASE_URL") or (
    OPENAI_BASE_URL if EMBEDDER == "openai" else ""
)
EMBEDDING_API_KEY = env.text("EMBEDDING_API_KEY") or OPENAI_API_KEY
EMBEDDING_DIMENSIONS = env.whole_number("EMBEDDING_DIMENSIONS", 0, least=0, most=4000)
EMBEDDING_SECONDS = env.decimal("EMBEDDING_SECONDS", 10, least=0.1, most=120)
EMBEDDING_CONCURRENCY = env.whole_number("EMBEDDING_CONCURRENCY", 4, least=1, most=64)
MINIMAX_API_KEY = env.text("MINIMAX_API_KEY")
MINIMAX_GROUP_ID = env.text("MINIMAX_GROUP_ID")
if EMBEDDER == "openai" and not (EMBEDDING_MODEL and (EMBEDDING_BASE_URL or EMBEDDING_API_KEY)):
    raise ConfigurationError(
        "EMBEDDER=openai needs EMBEDDING_MODEL and one of EMBEDDING_BASE_URL, EMBEDDING_API_KEY."
    )
if EMBEDDER == "minimax" and not MINIMAX_API_KEY:
    raise ConfigurationError("EMBEDDER=minimax needs MINIMAX_API_KEY.")
if EMBEDDER == "minimax" and EMBEDDING_DIMENSIONS:
    raise ConfigurationError("EMBEDDER=minimax has no choice of EMBEDDING_DIMENSIONS.")

# --- Which answers a question may find

ANSWER_LANGUAGES = env.choice("ANSWER_LANGUAGES", ("any", "same"))
WITHHOLD_OVERDUE = env.boolean("WITHHOLD_OVERDUE", default=False)

# --- The second stage of a search; knowledge/checks.py tells what is missing

RERANKER = env.choice("RERANKER", ("off", "remote"))
RERANKER_BASE_URL = env.web_address("RERANKER_BASE_URL")
RERANKER_MODEL = env.text("RERANKER_MODEL")
RERANKER_API_KEY = env.text("RERANKER_API_KEY")
RERANKER_SECONDS = env.decimal("RERANKER_SECONDS", 3, least=0.1, most=30)

# --- The turn and the socket

TURN_LEASE_SECONDS = env.whole_number("TURN_LEASE_SECONDS", 15, least=3, most=300)
DRAIN_SECONDS = env.whole_number("DRAIN_SECONDS", 60, least=0, most=600)
PING_SECONDS = env.whole_number("PING_SECONDS", 20, least=1, most=60)
SOCKET_STUCK_SECONDS = env.decimal("SOCKET_STUCK_SECONDS", 30, least=0.1, most=300)
SOCKET_FRAMES_PER_SECOND = env.decimal("SOCKET_FRAMES_PER_SECOND", 20, least=0.1, most=1000)
SOCKET_FRAMES_AT_ONCE = env.whole_number("SOCKET_FRAMES_AT_ONCE", 100, least=1, most=1000)
SENDS_PER_MINUTE = env.whole_number("SENDS_PER_MINUTE", 60, least=1, most=100_000)
SEARCHES_PER_MINUTE = env.whole_number("SEARCHES_PER_MINUTE", 60, least=1, most=100_000)
SENDS_PER_MINUTE_PER_IP = env.whole_number("SENDS_PER_MINUTE_PER_IP", 1200, least=1, most=100_000)
CHAT_MAX_SOCKETS = env.whole_number("CHAT_MAX_SOCKETS", 5000, least=1, most=100_000)
CHAT_MAX_SOCKETS_PER_IP = env.whole_number("CHAT_MAX_SOCKETS_PER_IP", 500, least=1, most=100_000)
CHAT_MAX_SOCKETS_PER_VISITOR = env.whole_number(
    "CHAT_MAX_SOCKETS_PER_VISITOR", 100, least=1, most=1000
)
HTTP_IDLE_SECONDS = env.whole_number("HTTP_IDLE_SECONDS", 60, least=1, most=600)
SESSION_CHECK_SECONDS = env.decimal("SESSION_CHECK_SECONDS", 1, least=0.1, most=60)

# --- Programs that ask through /v1

API_KEY_CONCURRENCY = env.whole_number("API_KEY_CONCURRENCY", 8, least=1, most=1_000)

# --- Logs: ids and codes, never message text

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "private": {
            "()": "config.logs.PrivateFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "filters": {"no_refusals": {"()": "config.logs.NoRefusals"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "private"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "daphne": {"level": "WARNING"},
        "django.request": {"filters": ["no_refusals"]},
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
    },
}
