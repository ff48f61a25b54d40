"""A real nginx with the shipped site, in front of the tests' own processes."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serving import PROJECT, free_port

SITE = PROJECT / "deploy/nginx.conf"
START_SECONDS = 20
AROUND_IT = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class NoNginxError(Exception):
    """There is no nginx on this machine."""

    def __init__(self) -> None:
        super().__init__("There is no nginx here. Run “apt-get install nginx-light”.")


class NginxServer:
    """In front of the processes on these ports while the `with` block runs.

    The site is the shipped one but for names, ports and paths, for the `changes`, and, unless
    `tls`, for what it says of TLS. An `Entrance` for chat clients, whose origin is `origin`.
    Raises NoNginxError.
    """

    def __init__(
        self,
        *ports: int,
        origin: str = "",
        tls: bool = False,
        changes: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.plain_port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="expertline-nginx-"))
        self._scheme = "s" if tls else ""
        self._origin = origin
        self._program = nginx_program()
        self._process: subprocess.Popen[bytes] | None = None
        site = adapted(SITE.read_text(encoding="utf-8"), self, ports)
        for old, new in (changes or {}).items():
            assert old in site
            site = site.replace(old, new)
        self._write(site if tls else without_tls(site))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START_SECONDS
        while not listens(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError((self.folder / "error.log").read_text(encoding="utf-8"))
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self.folder)

    @property
    def address(self) -> str:
        """Of the page, without a slash at its end."""
        return f"http{self._scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The origin that clients name."""
        return self._origin or self.address

    @property
    def socket_url(self) -> str:
        return f"ws{self._scheme}://127.0.0.1:{self.port}/ws/chat/"

    @property
    def certificate(self) -> Path:
        return self.folder / "fullchain.pem"

    @property
    def access_log(self) -> str:
        return (self.folder / "expertline.access.log").read_text(encoding="utf-8")

    def complaints(self) -> str:
        """What `nginx -t` has to say; nothing if all is well."""
        tried = subprocess.run(
            [*self._command(), "-t", "-q"], capture_output=True, text=True, check=False
        )
        return tried.stderr

    def _command(self) -> list[str]:
        return [self._program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _write(self, site: str) -> None:
        user = "user root;" if os.geteuid() == 0 else ""
        around_it = AROUND_IT.format(folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(around_it, encoding="utf-8")
        (self.folder / "site.conf").write_text(site, encoding="utf-8")
        write_certificate(self.certificate, self.folder / "privkey.pem")


def nginx_program() -> str:
    """Raises NoNginxError."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        raise NoNginxError
    return program


def adapted(site: str, nginx: NginxServer, ports: Sequence[int]) -> str:
    """The shipped site with the names, ports and paths of one test."""
    first = re.compile(r"^    server (127\.0\.0\.1):8000 (.*;)$", re.MULTILINE)
    assert first.search(site)
    site = first.sub("\n".join(rf"server \1:{port} \2" for port in ports), site)
    site = re.sub(r"^ *listen \[::\].*\n", "", site, flags=re.MULTILINE)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{nginx.plain_port};")
    site = site.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{nginx.port} ssl http2;")
    site = site.replace("/etc/letsencrypt/live/chat.example.org", str(nginx.folder))
    site = site.replace("/var/log/nginx", str(nginx.folder))
    return site.replace("chat.example.org", "127.0.0.1")


def without_tls(site: str) -> str:
    return re.sub(r"^ *ssl_.*\n", "", site, flags=re.MULTILINE).replace(" ssl http2;", ";")


def listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def write_certificate(certificate: Path, key: Path) -> None:
    """For 127.0.0.1, signed by itself, good for a day."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
