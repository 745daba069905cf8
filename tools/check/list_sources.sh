#!/bin/sh
# Prints every C++ file of the working tree, those included that git does not track yet.
set -eu
cd "$(dirname "$0")/../.."
git ls-files --cached --others --exclude-standard '*.h' '*.cc' | sort -u | while read -r file; do
  [ ! -f "$file" ] || echo "$file"
done
