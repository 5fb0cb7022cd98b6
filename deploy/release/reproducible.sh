#!/usr/bin/env bash
# Builds the last commit twice, in clones at paths of different length: once with Go's cache
# as it is, once with an empty one. The two binaries have to be the same, byte for byte.
# With GOCACHE=$(mktemp -d) both begin with nothing.
set -euo pipefail
here=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT

build() { # CLONE
	git clone --quiet --no-hardlinks "$here" "$dir/$1"
	(cd "$dir/$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=true -ldflags=-w -o deskstream ./cmd/deskstream)
}

build a
GOCACHE=$dir/cache build a-longer-path
"$dir/a/deskstream" version
if command -v sha256sum >/dev/null; then sha256sum "$dir"/a*/deskstream; else shasum -a 256 "$dir"/a*/deskstream; fi | sed "s,$dir/,,"
cmp "$dir/a/deskstream" "$dir/a-longer-path/deskstream" || { echo "the two builds differ" >&2; exit 1; }
echo "the two builds are the same"
