#!/bin/sh
# Makes what this checkout needs to run: `sh deploy/environment.sh` for what runs, `... dev` for the tools of tests and
# checks too. Needs Python 3.11 or later and a way to PyPI (or the index that pip or uv is configured for); pages need
# npm's registry (or the one that npm is configured for) besides.
set -eu
cd "$(dirname "$0")/.."
level=${1:-run}
. deploy/uv.sh

fingerprint() { cksum uv.lock pyproject.toml deploy/environment.sh deploy/uv.sh | cksum | tr -d ' '; }

is_fresh() {
    stamp=$(cat .venv/stamp 2>/dev/null) || return 1
    { [ "$stamp" = "dev $1" ] || [ "$stamp" = "$level $1" ]; } && .venv/bin/python -c '' 2>/dev/null
}

sync() {
    [ "$level" = dev ] && groups='--group dev' || groups='--no-dev'
    if [ -z "$(own_index)" ]; then
        "$uv" sync --quiet --frozen --inexact $groups --python "$python"
        return
    fi
    "$uv" export --quiet --frozen --no-emit-project $groups --python "$python" --output-file .tools/requirements.txt >/dev/null
    [ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
    install_locked .tools/requirements.txt --python .venv
}

make_venv() {
    install_uv
    say "Installing the locked dependencies with $("$python" -V) ..."
    sync || fail "The locked dependencies could not be installed: check the network and the configuration of pip or uv."
    # Loads nearly everything once: two processes that start together would both compile it.
    .venv/bin/python -m services.run openapi >/dev/null 2>&1 || true
    printf '%s %s\n' "$level" "$1" > .venv/stamp
}

now=$(fingerprint)
is_fresh "$now" || make_venv "$now"
sh deploy/front_end.sh "$level"
[ "$level" != dev ] || sh deploy/programs.sh
