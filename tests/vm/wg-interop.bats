#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Our user engine against the kernel's WireGuard. Run by tests/vm/run.

load interop

@test "we call, IPv4 outside, no preshared key" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	check_both_ways
	run_exit 0 in_b wg show kw endpoints
	has "192.0.2.1:$OURS_PORT"
}

@test "the kernel calls, IPv4 outside, preshared key" {
	ours_up preshared_key_file=psk
	theirs_up preshared-key "$T/psk" endpoint "192.0.2.1:$OURS_PORT" persistent-keepalive 5
	in_b ping -c 1 -W 5 10.62.0.1
	check_both_ways
}

@test "we call, IPv6 outside, preshared key, and each begins anew" {
	theirs_up preshared-key "$T/psk"
	ours_up "preshared_key_file=psk endpoint=[2001:db8::2]:$THEIRS_PORT"
	check_both_ways
	run_exit 0 in_b wg show kw endpoints
	has "[2001:db8::1]:$OURS_PORT"
	check_again
}

@test "the kernel calls, IPv6 outside, no preshared key" {
	ours_up ""
	theirs_up endpoint "[2001:db8::1]:$OURS_PORT"
	in_b ping -c 1 -W 5 10.62.0.1
	check_both_ways
}

@test "another preshared key gets nowhere; the right one does at once" {
	theirs_up preshared-key "$T/psk"
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	run in_a ping -c 1 -W 1 10.62.0.2
	[ "$status" -eq 1 ]
	[ "$(handshake)" -eq 0 ]
	in_b wg set kw peer "$OURS_PUB" preshared-key /dev/null
	wait_for in_a ping -c 1 -W 1 10.62.0.2
}

@test "the kernel's peer roams, and so do we" {
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT keepalive_s=1"
	in_a ping -c 1 -W 5 10.62.0.2
	in_b wg set kw listen-port 51899
	in_b ping -c 1 -W 5 10.62.0.1
	wait_for in_a ping -c 1 -W 1 10.62.0.2
	run_exit 0 rn-wg show ours
	has "endpoint=192.0.2.2:51899"
	echo "interface=ours listen_port=51898 address=10.62.0.1/24,fd62::1/64" | in_a rn-wg set ours
	in_a ping -c 1 -W 5 10.62.0.2
	run_exit 0 in_b wg show kw endpoints
	has "192.0.2.1:51898"
}
