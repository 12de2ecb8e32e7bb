#!/bin/sh
# Makes the secrets of deploy/compose.yaml, once: `sh deploy/secrets.sh`. What is there stays; keep the folder private and
# in a backup, since links that customers hold and everything sealed depend on it.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# put NAME VALUE: containers read their own files as another user, through a folder that is closed on this machine.
put() {
    [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"
    chmod 444 "secrets/$1"
}

for name in postgres owner app temporal; do put "${name}_password" "$(random)"; done
put owner_url "postgresql://bihuan:$(cat secrets/owner_password)@postgres:5432/bihuan"
put app_url "postgresql://bihuan_app:$(cat secrets/app_password)@postgres:5432/bihuan"
put internal_secret "$(random)"
put link_secret "$(random)"
put grafana_password "$(random)"
put smtp_password ''
[ -e secrets/signing.pem ] || openssl genpkey -algorithm ed25519 -out secrets/signing.pem
[ -e secrets/verify.pem ] || openssl pkey -in secrets/signing.pem -pubout -out secrets/verify.pem
chmod 444 secrets/signing.pem secrets/verify.pem

for name in page_url watch_url; do
    [ -e "secrets/$name" ] || printf '%s\n' "Write the address that Alertmanager posts to into deploy/secrets/$name." >&2
done
