#!/bin/sh
# Restores a backup into an empty database: deploy/restore.sh FILE DATABASE_URL
# Then start Portico with that DATABASE_URL and the same keys. Its log of changes begins anew, so that portals' streams are told
# of a gap and read again; sources are read on from where the backup was, and operations that ran go on, looking up at the ERP what they may have
# done meanwhile before they do it.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 FILE DATABASE_URL" >&2; exit 2; }
if [ "$(psql "$2" -Atc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
  echo "The database is not empty: make a new one, so that nothing is mixed." >&2
  exit 1
fi
pg_restore --no-owner --no-privileges --exit-on-error --single-transaction --dbname="$2" "$1"
psql "$2" -qc ANALYZE
echo restored
