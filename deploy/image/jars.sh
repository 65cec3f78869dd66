#!/bin/sh
# jars.sh LOCK CACHE TARGET: copies the jars of a lock from the cache into a folder, and checks the SHA-256 of each.
# Paths must be absolute. Names are as in headrace/stack/jars.py: <group>/<artifact>-<version>.jar
set -eu
sums=$(mktemp)
trap 'rm -f "$sums"' EXIT
sed -E 's#^([0-9a-f]{64})  ([^:]+):([^:]+):(.+)$#\1  \2/\3-\4.jar#' "$1" > "$sums"
cd "$2"
sha256sum --check --strict --quiet "$sums"
mkdir -p "$3"
cut -c67- "$sums" | xargs cp -t "$3"
