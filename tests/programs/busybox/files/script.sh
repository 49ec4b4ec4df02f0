#!/bin/sh
# run by sh and ash: builtins only
echo "$0 has $# arguments: $*"
count=0
while [ $count -lt 3 ]; do count=$((count + 1)); echo "count $count"; done
read -r first <<END
$((40 + 2)) from a here-document
END
echo "$first"
greet() { echo "hello ${1:-nobody}"; }
greet "$1"
IFS=:
set -- a:b:c
for part in $1; do echo "part $part"; done
exit 7
