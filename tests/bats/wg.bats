#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg by itself: keys, configs, and tunnels between two of ours in private mode.

# shellcheck disable=SC2154 # PUB_x is set by keys
load helper

# A plain "!" does not fail a test in the middle.
refute() { if "$@"; then return 1; fi; }

setup() { rn_setup; }
teardown() {
	local s name
	for s in "$RN_RUN_DIR"/wg-*.sock; do
		[ -S "$s" ] || continue
		name=${s##*/wg-}
		rn-wg down "${name%.sock}" || true
	done
	rn_teardown
}

# A tunnel needs /dev/net/tun and namespaces.
need_tunnel() {
	(rn-wg up probe --netns private && rn-wg down probe) 2>/dev/null ||
		skip "no tunnels here: $(rn-wg up probe --netns private 2>&1)"
}

keys() { # keys NAME...: a private key NAME.key each, and its public key in $PUB_NAME
	local n
	for n; do
		(umask 077 && rn-wg genkey >"$T/$n.key")
		declare -g "PUB_$n=$(rn-wg pubkey <"$T/$n.key")"
	done
}

# Two ends on loopback, a listening and b calling.
pair() {
	keys a b
	cat >"$T/a.rn" <<-RN
		interface=a address=10.61.0.1/24,fd61::1/64 private_key_file=a.key
		peer=$PUB_b interface=a name=bob allowed_ips=10.61.0.2/32,fd61::2/128
	RN
	rn-wg up a -f "$T/a.rn" --netns private
	PORT=$(value a listen_port)
	cat >"$T/b.rn" <<-RN
		interface=b address=10.61.0.2/24,fd61::2/64 private_key_file=b.key
		peer=$PUB_a interface=b allowed_ips=10.61.0.0/24,fd61::/64 endpoint=127.0.0.1:$PORT keepalive_s=1
	RN
	rn-wg up b -f "$T/b.rn" --netns private
}

value() { rn-wg show "$1" | grep -o " $2=[^ ]*" | head -n 1 | cut -d= -f2-; } # value TUNNEL KEY
has_value() { [ -n "$(value "$1" "$2")" ]; }
pid_of() { printf 'request=hello\n\n' | socat -t 2 - "UNIX-CONNECT:$RN_RUN_DIR/wg-$1.sock" | grep -o 'pid=[0-9]*' | cut -d= -f2; }
inside_pid() { tr -d ' ' <"/proc/$(pid_of "$1")/task/$(pid_of "$1")/children"; }
inside() { # inside TUNNEL COMMAND...
	local pid
	pid=$(inside_pid "$1")
	shift
	if [ "$(id -u)" -eq 0 ]; then
		nsenter -t "$pid" -n "$@"
	else
		nsenter -t "$pid" -U -n --preserve-credentials "$@"
	fi
}
# Dead, or a zombie that nobody collects.
dead() { ! [ -e "/proc/$1/stat" ] || grep -q ') Z ' "/proc/$1/stat"; }
uapi() { socat -t 2 - "UNIX-CONNECT:$RN_RUN_DIR/wireguard/$1.sock"; } # uapi TUNNEL <REQUEST

@test "keys agree with wg" {
	key=$(rn-wg genkey)
	[ "$(echo "$key" | rn-wg pubkey)" = "$(echo "$key" | wg pubkey)" ]
	[ "$(wg genkey | tee "$T/k" | wg pubkey)" = "$(rn-wg pubkey <"$T/k")" ]
	[ "$(rn-wg genpsk | base64 -d | wc -c)" -eq 32 ]
	[ "$(rn-wg genkey)" != "$(rn-wg genkey)" ]
}

@test "a lost key is not success" {
	for verb in genkey genpsk; do
		run_exit 74 sh -c "rn-wg $verb >/dev/full"
	done
	run_exit 74 sh -c "rn-wg genkey | rn-wg pubkey >/dev/full"
}

@test "pubkey refuses what is no key" {
	run_exit 65 sh -c 'echo short | rn-wg pubkey'
	has "not a private key"
	run_exit 65 rn-wg pubkey </dev/null
	run_exit 65 sh -c 'head -c 1000 /dev/zero | rn-wg pubkey'
}

@test "a config is checked whole before anything is made" {
	keys a
	run_exit 66 rn-wg up x -f "$T/none"
	has "$T/none"
	echo "interface=x private_key_file=a.key listen_prot=7" >"$T/x.rn"
	run_exit 78 rn-wg up x -f "$T/x.rn"
	has "$T/x.rn:1:" "listen_prot" "listen_port"
	echo "interface=y private_key_file=a.key" >"$T/x.rn"
	run_exit 78 rn-wg up x -f "$T/x.rn"
	has "no interface=x record"
	chmod 644 "$T/a.key"
	echo "interface=x private_key_file=a.key" >"$T/x.rn"
	run_exit 77 rn-wg up x -f "$T/x.rn"
	has "a.key"
	chmod 600 "$T/a.key"
	echo junk >"$T/a.key"
	run_exit 78 rn-wg check x -f "$T/x.rn"
	has "not a WireGuard key"
	run_exit 64 rn-wg up 'no/name'
	run_exit 64 rn-wg up x --netns elsewhere
	run_exit 64 rn-wg up x --engine netstack
	has "user engine only"
	[ -z "$(ls "$RN_RUN_DIR")" ]
}

@test "asking a tunnel that does not run" {
	for verb in down show; do
		run_exit 69 rn-wg $verb nosuch
		has "nosuch is not running"
	done
	run_exit 69 rn-wg sync nosuch -f /dev/null
	run_exit 0 rn-wg show
	[ -z "$output" ]
}

@test "two tunnels talk over IPv4 and IPv6" {
	need_tunnel
	pair
	wait_for has_value a handshake_at
	inside b ping -c 2 -i 0.2 -W 3 10.61.0.1
	inside a ping -c 2 -i 0.2 -W 3 fd61::2
	run_exit 0 rn-wg show a
	has "interface=a" "netns=private engine=user" "peer=$PUB_b interface=a name=bob" "endpoint=127.0.0.1:"
	run_exit 0 rn-wg show -j
	has '"interface":"a"' '"interface":"b"'
}

@test "who sends to nobody is told at once" {
	need_tunnel
	keys a b
	printf 'interface=a address=10.61.0.1/24,fd61::1/64 private_key_file=a.key\npeer=%s interface=a allowed_ips=10.61.0.2/32\n' \
		"$PUB_b" >"$T/a.rn"
	rn-wg up a -f "$T/a.rn" --netns private
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
	rn-wg up a -f "$T/a.rn" --netns private
	run_exit 73 rn-wg up a -f "$T/a.rn" --netns private
	has "up already"
	pid=$(pid_of a)
	child=$(inside_pid a)
	rn-wg down a
	wait_for dead "$pid"
	wait_for dead "$child"
	[ ! -e "$RN_RUN_DIR/wg-a.sock" ]
	[ ! -e "$RN_RUN_DIR/wireguard/a.sock" ]
	rn-wg up a -f "$T/a.rn" --netns private
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
	rn-wg up a -f "$T/a.rn" --netns private
	rn-wg down b
	rn-wg up b -f "$T/b.rn" --netns private
	wait_for has_value a handshake_at
}

@test "TERM ends it cleanly, ready is told, the port may be taken" {
	need_tunnel
	keys a
	echo "interface=a private_key_file=a.key" >"$T/a.rn"
	start_ready a rn-wg up a -f "$T/a.rn" --netns private --foreground
	pid=$(tail -n 1 "$T/pids")
	PORT=$(value a listen_port)
	echo "interface=c listen_port=$PORT private_key_file=a.key" >"$T/c.rn"
	run_exit 69 rn-wg up c -f "$T/c.rn" --netns private
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
	rn-wg up a --netns private
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
	rn-wg up b -f "$T/b2.rn" --netns private
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
	rn-wg up a -f "$T/a.rn" --netns private
	echo "peer=$PUB_b interface=a" >>"$T/a.rn"
	kill -HUP "$(pid_of a)"
	shown() { rn-wg show a | grep -q "$PUB_b"; }
	wait_for shown
}

@test "UAPI: get, set, and what is refused changes nothing" {
	need_tunnel
	keys a b
	rn-wg up a --netns private
	hex() { base64 -d <"$1" | xxd -p -c 64; }
	pub() { base64 -d <<<"$1" | xxd -p -c 64; }
	run uapi a < <(printf 'set=1\nprivate_key=%s\nlisten_port=0\npublic_key=%s\nallowed_ip=10.0.0.0/8\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=9\n\n' "$(hex "$T/a.key")" "$(pub "$PUB_b")")
	[ "$output" = errno=0 ]
	run uapi a < <(printf 'get=1\n\n')
	has "private_key=$(hex "$T/a.key")" "public_key=$(pub "$PUB_b")" "allowed_ip=10.0.0.0/8" "endpoint=192.0.2.1:7" "persistent_keepalive_interval=9" "errno=0"
	run uapi a < <(printf 'set=1\nreplace_peers=true\nlisten_port=70000\n\n')
	[ "$output" = errno=22 ]
	run uapi a < <(printf 'set=1\npublic_key=%s\nupdate_only=true\nallowed_ip=10.0.0.0/33\n\n' "$(pub "$PUB_b")")
	[ "$output" = errno=22 ]
	run uapi a < <(printf 'hello\n\n')
	[ "$output" = errno=22 ]
	run_exit 0 rn-wg show a
	has "peer=$PUB_b" "allowed_ips=10.0.0.0/8"
	run uapi a < <(printf 'set=1\nreplace_peers=true\n\n')
	[ "$output" = errno=0 ]
	[ "$(rn-wg show a | grep -c ^peer=)" -eq 0 ]
}

@test "host mode needs root, and says so" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become another"
	cp "$BIN/rn-wg" "$T/rn-wg"
	mkdir -m 777 "$T/open"
	chmod 755 "$T"
	run_exit 77 env RN_RUN_DIR="$T/open/run" setpriv --reuid=65534 --regid=65534 --clear-groups "$T/rn-wg" up nope --netns host
	has "/dev/net/tun" || has "making the TUN device"
}

@test "what the system forbids is named, with what to do about it" {
	unshare -Urm true || skip "no user namespaces"
	run_exit 71 unshare -Urm sh -c 'mount -t tmpfs none /dev/net && rn-wg up nope --netns private'
	has "/dev/net/tun cannot be opened" "modprobe tun"
	run_exit 77 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces
		echo 0 >/proc/sys/user/max_net_namespaces
		rn-wg up nope --netns private'
	has "namespaces" "sysctl"
	[ ! -e "$RN_RUN_DIR/wg-nope.sock" ]
}
