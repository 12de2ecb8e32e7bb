#!/bin/sh
# Roles and databases, on the first start of an empty PostgreSQL. `bihuan` owns and migrates, `bihuan_app` is what
# services work as: it cannot change the journal. Temporal keeps its own databases.
set -eu

secret() { cat "${SECRETS:-/run/secrets}/$1"; }

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$(secret owner_password)" --set app_password="$(secret app_password)" \
    --set temporal_password="$(secret temporal_password)" <<'SQL'
CREATE ROLE bihuan LOGIN PASSWORD :'owner_password';
CREATE ROLE bihuan_app LOGIN PASSWORD :'app_password';
GRANT bihuan_app TO bihuan;
CREATE DATABASE bihuan OWNER bihuan;
REVOKE ALL ON DATABASE bihuan FROM PUBLIC;
GRANT CONNECT ON DATABASE bihuan TO bihuan, bihuan_app;

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
