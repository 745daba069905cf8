#!/bin/bash
# Whether the server of this container takes requests: exit status 0, or another. The image's HEALTHCHECK (Dockerfile).
#
# usage: health.sh [PID]    of the server, by default 1
#
# Port and TLS are those of its command line, or else of the variables that it sees. The image has no client: bash asks by itself,
# and where TLS is on only whether the port is open, which it is when all models have been loaded. Left out: a port that the file of
# --config says.
set -eu
port=${SLIPWAY_SERVE_PORT:-8000}
certificate=${SLIPWAY_SERVE_TLS_CERT:-}
mapfile -d '' -t words <"/proc/${1:-1}/cmdline"
for i in "${!words[@]}"; do
  case ${words[i]} in
    --port) port=${words[i + 1]} ;;
    --port=*) port=${words[i]#*=} ;;
    --tls-cert | --tls-cert=*) certificate=yes ;;
  esac
done
exec 3<>"/dev/tcp/127.0.0.1/$port"
[ -z "$certificate" ] || exit 0
printf 'GET /v2/health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
