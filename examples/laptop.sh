#!/bin/sh
# SPDX-License-Identifier: MIT
# Joins with an invitation (once) and exposes everything that rn-discover finds and PATTERN keeps.
#
#   examples/laptop.sh 'rn://gateway.example.com/…' 'protocol=http'
set -eu
invite=${1:?usage: laptop.sh INVITATION [PATTERN]}
pattern=${2:-.}

rn-node status >/dev/null 2>&1 || rn join "$invite"
found=$(rn-discover | grep -- "$pattern")
exec rn-expose - <<FOUND
$found
FOUND
