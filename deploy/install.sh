#!/bin/sh
# Makes .venv and fills it with the pinned requirements. With "development": the tools of
# `make test` and `make check`, a browser and nginx as well. Does nothing when all is there already.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-runtime}
venv=.venv

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for name in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    say "Expertline needs Python 3.11 or newer. Install it, or set PYTHON to its path."
    exit 1
}

as_root_on_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

debian_install() {
    say "Installing $* ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

make_venv() {
    python=$(find_python)
    if "$python" -m venv "$venv" >/dev/null 2>&1; then
        return
    fi
    rm -rf "$venv"
    if as_root_on_debian; then
        debian_install "python3-venv" && "$python" -m venv "$venv" && return
    fi
    say "Python's venv module does not work. On Debian and Ubuntu: apt install python3-venv"
    exit 1
}

# The stamp names what was installed: another list, Python or place means to install again.
wanted() { { cat "$1"; echo "$venv"; pwd; "$venv/bin/python" -V; } | cksum; }

fill_venv() {
    file=$1
    stamp=$venv/.$(basename "$file" .txt)
    "$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; make_venv; }
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted "$file")" ]; then
        return
    fi
    say "Installing $file ..."
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$file" &
    trap 'kill $! 2>/dev/null' INT TERM
    wait $!
    trap - INT TERM
    wanted "$file" >"$stamp"
}

find_browser() {
    command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome ||
        ls "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium*/*/chrome 2>/dev/null
}

install_browser() {
    find_browser >/dev/null 2>&1 && return
    if as_root_on_debian; then
        debian_install chromium-headless-shell fonts-noto-cjk && return
        debian_install chromium fonts-noto-cjk && return
    fi
    "$venv/bin/python" -m playwright install chromium ||
        say "No browser could be installed: the browser tests will be skipped (and fail with CI=true)."
}

# The tests start an nginx of their own; Debian's package would start another one right away.
install_nginx() {
    PATH=$PATH:/usr/sbin command -v nginx >/dev/null 2>&1 && return
    if as_root_on_debian; then
        without_services debian_install nginx-light && return
    fi
    say "There is no nginx: its tests will be skipped (and fail with CI=true)."
}

without_services() {
    policy=/usr/sbin/policy-rc.d # Debian asks it before it starts a service
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    "$@" && installed=0 || installed=1
    rm -f "$policy"
    trap - EXIT INT TERM
    return "$installed"
}

fill_venv requirements.txt
if [ "$kind" = development ]; then
    fill_venv requirements-dev.txt
    install_browser
    install_nginx
fi
