#!/bin/sh
# Brings Temporal's databases to the schema of this image's version; runs before the server, at every start.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal_password)
export SQL_PASSWORD

for database in temporal visibility; do
    name=temporal
    [ $database = temporal ] || name=temporal_visibility
    tool="temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --db $name"
    # Leaves a schema that is there already alone.
    $tool setup-schema -v 0.0
    $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$database/versioned"
done
