"""Scripts, styles and pictures: under names that tell their content, small, and kept for ever.

`collect` writes them into DATA_DIR/static. Until it has done so for the sources as they are now,
they are served from the sources under their plain names: a page never lacks its script, and never
gets that of another version.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response, StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

Application = Callable[[Any, Any, Any], Awaitable[None]]

VISITORS_FILES = "chat/"
"""Worth brotli's seconds; the admin's many files are for few people."""


class NotCollectedError(Exception):
    """DATA_DIR cannot be written, or one file names another that is not there."""


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # has no types
    """Each list of names is called after the sources that it is of, so that none is out of date."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 20
    """A module's hash changes with those of what it imports, one level in a pass."""

    @cached_property
    def manifest_name(self) -> str:
        return f"names-{fingerprint()}.json"

    @property
    def collected(self) -> bool:
        return bool(self.manifest_storage.exists(self.manifest_name))

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        ours = {path for path in paths if path.startswith(VISITORS_FILES)}
        for self._brotli, part in ((True, ours), (False, set(paths) - ours)):
            yield from super().compress_files(part)

    def create_compressor(self, **options: object) -> Compressor:
        return Compressor(use_brotli=self._brotli, **options)

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if name in self.hashed_files else name


class StaticFiles:
    """An ASGI application before another one: files take no trip through Django's middleware."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        file = self._find(scope["path"]) if scope["method"] in {"GET", "HEAD"} else None
        if file is None:
            await self._application(scope, receive, send)
            return
        response = file.get_response(scope["method"], wsgi_headers(scope["headers"]))
        body = await asyncio.to_thread(content, response.file) if response.file else b""
        head = headers_of(response, body)
        await send({"type": "http.response.start", "status": int(response.status), "headers": head})
        await send({"type": "http.response.body", "body": body})

    def _find(self, path: str) -> StaticFile | None:
        if self._index.autorefresh:
            return self._index.find_file(path)
        return self._index.files.get(path)

    @cached_property
    def _index(self) -> "Index":
        """Made at the first request, because set-up collects files before that."""
        return Index()


class Index(WhiteNoiseMiddleware):  # type: ignore[misc]  # has no types
    """WhiteNoise's list of files by their addresses, with which response each has."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """WhiteNoise would complain of a folder that is not there yet."""
        if Path(root).is_dir():
            super().add_files(root, prefix)


def headers_of(response: Response, body: bytes) -> list[tuple[bytes, bytes]]:
    """What never changes is not asked about again: the forty files of a page save 4 KB of heads.

    A source may have changed since its length was noted.
    """
    kept = "immutable" in dict(response.headers).get("Cache-Control", "")
    needless = {"ETag", "Last-Modified"} if kept else set()
    told = dict(response.headers) | ({"Content-Length": str(len(body))} if body else {})
    headers = [(name, value) for name, value in told.items() if name not in needless]
    headers.append(("X-Content-Type-Options", "nosniff"))
    return [(name.lower().encode(), value.encode()) for name, value in headers]


def wsgi_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """As WhiteNoise reads them."""
    return {
        f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
        for name, value in headers
    }


def content(file: IO[bytes]) -> bytes:
    with file:
        return file.read()


def collect() -> None:
    """Does nothing where all is there already. Raises NotCollectedError."""
    if HashedFiles().collected:
        return
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    except (OSError, ValueError, RuntimeError) as error:
        raise NotCollectedError from error
    used = cast(HashedFiles, staticfiles_storage)
    used.hashed_files, used.manifest_hash = HashedFiles().load_manifest()


def fingerprint() -> str:
    """Of all sources, their names and what is in them."""
    told = sha256()
    for finder in finders.get_finders():
        for name, storage in sorted(finder.list(ignore_patterns=None), key=lambda each: each[0]):
            content = Path(storage.path(name)).read_bytes()
            told.update(f"{name}\0{len(content)}\0".encode() + content)
    return told.hexdigest()[:16]
