#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Hours with the kernel's WireGuard at the other end, in a machine whose clock is fast: tests/vm/run -f.

load interop

# The handshakes that the kernel saw while the command ran, looked for every 20 s, in $handshakes.
count_handshakes() { # count_handshakes COMMAND...
	(while sleep 20; do handshake; done) >"$T/handshakes" &
	local watcher=$! code=0
	"$@" || code=$?
	kill "$watcher"
	handshakes=$(sort -u "$T/handshakes" | wc -l)
	return "$code"
}

@test "an hour of ours calling: a new session every two minutes, no packet lost" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	count_handshakes in_a ping -q -i 5 -c 720 -W 5 10.62.0.2 >"$T/ping"
	grep -q "720 packets transmitted, 720 received" "$T/ping"
	[ "$handshakes" -ge 28 ]
	[ "$handshakes" -le 32 ]
}

@test "an hour of theirs calling, over IPv6 and with a preshared key" {
	ours_up preshared_key_file=psk
	theirs_up preshared-key "$T/psk" endpoint "[2001:db8::1]:$OURS_PORT"
	count_handshakes in_b ping -q -i 5 -c 720 -W 5 10.62.0.1 >"$T/ping"
	grep -q "720 packets transmitted, 720 received" "$T/ping"
	[ "$handshakes" -ge 28 ]
	[ "$handshakes" -le 32 ]
}

@test "an hour of silence, then either may speak first" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	in_a ping -c 1 -W 5 10.62.0.2
	sleep 3600
	in_b ping -c 1 -W 5 10.62.0.1
	sleep 3600
	in_a ping -c 1 -W 5 10.62.0.2
	[ "$(($(date +%s) - $(handshake)))" -lt 30 ]
}

@test "keepalives hold a session for an hour" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT keepalive_s=25"
	count_handshakes sleep 3600
	[ "$handshakes" -ge 25 ]
	before=$(handshake)
	in_b ping -c 1 -W 5 10.62.0.1
	[ "$(handshake)" -ge "$before" ]
}

@test "hours with the link cut again and again" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT keepalive_s=25"
	for i in 1 2 3 4 5 6; do
		in_a ping -c 1 -W 5 10.62.0.2
		ip -n a link set ab down
		sleep $((i * 100)) # handshakes are given up after 90 s
		ip -n a link set ab up
		ip -n a addr replace 192.0.2.1/24 dev ab
		answers() { in_a ping -c 1 -W 2 10.62.0.2; }
		wait_for answers
	done
}
