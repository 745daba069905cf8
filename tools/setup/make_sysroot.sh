#!/bin/sh
# Makes build/sysroot/ARCH: Debian's libraries of another architecture that the tests link with, for cross compilers and
# qemu-user. Returns at once when it is there and up to date.
#
# usage: tools/setup/make_sysroot.sh ARCH      arm64 or armhf
#
# The packages are those of packages.txt's libraries, with what they depend on, from the machine's own apt sources; they are
# unpacked, never installed, with apt's state in a folder beside them: the machine itself learns of no other architecture.
set -eu
cd "$(dirname "$0")/../.."
arch=$1
list=tools/setup/packages.txt
sysroot=$(pwd)/build/sysroot/$arch
work=$sysroot.apt
stamp=$sysroot/packages.sha256

packages=$(sed -n '/^# libraries/,/^# the Python/p' "$list" | grep -v -e '^#' -e '-compiler$' -e '^libbenchmark')
wanted=$(printf '%s %s\n' "$packages" "$(cat "$0") $sysroot" | sha256sum | cut -d' ' -f1)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

command -v apt-get >/dev/null || {
  echo "setup: no apt-get: a sysroot for $arch takes a Debian machine" >&2
  exit 1
}
echo "setup: making build/sysroot/$arch"
rm -rf "$sysroot" "$work"
mkdir -p "$sysroot/usr/lib" "$work/state/lists/partial" "$work/cache/archives/partial"
: >"$work/status"
try_apt() {
  apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work/state" \
    -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" "$@" \
    </dev/null >"$work/log" 2>&1
}
apt() {
  try_apt "$@" || {
    tail -n 30 "$work/log" >&2
    echo "setup: apt-get $1 for $arch failed" >&2
    exit 1
  }
}
# A list that fails to load (a mirror between two syncs) matters only where a package is then missing.
try_apt update || true
apt install --download-only --yes --no-install-recommends libc6-dev $packages

# /lib is /usr/lib, as on an installed Debian.
ln -s usr/lib "$sysroot/lib"
for package in "$work"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$sysroot" --keep-directory-symlink
done
# Links and CMake packages that name a path from the root stay inside.
find "$sysroot" -type l -lname '/*' | while read -r link; do
  ln -sfnr "$sysroot$(readlink "$link")" "$link"
done
find "$sysroot" -name '*.cmake' -exec sed -i "s|\"/usr/|\"$sysroot/usr/|g; s|\"/usr\"|\"$sysroot/usr\"|g" {} +
rm -rf "$work"
echo "$wanted" >"$stamp"
