# Finds Python, installs uv (which reads the lock file) into .tools, out of the way of everything else on the machine,
# and installs locked packages. Sourced, from the top of the checkout, by the scripts beside it.
uv_version=0.13.9
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONHOME PYTHONPATH

say() { printf '  %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        found=$("$name" -c 'import sys; sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null) || continue
        [ -n "$found" ] && { printf '%s' "$found"; return; }
    done
    return 1
}

uv_works() { [ "$("$uv" --version 2>/dev/null | cut -d' ' -f2)" = "$uv_version" ]; }

install_uv_in_venv() {
    uv=.tools/uv/bin/uv
    rm -rf .tools/uv
    "$python" -m venv .tools/uv >/dev/null 2>&1 && .tools/uv/bin/python -m pip install --quiet --quiet "uv==$uv_version"
}

install_uv_with_pip() {
    uv=.tools/uv/bin/uv
    rm -rf .tools/uv
    "$@" install --quiet --quiet --target .tools/uv "uv==$uv_version"
}

# Debian and Ubuntu leave the modules venv and pip out of Python's own package.
debian_name() { "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'; }

install_debian_venv() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    say "Installing $(debian_name) ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq "$(debian_name)" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq "$(debian_name)"; } >/dev/null 2>&1
}

unpack_debian_pip() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    rm -rf .tools/pip && mkdir -p .tools/pip
    (cd .tools/pip && apt-get download -qq python3-pip-whl >/dev/null 2>&1 && dpkg-deb -x ./*.deb .) || return 1
    pip_wheel=$(ls .tools/pip/usr/share/python-wheels/pip-*.whl)
}

# Sets `python` and `uv`.
install_uv() {
    python=$(find_python) || fail "Python 3.11 or later is needed and was not found: install it (on Debian and Ubuntu: apt install python3)."
    export UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}"
    [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
    [ -w "${HOME:-/nowhere}" ] || export UV_CACHE_DIR="$PWD/.tools/cache"
    mkdir -p .tools
    uv=.tools/uv/bin/uv
    uv_works && return
    say "Installing uv $uv_version ..."
    install_uv_in_venv && uv_works && return
    if "$python" -m pip --version >/dev/null 2>&1; then
        install_uv_with_pip "$python" -m pip && uv_works && return
    fi
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        fail "uv $uv_version could not be installed from the package index: check the network and pip's configuration."
    fi
    install_debian_venv && install_uv_in_venv && uv_works && return
    unpack_debian_pip && install_uv_with_pip "$python" "$pip_wheel/pip" && uv_works && return
    uv=$(command -v uv) && return
    fail "Python's module venv is missing: install it (on Debian and Ubuntu: apt install $(debian_name)) and run this again."
}

# An index that pip or uv is configured for serves every package; its addresses replace those of the lock file, whose
# hashes still decide what is accepted.
own_index() {
    [ -n "${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-}}" ] && { printf '%s' "${UV_DEFAULT_INDEX:-$UV_INDEX_URL}"; return; }
    [ -n "${PIP_INDEX_URL:-}" ] && { printf '%s' "$PIP_INDEX_URL"; return; }
    "$python" -m pip config get global.index-url 2>/dev/null || .tools/uv/bin/python -m pip config get global.index-url 2>/dev/null || true
}

# install_locked REQUIREMENTS TO...: what `uv export` wrote, hashes checked.
install_locked() {
    requirements=$1
    shift
    index=$(own_index)
    "$uv" pip install --quiet --require-hashes ${index:+--default-index "$index"} "$@" --requirements "$requirements"
}
