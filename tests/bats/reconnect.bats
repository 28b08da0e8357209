#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is lost comes back by itself within seconds, and nothing shows "up" while it is not. The figures
# are bench/reconnect.sh's.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
	mkdir -p "$T/site"
	echo "still here" >"$T/site/index.html"
	begin web client1 busybox httpd -f -p 127.0.0.1:3000 -h "$T/site"
	begin tcp client1 socat TCP-LISTEN:3001,bind=127.0.0.1,fork,reuseaddr EXEC:cat
	begin_ready expose client1 rn expose localhost:3000 http --name web --public
	begin_ready echo client1 rn expose localhost:3001 tcp --name echo
	begin_ready forward client2 rn forward echo:3001 localhost:4001
	field "$T/expose.log" url >"$T/url"
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() {
	need_root
	URL=$(<"$T/url")
}

serves() { [ "$(visit "$URL/" --max-time 1)" = "still here" ]; }
forwards() { [ "$(on client2 timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/4001; echo x >&3; head -n 1 <&3')" = x ]; }
listed() { [ "$(on client1 rn expose list -o name,status | sed -n 's/^web\t//p')" = "$1" ]; }
# within SECONDS CHECK…: like wait_for, with a limit of its own
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -le "$end" ] || { echo "not within its time: $*" >&2; return 1; }
		sleep 0.05
	done
}
all() { serves && forwards && listed up; }

@test "the client's address changes: it is found again within 5 s" {
	all
	in_ns client1 ip addr flush dev eth0 scope global
	in_ns client1 ip addr add 192.168.71.77/24 dev eth0
	in_ns client1 ip route replace default via 192.168.71.1
	within 5 all
}

@test "the link is cut: the list says so within 7 s; mended, all is back within 5 s" {
	lab_cut nat1
	within 7 listed down
	run ! serves
	listed down
	lab_mend nat1
	within 5 all
}

@test "the gateway reboots: expose and forward find it again" {
	local p
	for p in $(ip netns pids "$LAB-gateway"); do kill -9 "$p" 2>/dev/null || true; done
	wait_gone "$(<"$T/node.pid")"
	begin_ready node gateway rn-node run gateway
	within 5 all
}

@test "a laptop that slept wakes up: nothing was up meanwhile, and all is back" {
	local p pids
	pids=$(ip netns pids "$LAB-client1")
	for p in $pids; do kill -STOP "$p"; done
	sleep 3
	for p in $pids; do kill -CONT "$p"; done
	within 5 all
}
