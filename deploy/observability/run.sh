#!/bin/sh
# Starts Prometheus and Grafana beside a running Portico, as far as they are installed: what there is to see is
# at http://localhost:9090 and http://localhost:3000. Ctrl-C ends both.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${PORTICO_OBSERVABILITY_DATA:-$(mktemp -d)}
started=
trap 'kill $started 2> /dev/null || true; wait' EXIT INT TERM
if command -v prometheus > /dev/null; then
  prometheus --config.file="$here/prometheus.yml" --storage.tsdb.path="$data/prometheus" --web.listen-address=localhost:9090 --enable-feature=exemplar-storage &
  started="$started $!"
  echo "Prometheus: http://localhost:9090/alerts"
else
  echo "Prometheus is not installed: on Debian and Ubuntu, apt-get install prometheus"
fi
if command -v grafana > /dev/null; then
  mkdir -p "$data/provisioning/datasources" "$data/provisioning/dashboards"
  cp "$here/grafana/datasources.yml" "$data/provisioning/datasources/"
  cp "$here/grafana/dashboards.yml" "$data/provisioning/dashboards/"
  PROMETHEUS_URL=http://localhost:9090 PORTICO_DASHBOARDS="$here/grafana/dashboards" GF_PATHS_DATA="$data/grafana" GF_PATHS_PROVISIONING="$data/provisioning" GF_AUTH_ANONYMOUS_ENABLED=true \
    grafana server --homepath "${GRAFANA_HOME:-/usr/share/grafana}" &
  started="$started $!"
  echo "Grafana: http://localhost:3000/dashboards"
else
  echo "Grafana is not installed: https://grafana.com/docs/grafana/latest/setup-grafana/installation/"
fi
[ -n "$started" ] || exit 1
wait
