#!/usr/bin/env bash
# A Tryton 6.0 of one's own on this machine, filled with the sandbox's company.
#
#   run.sh start     install it, make or restore its database, start it
#   run.sh stop      stop it
#   run.sh remove    stop it and remove its database; the snapshot stays
#   run.sh portal    serve Portico over it and the sandbox's carrier; Ctrl-C ends
#   run.sh install   install its packages alone
#   run.sh with ...  run a command with PORTICO_TEST_TRYTON set, if its packages
#                    are there: a Tryton as filled, beside others, removed again
#   run.sh psql ...  run psql in its database
#   run.sh setting   print what tests need to know: URL, user, password, epoch
#
# PORTICO_TRYTON_DATA is its folder, PORTICO_TRYTON_PORT its port on loopback.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# No real secrets: the server is on loopback and its data are made up.
admin=tryton-Sandbox-1 password=portico-Sandbox-1
port=${PORTICO_TRYTON_PORT:-18000} # below the ephemeral ports, which anybody may have
if [ "$(id -u)" = 0 ]; then owner=tryton data=/var/lib/portico-tryton; else owner=$(id -un) data=$HOME/.local/share/portico-tryton; fi
data=${PORTICO_TRYTON_DATA:-$data}
if [ "${1:-}" = with ]; then # what a run that was killed left in one is not what the next begins with
  data=$(mktemp -du "${TMPDIR:-/tmp}/portico-tryton-XXXXXXXX")
  while (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do port=$((port + 1)); done
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/portico
database=erp config=$data/trytond.conf url=http://127.0.0.1:$port/$database

modules=(
  party company currency country product account account_product account_invoice stock account_invoice_stock sale purchase
  product_price_list product_price_list_dates sale_price_list account_credit_limit sale_credit_limit sale_product_customer sale_amendment
  purchase_request stock_supply carrier sale_shipment_cost product_measurements stock_package stock_shipment_measurements
  stock_package_shipping party_relationship
)
packages=(tryton-server python3-psycopg2 python3-tz)
for m in "${modules[@]}"; do packages+=("tryton-modules-${m//_/-}"); done

say() { printf 'tryton: %s\n' "$*" >&2; }

# become turns this shell into a command of the servers' user, with nothing of our
# environment; as runs one.
become() {
  cd /
  if [ "$(id -un)" = "$owner" ]; then exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; fi
  exec setpriv --reuid "$owner" --regid "$owner" --init-groups --reset-env env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
as() { (become "$@"); }

installed() { dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' "${packages[@]}" 2> /dev/null | grep '^installed '; }

install_packages() {
  [ "$(installed | wc -l)" = ${#packages[@]} ] && return
  command -v apt-get > /dev/null || { say "needs Debian 12 or a relative, whose packages have Tryton 6.0"; exit 1; }
  [ "$(id -u)" = 0 ] || { say "first: sudo apt-get install --no-install-recommends ${packages[*]}"; exit 1; }
  say "installing ${#packages[@]} packages of the distribution"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Nothing is started: this Tryton has a configuration and a database of its own.
  local policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap "rm -f $policy" EXIT; }
  apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
}

binaries() { ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -1; }

# sql runs statements in a database, over the cluster's socket.
sql() { local db=$1; shift; as psql -qAt -h "$data/socket" -d "$db" -v ON_ERROR_STOP=1 "$@"; }

cluster_runs() { as "$bin/pg_ctl" -D "$data/postgres" status > /dev/null 2>&1; }

start_cluster() {
  cluster_runs && return
  # A database that can be made again: it need not survive a crash. Its queries are many and small: compiling them takes longer.
  as "$bin/pg_ctl" -s -w -D "$data/postgres" -l "$data/postgres.log" -o "-c listen_addresses= -c unix_socket_directories=$data/socket -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c jit=off" start
}

make_cluster() {
  [ -d "$data/postgres" ] && return
  install -d -m 755 "$data"
  [ "$(id -u)" = 0 ] && chown "$owner" "$data"
  as mkdir -p -m 700 "$data/socket" "$data/files"
  as "$bin/initdb" -D "$data/postgres" -U "$owner" -A trust -E UTF8 --locale=C.UTF-8 --no-sync > /dev/null
}

configure() {
  as tee "$config" > /dev/null << CONFIG
[web]
listen = 127.0.0.1:$port
root =
[database]
uri = postgresql:///?host=$data/socket
path = $data/files
list = False
minconn = 8
CONFIG
}

pid() { cat "$data/trytond.pid" 2> /dev/null; }
runs() { local p; p=$(pid) && ps -o args= -p "$p" 2> /dev/null | grep -q trytond; }

answers() { curl -sf -o /dev/null -H 'Content-Type: application/json' -d '{"id":1,"method":"common.server.version","params":[]}' "http://127.0.0.1:$port/"; }

start_server() {
  runs && return
  if answers; then say "another Tryton listens on port $port: stop it, or set PORTICO_TRYTON_PORT"; exit 1; fi
  become trytond -c "$config" -d "$database" >> "$data/trytond.log" 2>&1 < /dev/null &
  echo $! > "$data/trytond.pid"
  # One interpreter serves whoever asks: where others take all cores, nobody would get an answer in time.
  renice -n -5 -p $! > /dev/null 2>&1 || true
  for _ in $(seq 300); do
    kill -0 "$(pid)" 2> /dev/null || break # as when another has the port
    answers && return
    sleep 0.1
  done
  say "it does not answer on port $port; its log ends:"
  tail -20 "$data/trytond.log" >&2
  exit 1
}

stop_server() {
  local p
  if runs; then
    p=$(pid)
    kill "$p" 2> /dev/null || true
    for _ in $(seq 100); do runs || break; sleep 0.1; done
  fi
  rm -f "$data/trytond.pid"
}

# fill activates the modules and writes the company.
fill() {
  say "activating ${#modules[@]} modules, which takes about a minute"
  sql postgres -c "CREATE DATABASE $database"
  # Tryton asks the catalogue for every foreign key, which takes five times as
  # long while the database knows nothing of its size.
  (while sleep 2; do sql $database -c 'ANALYZE pg_catalog.pg_constraint, pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_depend, pg_catalog.pg_namespace, pg_catalog.pg_index' || break; done) > /dev/null 2>&1 &
  local analyzing=$!
  as tee "$data/password" > /dev/null <<< "$admin"
  as env TRYTONPASSFILE="$data/password" trytond-admin -c "$config" -d $database -u "${modules[@]}" --activate-dependencies --email admin@example.org -l en > "$data/admin.log" 2>&1 ||
    { tail -20 "$data/admin.log" >&2; exit 1; }
  kill $analyzing 2> /dev/null || true
  sql $database -c ANALYZE
  start_server
  say "writing the company, which takes about two minutes"
  go run ./sandbox/tryton --url "$url" --admin-password $admin --password $password --epoch "$epoch" >&2
}

# keep_cluster keeps the cluster as it is now, for others to begin with.
keep_cluster() {
  stop_server
  as "$bin/pg_ctl" -s -w -D "$data/postgres" -m fast stop
  rm -rf "$cache"/tryton-*.cluster "$cluster.part"
  install -d -m 755 "$cluster.part"
  [ "$(id -u)" = 0 ] && chown "$owner" "$cluster.part"
  cp -a "$data/postgres" "$data/socket" "$data/files" "$data/epoch" "$data/seeded" "$cluster.part"
  mv "$cluster.part" "$cluster"
  start_cluster
}

start() {
  install_packages
  bin=$(binaries)
  # A snapshot is of these packages, modules and company, and of this month:
  # agreements end.
  local key snapshot cluster
  key=$({ installed; printf '%s\n' "${modules[@]}"; "$bin/postgres" --version; cat sandbox/tryton/*.go sandbox/*.go; date +%Y-%m; } | sha256sum | cut -c1-16)
  snapshot=$cache/tryton-$key.dump cluster=$cache/tryton-$key.cluster
  # A cluster that has it is copied in a second; restoring takes ten.
  if [ ! -d "$data" ] && [ -d "$cluster" ]; then
    install -d -m 755 "$data"
    cp -a --reflink=auto "$cluster/." "$data"
  fi
  make_cluster
  configure
  start_cluster
  if [ "$(cat "$data/seeded" 2> /dev/null)" != "$key" ]; then
    stop_server
    sql postgres -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"
    if [ -f "$snapshot" ]; then
      say "restoring $snapshot"
      sql postgres -c "CREATE DATABASE $database"
      as "$bin/pg_restore" -h "$data/socket" -d $database < "$snapshot"
      cp "$snapshot.epoch" "$data/epoch"
    else
      epoch=$(date +%F)
      fill
      mkdir -p "$cache"
      as "$bin/pg_dump" -h "$data/socket" -Fc $database > "$snapshot.part"
      echo "$epoch" | tee "$data/epoch" > "$snapshot.epoch"
      mv "$snapshot.part" "$snapshot"
    fi
    echo "$key" > "$data/seeded"
    keep_cluster
  fi
  start_server
  say "Tryton answers on $url: user admin, password $admin; Portico is user portico there."
}

# settings are Portico's: Tryton is the ERP, the ledger and the warehouse, and
# carrier and CRM are the sandbox's.
settings() {
  printf '%s\n' $password > "$data/portico.password"
  printf 'sandbox-key\n' > "$data/sandbox.key"
  local sandbox=${PORTICO_SANDBOX_ADDR:-localhost:8090}
  cat > "$data/portico.yml" << SETTINGS
sandbox: true
sources:
  erp:
    adapter: tryton
    url: $url
    user: portico
    key_file: $data/portico.password
    limits: { timeout: 10s, concurrency: 4, batch: 100, poll: 2s }
  carrier: { adapter: sandbox-carrier, url: "http://$sandbox/carrier", key_file: $data/sandbox.key }
  crm: { adapter: sandbox-crm, url: "http://$sandbox/crm", key_file: $data/sandbox.key }
routes:
  warehouses: erp
  categories: erp
  suppliers: erp
  accounts: erp
  calendars: crm
  credit: erp
  items: erp
  contracts: erp
  inventory: erp
  orders: erp
  purchase_orders: erp
  shipments: erp
  tracking: carrier
  invoices: erp
  returns: erp
  pricing: erp
SETTINGS
}

setting() { echo "$url portico $password $(cat "$data/epoch")"; }

portal() {
  settings
  export PORTICO_CONFIG=$data/portico.yml PORTICO_DATA=${PORTICO_DATA:-$data/portal}
  exec bin/portico serve
}

stop() {
  bin=$(binaries)
  stop_server
  if cluster_runs; then as "$bin/pg_ctl" -s -w -D "$data/postgres" -m fast stop; fi
}

case ${1:-} in
  start) start; say "\`make tryton-stop\` stops it" ;;
  stop) stop ;;
  portal) portal ;;
  install) install_packages ;;
  with)
    shift
    [ "$(installed | wc -l)" = ${#packages[@]} ] || exec "$@"
    trap 'stop; rm -rf "$data"' EXIT
    start
    code=0
    PORTICO_TEST_TRYTON="$(setting)" "$@" || code=$?
    exit $code
    ;;
  remove) stop; rm -rf "$data" ;;
  setting) setting ;;
  psql) shift; sql $database "$@" ;;
  *) sed -n '2,15p' "${BASH_SOURCE[0]}" | sed 's/^# \?//' >&2; exit 2 ;;
esac
