#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tunnels between two of ours in private mode, on whichever engine: tests/vm runs this file again with
# the kernel's.

# shellcheck disable=SC2154 # PUB_x is set by keys
load wg

@test "two tunnels talk over IPv4 and IPv6" {
	need_tunnel
	pair
	wait_for has_value a handshake_at
	inside b ping -c 2 -i 0.2 -W 3 10.61.0.1
	inside a ping -c 2 -i 0.2 -W 3 fd61::2
	run_exit 0 rn-wg show a
	has "interface=a" "netns=private engine=${ENGINE:-user}" "peer=$PUB_b interface=a name=bob" "endpoint=127.0.0.1:"
	run_exit 0 rn-wg show -j
	has '"interface":"a"' '"interface":"b"'
}

@test "who sends to nobody is told at once" {
	need_tunnel
	keys a b
	printf 'interface=a address=10.61.0.1/24,fd61::1/64 private_key_file=a.key\npeer=%s interface=a allowed_ips=10.61.0.2/32\n' \
		"$PUB_b" >"$T/a.rn"
	rn-wg up "$E" a -f "$T/a.rn" --netns private
	for to in 10.61.0.99 10.61.0.2 fd61::99; do # no such peer; a peer that is nowhere yet
		run inside a ping -c 1 -W 5 "$to"
		[ "$status" -eq 1 ]
		has "nreachable"
	done
}

@test "a second up is refused, down frees the name" {
	need_tunnel
	keys a
	echo "interface=a private_key_file=a.key" >"$T/a.rn"
	rn-wg up "$E" a -f "$T/a.rn" --netns private
	run_exit 73 rn-wg up "$E" a -f "$T/a.rn" --netns private
	has "up already"
	pid=$(pid_of a)
	child=$(inside_pid a)
	rn-wg down a
	wait_for dead "$pid"
	wait_for dead "$child"
	[ ! -e "$RN_RUN_DIR/wg-a.sock" ]
	[ ! -e "$RN_RUN_DIR/wireguard/a.sock" ]
	rn-wg up "$E" a -f "$T/a.rn" --netns private
}

@test "killed: the inside goes too, and the next up works" {
	need_tunnel
	pair
	pid=$(pid_of a)
	child=$(inside_pid a)
	kill -9 "$pid"
	wait_for dead "$child"
	run_exit 69 rn-wg show a
	sed -i "s/private_key/listen_port=$PORT private_key/" "$T/a.rn"
	rn-wg up "$E" a -f "$T/a.rn" --netns private
	rn-wg down b
	rn-wg up "$E" b -f "$T/b.rn" --netns private
	wait_for has_value a handshake_at
}

@test "TERM ends it cleanly, ready is told, the port may be taken" {
	need_tunnel
	keys a
	echo "interface=a private_key_file=a.key" >"$T/a.rn"
	start_ready a rn-wg up "$E" a -f "$T/a.rn" --netns private --foreground
	pid=$(tail -n 1 "$T/pids")
	PORT=$(value a listen_port)
	echo "interface=c listen_port=$PORT private_key_file=a.key" >"$T/c.rn"
	run_exit 69 rn-wg up "$E" c -f "$T/c.rn" --netns private
	has "UDP port $PORT" "in use"
	[ ! -e "$RN_RUN_DIR/wg-c.sock" ]
	kill -TERM "$pid"
	wait_for dead "$pid"
	wait "$pid"
	[ ! -e "$RN_RUN_DIR/wg-a.sock" ]
}

@test "sync changes the least: sessions of unchanged peers live on" {
	need_tunnel
	pair
	keys c
	wait_for has_value a handshake_at
	inside b ping -c 1 -W 3 10.61.0.1
	before=$(value a handshake_at)
	endpoint=$(value a endpoint)
	echo "peer=$PUB_c interface=a allowed_ips=10.61.0.3/32,192.0.2.0/24 keepalive_s=25" >>"$T/a.rn"
	rn-wg sync a -f "$T/a.rn"
	[ "$(rn-wg show a | grep -c ^peer=)" -eq 2 ]
	inside a ip route | grep -q "192.0.2.0/24 dev a"
	inside b ping -c 1 -W 3 10.61.0.1
	[ "$(rn-wg show a | grep "^peer=$PUB_b" | grep -o 'handshake_at=[0-9]*')" = "handshake_at=$before" ]
	[ "$(rn-wg show a | grep "^peer=$PUB_b" | grep -o ' endpoint=[^ ]*')" = " endpoint=$endpoint" ]
	grep -v "^peer=$PUB_c" "$T/a.rn" >"$T/a2.rn"
	sed -i s,10.61.0.1/24,10.61.0.9/24, "$T/a2.rn"
	run_exit 66 rn-wg sync a -f - <"$T/a2.rn" # its key file is not in this folder
	(cd "$T" && rn-wg sync a -f - <a2.rn)
	[ "$(rn-wg show a | grep -c ^peer=)" -eq 1 ]
	refute grep -q 192.0.2.0/24 <<<"$(inside a ip route)"
	inside b ping -c 1 -W 3 10.61.0.9
	run_exit 78 rn-wg sync a -f /dev/null
	[ "$(rn-wg show a | grep -c ^peer=)" -eq 1 ]
}

@test "set merges, and takes away with remove=yes" {
	need_tunnel
	keys a b c
	rn-wg up "$E" a --netns private
	echo "peer=$PUB_b interface=a name=bob allowed_ips=10.0.0.2/32" | rn-wg set a
	printf 'peer=%s interface=a allowed_ips=10.0.0.3/32 keepalive_s=7\ninterface=a address=10.0.0.1/24 private_key_file=a.key\n' "$PUB_c" >"$T/m.rn"
	rn-wg set a -f "$T/m.rn"
	run_exit 0 rn-wg show a
	has "public_key=$PUB_a" "address=10.0.0.1/24" "name=bob" "keepalive_s=7"
	echo "peer=$PUB_b interface=a remove=yes" | rn-wg set a
	run_exit 0 rn-wg show a
	refute grep -q bob <<<"$output"
	has "peer=$PUB_c"
	run_exit 65 sh -c "echo 'peer=$PUB_a interface=a' | rn-wg set a"
	has "peer=$PUB_a" "our own"
}

@test "an endpoint may be a name, which need not resolve at once" {
	need_tunnel
	pair
	sed -e s/127.0.0.1:/localhost:/ "$T/b.rn" >"$T/b2.rn"
	rn-wg down b
	rn-wg up "$E" b -f "$T/b2.rn" --netns private
	wait_for has_value b handshake_at
	has_value b endpoint
	keys c
	echo "peer=$PUB_c interface=b endpoint=nosuch.invalid:1 allowed_ips=10.61.9.0/24" | rn-wg set b
	run_exit 0 rn-wg show b
	has "endpoint=nosuch.invalid:1"
	inside b ping -c 1 -W 3 10.61.0.1
}

@test "HUP reads the file again" {
	need_tunnel
	keys a b
	echo "interface=a private_key_file=a.key" >"$T/a.rn"
	rn-wg up "$E" a -f "$T/a.rn" --netns private
	echo "peer=$PUB_b interface=a" >>"$T/a.rn"
	kill -HUP "$(pid_of a)"
	shown() { rn-wg show a | grep -q "$PUB_b"; }
	wait_for shown
}
