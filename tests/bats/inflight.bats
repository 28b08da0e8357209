#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is under way when a tunnel dies ends soon, with a page that says so: not when patience does.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
	# A service that takes a request and never answers it.
	begin mute client1 socat -u TCP-LISTEN:3000,bind=127.0.0.1,fork,reuseaddr OPEN:/dev/null
	begin tcp client1 socat TCP-LISTEN:3001,bind=127.0.0.1,fork,reuseaddr EXEC:cat
	begin udp client1 socat -T 30 UDP-RECVFROM:7007,bind=127.0.0.1,fork EXEC:cat
	begin_ready expose client1 rn expose localhost:3000 http --name mute --public
	begin_ready echo client1 rn expose localhost:3001 tcp --name echo --public
	begin_ready udp-echo client1 rn expose localhost:7007 udp --name udp --public
	field "$T/expose.log" url >"$T/url"
	field "$T/echo.log" public_address | sed 's/.*://' >"$T/tcp-port"
	field "$T/udp-echo.log" public_address | sed 's/.*://' >"$T/udp-port"
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() {
	need_root
	URL=$(<"$T/url")
}

ctl_pid() {
	on "$1" bash -c "printf 'request=hello\n\n' | timeout 5 nc -NU \$RN_RUN_DIR/$2" | grep -om1 'pid=[0-9]*' | cut -d= -f2
}
# ask NAME: a request in the background; its status in $T/NAME.code at its end.
ask() {
	(
		status_of "$URL/" --max-time 50 >"$T/$1.code" 2>"$T/$1.err" || true
		date +%s >"$T/$1.end"
	) 3>&- &
	echo $! >"$T/$1.pid"
}
under_way() { on gateway rn-proxy show targets --name gateway | grep 'health=mute' | grep -q ' active=1'; }
ended() { [ -s "$T/$1.end" ]; }
echoes() { [ "$(in_ns visitor bash -c "echo x | socat -t 1 - TCP:203.0.113.2:$(<"$T/tcp-port")")" = x ]; }
udp_echoes() { [ "$(in_ns visitor bash -c "echo x | socat -t 1 - UDP:203.0.113.2:$(<"$T/udp-port")")" = x ]; }

@test "the gateway's tunnel dies: requests and connections in it end at once" {
	wait_for echoes
	wait_for udp_echoes
	ask one
	wait_for under_way
	mkfifo "$T/in"
	exec 5<>"$T/in"
	begin conn visitor bash -c "exec socat - TCP:203.0.113.2:$(<"$T/tcp-port") <'$T/in' 5>&-"
	echo before >&5
	wait_for grep -q before "$T/conn.log"
	kill -9 "$(ctl_pid gateway wg-gateway.sock)"
	wait_for ended one
	[ "$(<"$T/one.code")" = 502 ]
	wait_gone "$(<"$T/conn.pid")"
	exec 5>&-
	run on gateway rn-proxy log --name gateway
	[[ $output == *"the%20tunnel%20is%20gone"* ]]
	wait_for echoes
	wait_for udp_echoes
}

@test "a visitor that leaves takes its request along" {
	begin leaver visitor curl -s --cacert "$T/gateway/state/console/ca.crt" --max-time 50 \
		--resolve "$(sed 's|https://||' "$T/url"):443:203.0.113.2" "$URL/"
	wait_for under_way
	stop leaver KILL
	gone() { ! under_way; }
	wait_for gone
}

@test "the client's link dies without a word: the request ends within half a minute" {
	local start
	ask three
	wait_for under_way
	start=$(date +%s)
	lab_cut nat1
	for _ in $(seq 30); do
		ended three && break
		sleep 1
	done
	[ $(($(<"$T/three.end") - start)) -le 28 ]
	[ "$(<"$T/three.code")" = 502 ]
	lab_mend nat1
}
