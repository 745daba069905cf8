#!/bin/sh
# Builds the server's page: apps/web to build/web/dist, from where CMake embeds it into the program. Returns at once when it
# is there and up to date. Where it fails, it says so in a line, and there is no page: an old one would not fit the server.
#
# usage: tools/setup/make_web.sh
#
# The sources are copied to build/web, where npm's packages are: nothing is written beside the sources. Packages
# come from apps/web/package-lock.json, checked against its hashes; none of their install scripts runs.
set -eu
cd "$(dirname "$0")/../.."
web=build/web
sources=apps/web
bin=$(pwd)/.venv/bin

die() {
  echo "setup: $1; the program is built without its page" >&2
  exit 1
}
hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
is_stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
# Node is found on the path by npm and by the programs of its packages.
run() {
  (cd "$web" && PATH="$bin:$PATH" "$@") </dev/null >"$web/log" 2>&1 || die "$1 $2 failed ($web/log)"
}

wanted=$( (cat "$0" && find $sources -type f | LC_ALL=C sort | xargs sha256sum) | sha256sum | cut -d' ' -f1)
is_stamped $web/dist.sha256 "$wanted" && [ -f $web/dist/index.html ] && exit 0
mkdir -p $web
rm -rf $web/dist $web/dist.sha256 $web/src $web/public
[ -x "$bin/npm" ] || die "there is no npm at .venv/bin/npm (tools/setup/make_venv.sh installs it)"

packages=$(hash_of $sources/package.json $sources/package-lock.json)
is_stamped $web/packages.sha256 "$packages" || {
  echo "setup: installing the page's packages in build/web (about 80 MB)"
  rm -f $web/packages.sha256
  cp $sources/package.json $sources/package-lock.json $web/
  run npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1
  echo "$packages" >$web/packages.sha256
}

echo "setup: building the page in build/web/dist"
cp -R $sources/. $web/
run npm run build
echo "$wanted" >$web/dist.sha256
