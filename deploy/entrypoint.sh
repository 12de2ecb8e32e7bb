#!/bin/sh
# Runs roles or a command with settings that are secret taken from files: /run/secrets/BIHUAN_... holds that variable.
set -eu
for file in "${BIHUAN_SECRETS:-/run/secrets}"/BIHUAN_*; do
    [ ! -e "$file" ] || export "$(basename "$file")=$(cat "$file")"
done
exec python -m services.run "$@"
