#!/usr/bin/env bash
# Makes what packages have besides the binary: completions, and the unit for /usr/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=bin/release
mkdir -p "$out/completions"
go build -o "$out/deskstream" ./cmd/deskstream
for shell in bash zsh fish powershell; do
	"$out/deskstream" completion "$shell" >"$out/completions/deskstream.$shell"
done
rm "$out/deskstream"
sed 's,^ExecStart=/usr/local/bin/,ExecStart=/usr/bin/,' deploy/systemd/deskstream.service >"$out/deskstream.service"
