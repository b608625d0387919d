#!/bin/sh
# Restores a backup into an empty database: deploy/restore.sh FILE DATABASE_URL AUDIT_FOLDER
# Then start Portico with that DATABASE_URL, PORTICO_AUDIT_FOLDER and the same keys. Its log of changes begins anew, so that portals
# are told of a gap and read again; sources are read on from where the backup was, and operations that ran go on, looking up at the ERP what
# they may have done meanwhile before they do it. The heads of the audit log that were signed after the backup are put beside the others.
set -eu
[ $# -eq 3 ] || { echo "usage: $0 FILE DATABASE_URL AUDIT_FOLDER" >&2; exit 2; }
if [ "$(psql "$2" -Atc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
  echo "The database is not empty: make a new one, so that nothing is mixed." >&2
  exit 1
fi
[ -e "$1.audit/heads" ] || { echo "$1.audit has no heads of the audit log: it belongs to the backup." >&2; exit 1; }
pg_restore --no-owner --no-privileges --exit-on-error --single-transaction --dbname="$2" "$1"
psql "$2" -qc ANALYZE
mkdir -p "$3"
if [ -e "$3/heads" ]; then
  mv "$3/heads" "$3/heads-until-$(date -u +%Y%m%dT%H%M%SZ)"
fi
cp "$1.audit/heads" "$3/heads"
touch "$3/key.pub" # keys that are known here stay known
sort -u "$1.audit/key.pub" "$3/key.pub" > "$3/key.pub.part"
mv "$3/key.pub.part" "$3/key.pub"
echo restored
