#!/bin/sh
# Backs up what Portico knows: deploy/backup.sh DATABASE_URL FILE
# One consistent picture of the whole database, in the custom format of pg_dump, while Portico runs. The keys are not in it: without
# PORTICO_DATA_KEY_FILE what is restricted in it cannot be read. Keep them elsewhere, and the receipt key too.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 DATABASE_URL FILE" >&2; exit 2; }
pg_dump --format=custom --no-owner --no-privileges --file="$2.part" "$1"
mv "$2.part" "$2"
pg_restore --list "$2" > /dev/null
echo "$2: $(wc -c < "$2") bytes"
