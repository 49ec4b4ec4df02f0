#!/usr/bin/env bash
# usage: tests/programs/debian/fetch.sh DIRECTORY
# Fetches static arm64 programs of Debian's into DIRECTORY, beside those of tests/oracle/aarch64/fetch.sh.
set -euo pipefail
directory=$(realpath -m "$1")
# name here, package, where it lies in that
programs="zsh zsh-static bin/zsh-static
lksh mksh bin/lksh
mksh-musl mksh usr/lib/aarch64-linux-musl/bin/mksh
mksh-diet mksh usr/lib/diet/bin/mksh
sash sash bin/sash
tini tini usr/bin/tini-static
catatonit catatonit usr/bin/catatonit
ldconfig libc-bin sbin/ldconfig
gpgv gpgv-static usr/bin/gpgv-static
e2fsck e2fsck-static sbin/e2fsck.static
gzip-klibc klibc-utils usr/lib/klibc/bin/gzip"
state=$directory/apt
mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
touch "$state/state/status"
options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64
  -o "Dir::State=$state/state" -o "Dir::State::status=$state/state/status" -o "Dir::Cache=$state/cache")
cd "$state"
updated=
while read -r name package path; do
  [ -x "$directory/$name" ] && continue
  [ -n "$updated" ] || apt-get "${options[@]}" -qq update
  updated=yes
  [ -d "$state/$package" ] || { apt-get "${options[@]}" -qq download "$package"; dpkg -x "$package"_*_arm64.deb "$state/$package"; }
  cp "$state/$package/$path" "$directory/$name"
done <<<"$programs"
