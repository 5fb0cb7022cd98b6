#!/usr/bin/env bash
# Prints the path of a Chromium for the tests beside it: that of CHROMIUM, else one that is
# installed, else Debian's headless one, which it unpacks below the user's cache without root.
# Exits with 3 and says why where none can be had.
set -euo pipefail

none() {
	echo "no browser: $*" >&2
	exit 3
}

if [[ -n ${CHROMIUM:-} ]]; then
	command -v "$CHROMIUM" || none "CHROMIUM names $CHROMIUM, which is no program"
	exit
fi
for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
	if command -v "$name"; then exit; fi
done
for tool in apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || none "no Chromium is installed, and without $tool Debian's cannot be unpacked; install one, or set CHROMIUM"
done

home=${XDG_CACHE_HOME:-$HOME/.cache}/deskstream-browser
mkdir -p "$home"
# Lists and archives of our own, since those of the system belong to root. The system's sources
# and keys count: apt checks the signatures.
mkdir -p "$home"/{lists,archives}/partial
apt() {
	apt-get -q -o Dir::State::lists="$home/lists" -o Dir::Cache="$home" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" "$@"
}

# wanted prints NAME=VERSION of the package and of the libraries that this machine lacks.
wanted() {
	apt -s --no-install-recommends install chromium-headless-shell | sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p'
}

log=$home/log
if [[ -z $(find "$home/lists" -name '*Packages*' -mtime -1 -print -quit) ]]; then
	apt update >"$log" 2>&1 || none "apt-get update failed: $(tail -n 3 "$log")"
fi
packages=$(wanted 2>"$log") || none "Debian's package chromium-headless-shell cannot be installed here: $(tail -n 3 "$log")"
[[ -n $packages ]] || none "apt-get lists nothing to install for chromium-headless-shell"

# The folder is named after what is in it: a new version gets a folder of its own.
root=$home/$(cksum <<<"$packages" | cut -d ' ' -f 1)
if [[ ! -x $root/browser ]]; then
	rm -rf "$root" "$root.new"
	mkdir -p "$root.new/debs"
	# shellcheck disable=SC2086 # one argument for each package
	(cd "$root.new/debs" && apt download $packages) >"$log" 2>&1 || none "Debian's packages could not be downloaded: $(tail -n 3 "$log")"
	for deb in "$root.new"/debs/*.deb; do
		dpkg-deb -x "$deb" "$root.new"
	done
	rm -rf "$root.new/debs"
	# Some libraries have a folder of their own.
	cat >"$root.new/browser" <<-'END'
		#!/bin/sh
		root=$(dirname "$0")
		LD_LIBRARY_PATH=$(find "$root/usr/lib" "$root/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | tr '\n' :)$LD_LIBRARY_PATH
		export LD_LIBRARY_PATH
		exec "$root/usr/lib/chromium/chromium-headless-shell" "$@"
	END
	chmod +x "$root.new/browser"
	mv "$root.new" "$root"
fi
"$root/browser" --version >"$log" 2>&1 || none "Debian's Chromium does not start here: $(tail -n 3 "$log")"
echo "$root/browser"
