#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes this machine a gateway and runs it in the foreground. Run again, it only runs.
#
#   examples/gateway.sh gateway.example.com [INIT-OPTION...]
set -eu
domain=${1:?usage: gateway.sh DOMAIN [rn-console init options]}
shift

if ! rn-console status >/dev/null 2>&1; then
	rn-console init "$domain" "$@"
fi
exec rn-node run gateway
