#!/bin/bash
# SPDX-License-Identifier: MIT
# How long rn-discover takes with 20 listeners of which none answers, in a network namespace of its own.
set -euo pipefail
[ "${1:-}" = inside ] || exec unshare -Urn "$0" inside
ip link set lo up
pids=()
trap 'kill "${pids[@]}" 2>/dev/null' EXIT
for port in $(seq 7001 7020); do
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork" SYSTEM:'sleep 30' &
	pids+=($!)
done
for _ in $(seq 100); do
	[ "$(ss -Hltn | wc -l)" -ge 20 ] && break
	sleep 0.05
done
for round in 1 2 3 4 5; do
	begin=$(date +%s%N)
	n=$(rn-discover | wc -l)
	echo "bench=discover round=$round services=$n ms=$((($(date +%s%N) - begin) / 1000000))"
done
