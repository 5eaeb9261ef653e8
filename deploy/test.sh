#!/bin/sh
# Everything: lint first, since it is quick, then all tests with branch coverage of what changes sites.
# The real components come with the locked requirements (Temporal's dev server, UI and time-skipping
# server), PostgreSQL from Debian; the table at the end says which of them ran, and under CI=true a missing
# one is a failure.
set -eu
cd "$(dirname "$0")/.."

postgresql_is_here() {
    for found in /usr/lib/postgresql/*/bin/postgres "$(pg_config --bindir 2>/dev/null)/postgres" \
        "$(command -v postgres)"; do
        [ -x "$found" ] && return 0
    done
    return 1
}

# The binaries only: the tests start servers of their own, so Debian is told to make and start none.
install_postgresql() {
    conf=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$conf" ]; then
        mkdir -p "${conf%/*}" && echo 'create_main_cluster = false' >"$conf" || return
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold postgresql >/dev/null
}

make --no-print-directory lint
if ! postgresql_is_here; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_postgresql || echo "starflock: PostgreSQL could not be installed; its tests are skipped" >&2
    else
        echo "starflock: no PostgreSQL server here, its tests are skipped;" \
            "run: sudo apt-get install postgresql" >&2
    fi
fi
STARFLOCK_WHOLE_RUN=1 exec .venv/bin/python -m pytest --cov --cov-report=term:skip-covered "$@"
