#!/bin/bash
# SPDX-License-Identifier: MIT
# How soon a service is reachable again: its client's link cut and mended 20 times, the client's address
# changed, the gateway's programs all killed and started, the client stopped and continued as a laptop
# that sleeps. Between namespaces made here; needs root. Prints bench records, one an event and one a kind.
# usage: bench/reconnect.sh [CUTS]
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "# reconnect needs root"; exit 0; }
BATS_TEST_DIRNAME=$PWD/tests/bats
bats_require_minimum_version() { :; }
. tests/bats/helper.bash
. tests/lab/lab.bash
. tests/lab/edge.bash
trap 'edge_down >/dev/null 2>&1' EXIT
cuts=${1:-20}
edge_up
mkdir "$T/site"
echo here >"$T/site/index.html"
begin web client1 busybox httpd -f -p 127.0.0.1:3000 -h "$T/site"
begin tcp client1 socat TCP-LISTEN:3001,bind=127.0.0.1,fork,reuseaddr EXEC:cat
begin_ready expose client1 rn expose localhost:3000 http --name web --public
begin_ready tcp-expose client1 rn expose localhost:3001 tcp --name echo
begin_ready forward client2 rn forward echo:3001 localhost:4001
url=$(field "$T/expose.log" url)

now_ms() { echo $(($(date +%s%N) / 1000000)); }
served() { [ "$(visit "$url/" --max-time 1 2>/dev/null)" = here ]; }
forwarded() { [ "$(on client2 timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/4001; echo x >&3; head -n 1 <&3' 2>/dev/null)" = x ]; }
listed_up() { on client1 rn expose list -o name,status 2>/dev/null | grep -qx "web	up"; }
# until KIND CHECK SINCE: polls it and prints when it held.
until_holds() {
	local deadline=$(($3 + 60000))
	until "$2"; do
		[ "$(now_ms)" -lt "$deadline" ] || { echo "bench=reconnect event=$1 what=$2 ms=never"; return; }
		sleep 0.02
	done
	echo "bench=reconnect event=$1 what=$2 ms=$(($(now_ms) - $3))"
}
measure() { # measure KIND: from now on
	local since
	since=$(now_ms)
	until_holds "$1" served "$since" &
	local a=$!
	until_holds "$1" forwarded "$since" &
	wait $! $a
	until_holds "$1" listed_up "$since"
}

{
	for i in $(seq "$cuts"); do
		lab_cut nat1
		# From a blink to longer than a handshake's retry.
		sleep "$(awk -v i="$i" 'BEGIN { print 0.2 + (i % 5) * 1.5 }')"
		lab_mend nat1
		measure cut
	done
	for i in 1 2 3; do
		in_ns client1 ip addr flush dev eth0 scope global
		in_ns client1 ip addr add "192.168.71.$((10 + i))/24" dev eth0
		in_ns client1 ip route replace default via 192.168.71.1
		measure roam
	done
	for i in 1 2 3; do
		# A reboot: all of the gateway's programs at once, then the agent again.
		for p in $(ip netns pids "$LAB-gateway"); do
			[ "$p" = "$$" ] || kill -9 "$p" 2>/dev/null || true
		done
		sleep 1
		begin_ready node gateway rn-node run gateway
		measure reboot
	done
	for i in 1 2 3; do
		pids=$(ip netns pids "$LAB-client1")
		for p in $pids; do kill -STOP "$p"; done
		sleep 15
		for p in $pids; do kill -CONT "$p"; done
		measure sleep
	done
} | tee "$T/events"
awk '{ for (i = 1; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] }; k = v["event"] " " v["what"]; n[k]++; x[k, n[k]] = v["ms"] }
	END { for (k in n) { m = n[k]; never = 0
		for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (x[k, j] + 0 < x[k, i] + 0) { t = x[k, i]; x[k, i] = x[k, j]; x[k, j] = t }
		for (i = 1; i <= m; i++) never += x[k, i] == "never"
		split(k, w, " "); printf "bench=reconnect-summary event=%s what=%s n=%d min_ms=%s median_ms=%s max_ms=%s never=%d\n", w[1], w[2], m, x[k, 1], x[k, int((m + 1) / 2)], x[k, m], never } }' "$T/events" | sort
