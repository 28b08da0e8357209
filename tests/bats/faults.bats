#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What happens when things break: each program killed in turn, the console gone, links cut.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
	mkdir -p "$T/site"
	echo "still here" >"$T/site/index.html"
	begin web client1 busybox httpd -f -p 127.0.0.1:3000 -h "$T/site"
	begin_ready expose client1 rn expose localhost:3000 http --name web --public
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

answers() { [ "$(status_of "$URL/")" = "$1" ]; }
serves() { [ "$(visit "$URL/")" = "still here" ]; }
# The pid that a control socket's owner tells: ctl_pid MACHINE SOCKET
ctl_pid() {
	on "$1" bash -c "printf 'request=hello\n\n' | timeout 5 nc -NU \$RN_RUN_DIR/$2" | grep -om1 'pid=[0-9]*' | cut -d= -f2
}

@test "kill -9 of rn-proxy: it comes back" {
	local pid
	pid=$(ctl_pid gateway proxy-gateway.sock)
	kill -9 "$pid"
	wait_for serves
	[ "$(ctl_pid gateway proxy-gateway.sock)" != "$pid" ]
}

@test "kill -9 of the gateway's rn-wg: it comes back, and the client finds it again" {
	local pid
	pid=$(ctl_pid gateway wg-gateway.sock)
	kill -9 "$pid"
	wait_for serves
	[ "$(ctl_pid gateway wg-gateway.sock)" != "$pid" ]
}

@test "kill -9 of rn-node: traffic goes on; a new one adopts what runs" {
	local proxy wg
	proxy=$(ctl_pid gateway proxy-gateway.sock)
	wg=$(ctl_pid gateway wg-gateway.sock)
	kill -9 "$(<"$T/node.pid")"
	wait_gone "$(<"$T/node.pid")"
	serves
	begin_ready node gateway rn-node run gateway
	serves
	[ "$(ctl_pid gateway proxy-gateway.sock)" = "$proxy" ]
	[ "$(ctl_pid gateway wg-gateway.sock)" = "$wg" ]
}

@test "kill -9 of the client's rn-wg: rn-expose starts it again" {
	local sock pid
	sock=$(basename "$(ls "$T"/client1/run/wg-*.sock)")
	pid=$(ctl_pid client1 "$sock")
	kill -9 "$pid"
	wait_for serves
	[ "$(ctl_pid client1 "$sock")" != "$pid" ]
}

@test "kill -9 of rn-expose: 502 with a plain page; started again, the same name serves" {
	kill -9 "$(<"$T/expose.pid")"
	wait_gone "$(<"$T/expose.pid")"
	[ "$(status_of "$URL/")" = 502 ]
	run visit "$URL/"
	[[ $output != *"still here"* ]]
	[ -n "$output" ]
	begin_ready expose client1 rn expose localhost:3000 http --name web --public
	[ "$(field "$T/expose.log" url)" = "$URL" ]
	wait_for serves
}

@test "the local service down: 502, and an access record that says why" {
	stop web
	wait_for answers 502
	begin web client1 busybox httpd -f -p 127.0.0.1:3000 -h "$T/site"
	wait_for serves
	run on gateway rn-proxy log --name gateway
	[[ $output == *"status=502"* ]]
}

@test "the client's link cut and mended: it recovers by itself" {
	serves
	lab_cut nat1
	run ! serves
	lab_mend nat1
	wait_for serves
}

@test "the console gone: traffic goes on, also after the gateway is started again" {
	mv "$T/gateway/state/console" "$T/gateway/console.away"
	mkdir -p "$T/gateway/state/console"
	cp "$T/gateway/console.away/ca.crt" "$T/gateway/state/console/" # the visitor's copy
	serves
	stop node
	begin_ready node gateway rn-node run gateway
	wait_for serves
	rm -rf "$T/gateway/state/console"
	mv "$T/gateway/console.away" "$T/gateway/state/console"
	wait_for on client1 rn expose list
}

@test "rn-expose ends cleanly while the console is away, and says so" {
	begin_ready other client1 rn expose localhost:3000 http --name other
	mv "$T/gateway/state/console" "$T/gateway/console.away"
	stop other INT
	mv "$T/gateway/console.away" "$T/gateway/state/console"
	grep -qi 'console' "$T/other.log"
}
