#!/bin/sh
# Backs up what Portico knows: deploy/backup.sh DATABASE_URL AUDIT_FOLDER FILE
# One consistent picture of the whole database, in the custom format of pg_dump, while Portico runs; and beside it, in FILE.audit, the
# signed heads of the audit log with their public keys. The private keys are in neither: without PORTICO_DATA_KEY_FILE what is restricted
# cannot be read. Keep them elsewhere, and those for receipts and the audit log, too.
set -eu
[ $# -eq 3 ] || { echo "usage: $0 DATABASE_URL AUDIT_FOLDER FILE" >&2; exit 2; }
# The heads come first, so that all that they were signed for is in the picture of the database.
rm -rf "$3.audit.part"
mkdir -p "$3.audit.part"
cp "$2/heads" "$2/key.pub" "$3.audit.part"
pg_dump --format=custom --no-owner --no-privileges --file="$3.part" "$1"
pg_restore --list "$3.part" > /dev/null
rm -rf "$3.audit"
mv "$3.audit.part" "$3.audit"
mv "$3.part" "$3"
echo "$3: $(wc -c < "$3") bytes"
