#!/bin/sh
# Installs the Debian packages of a list that are missing; says nothing and returns at once when none is.
#
# usage: tools/setup/install_packages.sh [LIST]    by default packages.txt beside this file
set -eu
list=${1:-$(dirname "$0")/packages.txt}

if ! command -v dpkg-query >/dev/null; then
  echo "setup: not a Debian machine; install by hand what $list names (continuing)" >&2
  exit 0
fi

installed=$(dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p')
missing=$(grep -v '^#' "$list" | while read -r package; do
  echo "$installed" | grep -qxF "$package" || echo "$package"
done)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo >/dev/null; then
  sudo=sudo
else
  echo "setup: these packages are missing, and neither root nor sudo is at hand:" $missing >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    echo "setup: apt-get $1 failed" >&2
    exit 1
  }
}
echo "setup: installing" $missing
apt update
apt install --yes --no-install-recommends $missing
