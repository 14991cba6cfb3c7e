#!/bin/sh
# Starts PostgreSQL, once initialised under PGDATA from POSTGRES_USER, POSTGRES_PASSWORD (or
# POSTGRES_PASSWORD_FILE), POSTGRES_DB, POSTGRES_INITDB_ARGS and /docker-entrypoint-initdb.d, the
# words of the well-known image. An initialisation that was killed halfway is begun anew.
set -eu

bin=$(echo /usr/lib/postgresql/*/bin)
PATH="$bin:$PATH"
export PATH PGDATA

as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA" /run/postgresql
        chown postgres:postgres "$PGDATA" /run/postgresql
        find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
        exec su -m -s /bin/sh postgres -c 'exec "$0" "$@"' -- "$0" "$@"
    fi
}

password() {
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then cat "$POSTGRES_PASSWORD_FILE"; else printf '%s' "${POSTGRES_PASSWORD:-}"; fi
}

check_password() {
    if [ -z "$(password)" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "error: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust for a database without one" >&2
        exit 1
    fi
}

run_init_files() {
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sh) echo "running $file"; . "$file" ;;
            *.sql) echo "running $file"; query --dbname "$database" --file "$file" ;;
            *.sql.gz) echo "running $file"; gunzip -c "$file" | query --dbname "$database" ;;
            *) ;;
        esac
    done
}

query() {
    psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --host /run/postgresql --username "$user" "$@"
}

# All of it happens in a folder beside the final place; PG_VERSION, which tells PostgreSQL that there
# is a database, is moved last.
initialise() {
    check_password
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    new="$PGDATA/.initialising"
    if [ -e "$new" ]; then
        find "$PGDATA" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    fi
    mkdir "$new"
    password > /tmp/password
    if [ -s /tmp/password ]; then set -- --pwfile /tmp/password; else set --; fi
    # shellcheck disable=SC2086
    initdb --pgdata "$new/data" --username "$user" --encoding UTF8 --locale C.UTF-8 \
        --auth-local trust --auth-host "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" "$@" ${POSTGRES_INITDB_ARGS:-}
    rm -f /tmp/password
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$new/data/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$new/data/postgresql.conf"
    pg_ctl --pgdata "$new/data" --wait --options "-c listen_addresses=''" start
    if [ "$database" != postgres ]; then
        echo 'CREATE DATABASE :"db";' | query --dbname postgres --set db="$database"
    fi
    run_init_files
    pg_ctl --pgdata "$new/data" --wait --mode fast stop
    find "$new/data" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv {} "$PGDATA/" \;
    sync
    mv "$new/data/PG_VERSION" "$PGDATA/"
    rm -rf "$new"
}

case "${1:-postgres}" in
    -*) set -- postgres "$@" ;;
esac
if [ "${1:-postgres}" = postgres ]; then
    as_postgres "$@"
    chmod 700 "$PGDATA" || :
    if [ ! -s "$PGDATA/PG_VERSION" ]; then (initialise); fi
    rm -rf "$PGDATA/.initialising"
fi
exec "$@"
