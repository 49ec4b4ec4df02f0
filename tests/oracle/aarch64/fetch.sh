#!/usr/bin/env bash
# usage: tests/oracle/aarch64/fetch.sh DIRECTORY
# Fetches Debian's static arm64 busybox and bash into DIRECTORY, without touching the system's
# apt state. The decoding oracle reads them (make oracle).
set -euo pipefail
directory=$(realpath -m "$1")
if [ -x "$directory/busybox" ] && [ -x "$directory/bash" ]; then exit 0; fi
state=$directory/apt
mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
touch "$state/state/status"
options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64
  -o "Dir::State=$state/state" -o "Dir::State::status=$state/state/status" -o "Dir::Cache=$state/cache")
apt-get "${options[@]}" -qq update
cd "$state"
apt-get "${options[@]}" -qq download busybox-static bash-static
for package in busybox-static bash-static; do dpkg -x "$package"_*_arm64.deb "$state/$package"; done
cp "$state/busybox-static/bin/busybox" "$directory/busybox"
cp "$state/bash-static/bin/bash-static" "$directory/bash"
