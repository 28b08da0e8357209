# SPDX-License-Identifier: MIT
# Loaded by the tests of our user engine against the kernel's WireGuard, which wg(8) and ip(8) set up: one
# machine, two network namespaces a (ours) and b (theirs), one link.

load ../bats/helper

setup_file() {
	local n
	for n in a b; do ip netns add $n; done
	ip link add ab netns a type veth peer name ab netns b
	for n in a b; do
		ip -n $n link set lo up
		ip -n $n link set ab up
	done
	ip -n a addr add 192.0.2.1/24 dev ab
	ip -n b addr add 192.0.2.2/24 dev ab
	ip -n a addr add 2001:db8::1/64 dev ab nodad
	ip -n b addr add 2001:db8::2/64 dev ab nodad
}

setup() {
	rn_setup
	umask 077
	rn-wg genkey >"$T/ours.key"
	wg genkey >"$T/theirs.key"
	wg genpsk >"$T/psk"
	OURS_PUB=$(rn-wg pubkey <"$T/ours.key") THEIRS_PUB=$(wg pubkey <"$T/theirs.key")
	OURS_PORT=51820 THEIRS_PORT=51821
}

teardown() {
	[ ! -S "$RN_RUN_DIR/wg-ours.sock" ] || rn-wg down ours
	ip -n b link del kw 2>/dev/null || true
	rn_teardown
}

in_a() { ip netns exec a "$@"; }
in_b() { ip netns exec b "$@"; }

theirs_up() { # theirs_up [wg set … peer ARGUMENT...]
	ip -n b link add kw type wireguard
	in_b wg set kw listen-port "$THEIRS_PORT" private-key "$T/theirs.key" \
		peer "$OURS_PUB" allowed-ips 10.62.0.1/32,fd62::1/128 "$@"
	ip -n b addr add 10.62.0.2/24 dev kw
	ip -n b addr add fd62::2/64 dev kw nodad
	ip -n b link set kw up
}

ours_up() { # ours_up "PEER KEYS"
	cat >"$T/ours.rn" <<-RN
		interface=ours listen_port=$OURS_PORT address=10.62.0.1/24,fd62::1/64 private_key_file=ours.key
		peer=$THEIRS_PUB interface=ours allowed_ips=10.62.0.2/32,fd62::2/128 $1
	RN
	in_a rn-wg up ours -f "$T/ours.rn" --netns host --engine user
}

# Bytes from $1's side to address $3 in $2's; both sums must agree.
transfer() { # transfer FROM_FN TO_FN ADDRESS
	head -c 1000000 /dev/urandom >"$T/data"
	local family=4
	case $3 in *:*) family=6 ;; esac
	start receiver "$2" socat -u "TCP$family-LISTEN:7000,reuseaddr,bind=$3" "CREATE:$T/got"
	local receiver=$!
	listens() { "$1" ss -Hltn "sport = :7000" | grep -q .; }
	wait_for listens "$2"
	"$1" timeout 30 socat -u "OPEN:$T/data" "TCP$family:$3:7000"
	wait_for cmp "$T/data" "$T/got"
	wait "$receiver" || true
	rm -f "$T/got"
}

handshake() { in_b wg show kw latest-handshakes | cut -f 2; } # as the kernel saw the last one
is_later() { [ "$(handshake)" -gt "$1" ]; }

check_both_ways() {
	in_a ping -c 2 -i 0.2 -W 5 10.62.0.2
	in_b ping -c 2 -i 0.2 -W 5 10.62.0.1
	in_a ping -c 1 -W 5 fd62::2
	in_b ping -c 1 -W 5 -s 3000 fd62::1
	transfer in_a in_b 10.62.0.2
	transfer in_b in_a '[fd62::1]'
	[ "$(handshake)" -gt 0 ]
	run_exit 0 rn-wg show ours
	has "peer=$THEIRS_PUB" "handshake_at=" "engine=user"
}

# New sessions, begun by each side in turn: a device that went down forgets its own.
check_again() {
	local before
	before=$(handshake)
	sleep 1.1 # what is compared has whole seconds
	ip -n b link set kw down
	ip -n b link set kw up
	ip -n b addr add fd62::2/64 dev kw nodad
	in_b ping -c 1 -W 5 10.62.0.1 # the kernel begins
	is_later "$before"
	before=$(handshake)
	sleep 1.1
	rn-wg down ours
	in_a rn-wg up ours -f "$T/ours.rn" --netns host --engine user
	in_a ping -c 1 -W 5 10.62.0.2 # we begin
	is_later "$before"
	in_b ping -c 1 -W 5 fd62::1
}
