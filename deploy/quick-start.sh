#!/usr/bin/env bash
# Follows docs/quick-start.md as a newcomer does: clones the repository, runs the blocks of
# commands of the page in their order in one shell, and prints when the ticket of the page's
# own event is there. A clone of this checkout stands for that from the network. It takes the
# page's ports: 9092, 9400, 9401 and 9500.
#
# Usage: quick-start.sh [COMMIT]   HEAD if it is not given; what is not committed is not there
set -euo pipefail

here=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
commit=$(git -C "$here" rev-parse "${1:-HEAD}")
dir=$(mktemp -d)
number=0
unset DESKSTREAM_CONFIG TRENGO_API_TOKEN KUSTOMER_API_KEY

say() { printf -- '-- after %3d s: %s\n' "$((SECONDS - began))" "$*"; }

cleanup() {
	local code=$?
	if [[ $code -ne 0 ]]; then
		printf 'block %d of the page failed:\n' "$number"
		cat "$dir/$number.sh" "$dir/out" || true
	fi >&2 2>/dev/null
	# What the page did not get to stop.
	jobs -p | xargs -r kill 2>/dev/null || true
	make --no-print-directory kafka-stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap cleanup EXIT

# until_there waits until a command's output has the text. The page says "a second later".
until_there() {
	local text=$1
	shift
	until "$@" 2>/dev/null | grep -q -- "$text"; do sleep 0.2; done
}

began=$SECONDS
git clone --quiet "$here" "$dir/deskstream"
cd "$dir/deskstream"
git checkout --quiet "$commit"
say "cloned"

awk -v dir="$dir" '
	/^```sh quickstart$/ { n++; file = dir "/" n ".sh"; next }
	/^```$/ { file = "" }
	file != "" { print > file }
' docs/quick-start.md
[[ -f $dir/7.sh && ! -f $dir/8.sh ]] || { echo "the page has other blocks than the seven that this script knows" >&2; exit 1; }

for number in 1 2 3 4 5 6 7; do
	case $number in
	4) until_there 'tickets -> 201' ./deskstream explain order-1 ;;
	6)
		until_there 'Order Completed MINE-1' curl -sf 'http://127.0.0.1:9500/_stub/tickets?destination=trengo'
		say "the ticket of one's own event is there"
		;;
	esac
	# Not in a condition: there a command of the block that fails would not end it.
	# shellcheck disable=SC1090
	source "$dir/$number.sh" >"$dir/out" 2>&1
	say "block $number, $(head -1 "$dir/$number.sh")"
done
