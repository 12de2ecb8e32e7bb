#!/bin/sh
# Provides programs that some tests drive, where Debian's archive is at hand: chromium and Chinese fonts (installed, as
# root), promtool, amtool and caddy (unpacked into .tools/programs: installing them would start servers). What cannot
# be had is told, and the tests that need it skip. Every step is bounded in time.
set -eu
cd "$(dirname "$0")/.."
programs=.tools/programs

say() { printf '  %s\n' "$*"; }
apt() { timeout 240 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
has_fonts() { ls /usr/share/fonts/opentype/noto/*CJK* >/dev/null 2>&1; }

missing_packages() {
    command -v chromium >/dev/null || printf 'chromium '
    has_fonts || printf 'fonts-noto-cjk'
}

refresh_lists() {
    [ -z "${refreshed:-}" ] || return 0
    refreshed=yes
    ! is_root || apt update || true
}

install_packages() {
    say "Installing $1 ..."
    export DEBIAN_FRONTEND=noninteractive
    apt install -y --no-install-recommends $1 && return
    refresh_lists
    apt install -y --no-install-recommends $1
}

download() {
    (cd $programs && apt download prometheus prometheus-alertmanager caddy)
}

unpack_programs() {
    say "Unpacking promtool, amtool and caddy ..."
    rm -rf $programs && mkdir -p $programs
    download || { refresh_lists; download; } || return 1
    for package in $programs/*.deb; do dpkg-deb -x "$package" $programs || return 1; done
    mv $programs/usr/bin $programs/bin && rm -rf $programs/*.deb $programs/usr $programs/etc $programs/lib $programs/var
    rm -f $programs/bin/prometheus $programs/bin/prometheus-alertmanager
    has_programs
}

has_programs() {
    for name in promtool amtool caddy; do
        [ -x $programs/bin/$name ] || command -v $name >/dev/null || return 1
    done
}

command -v apt-get >/dev/null && command -v timeout >/dev/null || exit 0
packages=$(missing_packages)
if [ -n "$packages" ] && is_root; then
    install_packages "$packages" || say "$packages could not be installed: tests that need it skip." >&2
fi
has_programs || unpack_programs || say "promtool, amtool and caddy could not be had: tests that need them skip." >&2
