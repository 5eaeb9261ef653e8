#!/bin/sh
# Everything: lint first, since it is quick, then all tests with branch coverage of what changes sites.
# The real components come with the locked requirements (Temporal's dev server, UI and time-skipping
# server); the table at the end says which of them ran, and under CI=true a missing one is a failure.
set -eu
cd "$(dirname "$0")/.."

make --no-print-directory lint
STARFLOCK_WHOLE_RUN=1 exec .venv/bin/python -m pytest --cov --cov-report=term:skip-covered "$@"
