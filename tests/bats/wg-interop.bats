#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg against wireguard-go: two network namespaces, one link, one end each. wg(8) speaks to both.

load helper

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	export LAB=rnwg$$
	ip netns add "$LAB-a"
	ip netns add "$LAB-b"
	ip link add ab netns "$LAB-a" type veth peer name ab netns "$LAB-b"
	local n
	for n in a b; do
		ip -n "$LAB-$n" link set lo up
		ip -n "$LAB-$n" link set ab up
	done
	ip -n "$LAB-a" addr add 192.0.2.1/24 dev ab
	ip -n "$LAB-b" addr add 192.0.2.2/24 dev ab
	ip -n "$LAB-a" addr add 2001:db8::1/64 dev ab nodad
	ip -n "$LAB-b" addr add 2001:db8::2/64 dev ab nodad
}

teardown_file() {
	[ -n "${LAB:-}" ] || return 0
	ip netns del "$LAB-a"
	ip netns del "$LAB-b"
}

setup() {
	need_root
	rn_setup
	umask 077
	# Device names are the machine's: their UAPI sockets share a folder.
	OURS=ro$BATS_TEST_NUMBER$((BASHPID % 100000)) THEIRS=rg$BATS_TEST_NUMBER$((BASHPID % 100000))
	rn-wg genkey >"$T/ours.key"
	wg genkey >"$T/theirs.key"
	wg genpsk >"$T/psk"
	OURS_PUB=$(rn-wg pubkey <"$T/ours.key") THEIRS_PUB=$(wg pubkey <"$T/theirs.key")
}

teardown() {
	[ -n "${T:-}" ] || return 0
	rn_teardown
}

in_a() { ip netns exec "$LAB-a" "$@"; }
in_b() { ip netns exec "$LAB-b" "$@"; }

# wireguard-go in b with our end as its peer; more arguments go to wg set … peer.
theirs_up() {
	start theirs ip netns exec "$LAB-b" wireguard-go -f "$THEIRS"
	wait_for in_b wg show "$THEIRS"
	in_b wg set "$THEIRS" listen-port "$THEIRS_PORT" private-key "$T/theirs.key" \
		peer "$OURS_PUB" allowed-ips 10.62.0.1/32,fd62::1/128 "$@"
	ip -n "$LAB-b" addr add 10.62.0.2/24 dev "$THEIRS"
	ip -n "$LAB-b" addr add fd62::2/64 dev "$THEIRS" nodad
	ip -n "$LAB-b" link set "$THEIRS" mtu 1420 up
}

ours_up() { # ours_up "PEER KEYS"
	cat >"$T/ours.rn" <<-RN
		interface=$OURS listen_port=$OURS_PORT address=10.62.0.1/24,fd62::1/64 private_key_file=ours.key
		peer=$THEIRS_PUB interface=$OURS allowed_ips=10.62.0.2/32,fd62::2/128 $1
	RN
	start_ready ours ip netns exec "$LAB-a" rn-wg up "$OURS" --engine user -f "$T/ours.rn" --netns host --foreground
}

# A megabyte from $1 to address $2 in the namespace that $3 enters; both sums must agree.
transfer() { # transfer FROM_FN TO_FN ADDRESS
	head -c 3000000 /dev/urandom >"$T/data"
	local family=4
	case $3 in *:*) family=6 ;; esac
	start receiver "$2" socat -u "TCP$family-LISTEN:7000,reuseaddr,bind=$3" "CREATE:$T/got"
	local receiver=$!
	listens() { "$2" ss -Hltn "sport = :7000" | grep -q .; }
	wait_for listens x "$2" || { cat "$T/receiver.log" >&2; return 1; }
	"$1" timeout 10 socat -u "OPEN:$T/data" "TCP$family:$3:7000"
	wait_for cmp "$T/data" "$T/got"
	wait "$receiver" || true
	rm -f "$T/got"
}

check_both_ways() {
	in_a ping -c 3 -i 0.1 -W 3 10.62.0.2
	in_b ping -c 3 -i 0.1 -W 3 10.62.0.1
	in_a ping -c 2 -i 0.1 -W 3 fd62::2
	in_a ping -c 1 -W 3 -s 1390 10.62.0.2 # more than one piece
	in_a ping -c 1 -W 3 -s 5000 10.62.0.2
	transfer in_a in_b 10.62.0.2
	transfer in_b in_a 10.62.0.1
	transfer in_a in_b '[fd62::2]'
	run_exit 0 in_a wg show "$OURS" latest-handshakes
	has "$THEIRS_PUB"
	[ "$(cut -f 2 <<<"$output")" -gt 0 ]
	run_exit 0 rn-wg show "$OURS"
	has "peer=$THEIRS_PUB" "handshake_at="
}

@test "we call, IPv4 outside, no preshared key" {
	OURS_PORT=0 THEIRS_PORT=51831
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	check_both_ways
}

@test "we answer, IPv6 outside, preshared key" {
	OURS_PORT=51832 THEIRS_PORT=51833
	ours_up "preshared_key_file=psk"
	theirs_up preshared-key "$T/psk" endpoint "[2001:db8::1]:$OURS_PORT" persistent-keepalive 5
	in_b ping -c 1 -W 5 10.62.0.1
	check_both_ways
	run_exit 0 in_a wg show "$OURS" endpoints
	has "[2001:db8::2]:$THEIRS_PORT"
}

@test "we call, IPv6 outside, preshared key; a wrong one gets nowhere" {
	OURS_PORT=0 THEIRS_PORT=51834
	theirs_up preshared-key "$T/psk"
	ours_up "preshared_key_file=psk endpoint=[2001:db8::2]:$THEIRS_PORT"
	check_both_ways
	wg genpsk >"$T/other"
	sed -i s/=psk/=other/ "$T/ours.rn"
	rn-wg down "$OURS"
	start_ready ours2 ip netns exec "$LAB-a" rn-wg up "$OURS" --engine user -f "$T/ours.rn" --netns host --foreground
	run in_a ping -c 1 -W 1 10.62.0.2
	[ "$status" -eq 1 ]
}

@test "we answer, IPv4 outside, no preshared key" {
	OURS_PORT=51835 THEIRS_PORT=51836
	ours_up ""
	theirs_up endpoint "192.0.2.1:$OURS_PORT" persistent-keepalive 5
	in_b ping -c 1 -W 5 10.62.0.1
	check_both_ways
}

@test "wg sets up a bare device, with setconf, syncconf and showconf" {
	OURS_PORT=51837 THEIRS_PORT=51838
	theirs_up
	start_ready ours ip netns exec "$LAB-a" rn-wg up "$OURS" --engine user --netns host --foreground
	cat >"$T/wg.conf" <<-CONF
		[Interface]
		PrivateKey = $(cat "$T/ours.key")
		ListenPort = $OURS_PORT
		FwMark = 0x77
		[Peer]
		PublicKey = $THEIRS_PUB
		AllowedIPs = 10.62.0.2/32, fd62::2/128
		Endpoint = 192.0.2.2:$THEIRS_PORT
		PersistentKeepalive = 11
	CONF
	in_a wg setconf "$OURS" "$T/wg.conf"
	ip -n "$LAB-a" addr add 10.62.0.1/24 dev "$OURS"
	ip -n "$LAB-a" addr add fd62::1/64 dev "$OURS" nodad
	check_both_ways
	in_a wg showconf "$OURS" >"$T/shown"
	grep -q "PrivateKey = $(cat "$T/ours.key")" "$T/shown"
	grep -q "ListenPort = $OURS_PORT" "$T/shown"
	grep -q "FwMark = 0x77" "$T/shown"
	grep -q "PersistentKeepalive = 11" "$T/shown"
	other=$(wg genkey | wg pubkey)
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.99.0.0/16\n' "$other" >>"$T/wg.conf"
	before=$(in_a wg show "$OURS" latest-handshakes)
	in_a wg syncconf "$OURS" "$T/wg.conf"
	run_exit 0 in_a wg show "$OURS" latest-handshakes
	has "$before" "$other"
	in_a ping -c 1 -W 3 10.62.0.2
	in_a wg set "$OURS" peer "$other" remove peer "$THEIRS_PUB" allowed-ips 10.62.0.2/32
	run_exit 0 in_a wg show "$OURS" allowed-ips
	[ "$output" = "$THEIRS_PUB	10.62.0.2/32" ]
	rn-wg down "$OURS"
	run_exit 1 in_a ip link show "$OURS"
	[ ! -e "/run/wireguard/$OURS.sock" ]
}

@test "a link narrower than our datagrams" {
	OURS_PORT=0 THEIRS_PORT=51840
	theirs_up
	ours_up "endpoint=192.0.2.2:$THEIRS_PORT"
	ip -n "$LAB-a" link set ab mtu 1300
	ip -n "$LAB-b" link set ab mtu 1300
	in_a ping -c 1 -W 3 -s 1390 10.62.0.2
	transfer in_a in_b 10.62.0.2
	transfer in_b in_a 10.62.0.1
	ip -n "$LAB-a" link set ab mtu 1500
	ip -n "$LAB-b" link set ab mtu 1500
}

@test "a device that is removed from outside ends its process, and says why" {
	OURS_PORT=0
	ours_up ""
	pid=$(tail -n 1 "$T/pids")
	ip -n "$LAB-a" link del "$OURS"
	wait_gone "$pid"
	run wait "$pid"
	[ "$status" -eq 71 ] || [ "$status" -eq 127 ]
	grep -q "rn-wg: $OURS: " "$T/ours.log"
	run_exit 69 rn-wg show "$OURS"
	[ ! -e "/run/wireguard/$OURS.sock" ]
}

# The machine's /dev/net/tun may be root's alone: a mount namespace of the test's own has one for all.
as_nobody_with_tun() {
	in_a unshare -m sh -c '
		mount -t tmpfs none /mnt && mknod /mnt/tun c 10 200 && chmod 666 /mnt/tun &&
		mount --bind /mnt/tun /dev/net/tun &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' sh "$@"
}

@test "an ordinary user in private mode" {
	OURS_PORT=0 THEIRS_PORT=51839
	theirs_up
	chmod 755 "$T"
	cp "$BIN/rn-wg" "$T/rn-wg"
	chmod 755 "$T/rn-wg"
	mkdir "$T/nobody"
	cat >"$T/nobody/ours.rn" <<-RN
		interface=$OURS address=10.62.0.1/24,fd62::1/64 private_key_file=ours.key
		peer=$THEIRS_PUB interface=$OURS allowed_ips=10.62.0.2/32,fd62::2/128 endpoint=192.0.2.2:$THEIRS_PORT
	RN
	cp "$T/ours.key" "$T/nobody/"
	chown -R 65534:65534 "$T/nobody"
	export RN_RUN_DIR=$T/nobody/run
	as_nobody_with_tun true || skip "no mount namespaces"
	start_ready ours as_nobody_with_tun "$T/rn-wg" up "$OURS" -f "$T/nobody/ours.rn" --foreground
	run_exit 0 as_nobody_with_tun "$T/rn-wg" show "$OURS"
	has "netns=private" "engine=user" "why=only%20root%20can"
	pid=$(printf 'request=hello\n\n' | socat -t 2 - "UNIX-CONNECT:$RN_RUN_DIR/wg-$OURS.sock" | grep -o 'pid=[0-9]*' | cut -d= -f2)
	echo "$pid" >>"$T/pids" # what start noted is a shell's
	grep -q '^Uid:	65534	65534' "/proc/$pid/status"
	grep -q '^NoNewPrivs:	1' "/proc/$pid/status"
	child=$(tr -d ' ' <"/proc/$pid/task/$pid/children")
	in_tunnel() { nsenter -t "$child" -n "$@"; }
	in_tunnel ping -c 3 -i 0.1 -W 3 10.62.0.2
	in_tunnel ping -c 2 -i 0.1 -W 3 fd62::2
	transfer in_tunnel in_b 10.62.0.2
	transfer in_b in_tunnel 10.62.0.1
	run_exit 1 in_a ip link show "$OURS" # nothing of it is in the machine's own namespace
}
