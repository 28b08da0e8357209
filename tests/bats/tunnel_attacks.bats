#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A joined device as the attacker: what it reaches inside the tunnel, and whom it can pass for.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
	mkdir "$T/site"
	echo secret >"$T/site/index.html"
	begin web1 client1 busybox httpd -f -p 127.0.0.1:7000 -h "$T/site"
	begin_ready node2 client2 rn-node run
	begin_ready tcp client1 rn expose localhost:7000 tcp --name tcp
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() { need_root; }

# inside COMMAND…: in the private namespace of client2's tunnel, as somebody could who took the machine over.
inside() {
	local pid child
	pid=$(on client2 rn-node show | grep '^daemon=rn-wg' | grep -o ' pid=[0-9]*' | cut -d= -f2)
	child=$(<"/proc/$pid/task/$pid/children")
	nsenter -t "${child%% *}" -n "$@"
}

own_address() { # own_address MACHINE
	grep -hom1 '^interface=[^ ]* address=[0-9.]*' "$T/$1"/state/*/bundle.rn | sed 's/.*address=//'
}

@test "a device reaches what its organisation may, at the gateway, and nothing else there" {
	gw=$(own_address gateway)
	port=$(grep -o 'listen=inner-tcp-[0-9]*' "$T/gateway/state/gateway/bundle.rn" | grep -om1 '[0-9]*$')
	[ -n "$gw" ] && [ -n "$port" ]
	serves() { [ "$(inside curl -s --max-time 5 "http://$gw:$port/")" = secret ]; }
	wait_for serves || { on gateway rn-proxy log --name gateway >&2; return 1; }
	for p in 22 80 443 9090 51820; do
		run inside curl -s --max-time 2 "telnet://$gw:$p" </dev/null
		[ "$status" -ne 0 ] || { echo "port $p is open"; false; }
	done
}

@test "a device reaches no other device" {
	other=$(own_address client1)
	tunnel=$(grep -o "target=.*address=$other:[0-9]*" "$T/gateway/state/gateway/bundle.rn" | grep -om1 '[0-9]*$')
	[ -n "$other" ] && [ -n "$tunnel" ]
	for p in "$tunnel" 22 7000; do
		run inside curl -s --max-time 2 "http://$other:$p/"
		[ "$status" -ne 0 ] && [ -z "$output" ]
	done
}

@test "a device does not pass for another one" {
	gw=$(own_address gateway)
	other=$(own_address client1)
	port=$(grep -o 'listen=inner-tcp-[0-9]*' "$T/gateway/state/gateway/bundle.rn" | grep -om1 '[0-9]*$')
	dev=$(inside ip -o -4 addr show | grep -oE '^[0-9]+: [^ ]+' | grep -v ': lo' | head -n 1 | sed 's/.*: //')
	inside ip addr add "$other/32" dev "$dev"
	run inside curl -s --max-time 3 --interface "host!$other" "http://$gw:$port/"
	[ "$status" -ne 0 ] && [ -z "$output" ]
	inside ip addr del "$other/32" dev "$dev"
	# Under its own address it goes on, and the record names it.
	[ "$(inside curl -s --max-time 5 "http://$gw:$port/")" = secret ]
	on gateway rn-proxy log --name gateway >"$T/access"
	grep -q "device=$(grep -om1 '^bundle=[^ ]*' "$T"/client2/state/*/bundle.rn | cut -d= -f2).* decision=allow" "$T/access"
	! grep -q "device=$(grep -om1 '^bundle=[^ ]*' "$T"/client1/state/*/bundle.rn | cut -d= -f2)" "$T/access"
}

@test "a device that was suspended is out at once" {
	gw=$(own_address gateway)
	port=$(grep -o 'listen=inner-tcp-[0-9]*' "$T/gateway/state/gateway/bundle.rn" | grep -om1 '[0-9]*$')
	on gateway rn-console device suspend client2
	refused() { ! inside curl -s --max-time 1 "http://$gw:$port/"; }
	wait_for refused
	on gateway rn-console device resume client2
	comes_back() { [ "$(inside curl -s --max-time 4 "http://$gw:$port/")" = secret ]; }
	wait_for comes_back
}
