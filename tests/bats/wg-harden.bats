#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a tunnel gives up once it runs; changes that are all or nothing; ranges; several networks at once.

# shellcheck disable=SC2154 # PUB_x is set by keys, stderr by run_exit
load helper
load wg_commands

setup() {
	rn_setup
	cd "$T" || exit
}
teardown() {
	tunnels_end
	cd /
	rn_teardown
	[ -z "${LAB:-}" ] || ip netns del "$LAB"
}

status() { grep "^$2:" "/proc/$1/status" | tr -d '\t ' | cut -d: -f2; } # status PID FIELD

@test "both processes are confined, and the tunnel works" {
	need_tunnel
	pair
	[[ $BIN == */san-* ]] && skip "sanitizers need what is forbidden"
	run_exit 0 rn-wg show a -o sandbox
	has seccomp
	for pid in $(pid_of a) $(inside_pid a); do
		[ "$(status "$pid" Seccomp)" = 2 ]
		[ "$(status "$pid" NoNewPrivs)" = 1 ]
	done
	wait_for has_value b handshake_at
	inside b ping -c 2 -i 0.2 -W 3 10.61.0.1
	rn-wg sync a -f a.rn
	sed -i "s/127.0.0.1:/localhost:/" b.rn # the resolver runs under the same list
	rn-wg sync b -f b.rn
	inside b ping -c 1 -W 3 10.61.0.1
	rn-wg down a
	[ ! -e "$RN_RUN_DIR/wg-a.sock" ]
}

@test "no call is refused in ordinary use" {
	need_tunnel
	command -v strace >/dev/null || skip "no strace"
	keys a b
	echo "interface=a address=10.61.0.1/24 private_key_file=a.key" >a.rn
	echo "peer=$PUB_b interface=a allowed_ips=10.61.0.2/32 endpoint=localhost:9 keepalive_s=1" >>a.rn
	start up timeout 20 strace -f -o trace rn-wg up a -f a.rn --netns private --engine user --foreground
	wait_for has_value a listen_port
	[ "$(value a sandbox)" != none ] || skip "no sandbox here"
	resolved() { [[ $(value a endpoint) != localhost* ]]; }
	wait_for resolved
	rn-wg sync a -f a.rn
	rn-wg down a
	refute grep -aE '= -1 (EPERM|EACCES)' trace
}

@test "a change that fails in the middle changes nothing" {
	need_tunnel
	pair
	keys c d
	wait_for has_value b handshake_at
	rn-wg show a -o interface,address,mtu,listen_port,peer,name,allowed_ips,endpoint,keepalive_s,handshake_at >before
	# c is new, takes bob's address, and the last one cannot be a peer: it is a itself
	cat >bad.rn <<-RN
		interface=a mtu=1300 address=10.61.0.9/24
		peer=$PUB_c interface=a name=carol allowed_ips=10.61.0.2/32,10.61.5.0/24
		peer=$PUB_b interface=a name=robert keepalive_s=7
		peer=$PUB_a interface=a
	RN
	run_exit 65 rn-wg set a -f bad.rn
	has "our own"
	same() { rn-wg show a -o interface,address,mtu,listen_port,peer,name,allowed_ips,endpoint,keepalive_s,handshake_at | diff before -; }
	same
	run_exit 65 rn-wg set a < <(sed -e /robert/d -e /interface=a\ mtu/d bad.rn) # bob is not named
	same
	sed -e "s,interface=a mtu,interface=a private_key_file=$PWD/a.key mtu," -e /robert/d bad.rn >bad2.rn
	run_exit 65 rn-wg sync a -f bad2.rn # bob would go
	same
	inside b ping -c 1 -W 3 10.61.0.1 # and his session lives
	inside a ip addr show | grep -q 10.61.0.1/24
	refute grep -q 10.61.5.0 <<<"$(inside a ip route)"
}

@test "up --dry-run says what would be done, and does nothing" {
	keys a b
	cat >a.rn <<-RN
		interface=a address=10.61.0.1/24 private_key_file=a.key mtu=1300
		peer=$PUB_b interface=a name=bob allowed_ips=10.61.0.2/32,10.99.0.0/16 endpoint=192.0.2.1:7
	RN
	run_exit 0 rn-wg up a -f a.rn --netns private --dry-run
	has "plan=1 interface=a what=device" "what=address value=10.61.0.1/24" "what=peer value=$PUB_b" \
		"what=route value=10.99.0.0/16" "MTU%201300"
	refute grep -q "what=route value=10.61.0.2/32" <<<"$output" # the device's own prefix has it
	[ ! -e "$RN_RUN_DIR/wg-a.sock" ]
	run_exit 69 rn-wg show a
}

# A network namespace with a LAN, where this test's tunnels are "on the host".
lab() {
	need_root
	need_tunnel
	export LAB=rnhard$$
	ip netns add "$LAB"
	ip -n "$LAB" link set lo up
	ip -n "$LAB" link add lan type veth peer name far
	ip -n "$LAB" addr add 192.168.7.2/24 dev lan
	ip -n "$LAB" link set lan up
	ip -n "$LAB" route add 10.200.0.0/16 via 192.168.7.1
}
in_lab() { ip netns exec "$LAB" "$@"; }

@test "on the host, ranges that are somebody's are refused before anything is changed" {
	lab
	keys a b
	local n=rh$((BASHPID % 100000))
	up() { # up ADDRESS ALLOWED [ENDPOINT]
		printf 'interface=%s address=%s private_key_file=a.key\npeer=%s interface=%s name=bob allowed_ips=%s endpoint=%s\n' \
			"$n" "$1" "$PUB_b" "$n" "$2" "${3:-192.0.2.1:7}" >a.rn
		in_lab rn-wg up "$n" -f a.rn --netns host --engine user
	}
	run_exit 78 up 192.168.7.9/24 10.61.0.0/24
	has "192.168.7.0/24" "on lan" "--allow-overlap"
	run_exit 78 up 10.61.0.1/24 10.0.0.0/8
	has "peer bob: 10.0.0.0/8 overlaps 10.200.0.0/16"
	run_exit 78 up 10.61.0.1/24 192.0.2.0/24
	has "the tunnel would carry itself"
	[ -z "$(in_lab ip -br link show "$n" 2>/dev/null)" ]
	run_exit 0 up 10.61.0.1/24 10.61.0.0/24,0.0.0.0/0
	sed -i 's,10.61.0.0/24,10.61.0.0/24\,10.200.3.0/24,' a.rn
	run_exit 78 in_lab rn-wg sync "$n" -f a.rn
	has "10.200.3.0/24 overlaps 10.200.0.0/16"
	in_lab rn-wg down "$n"
	run_exit 0 in_lab rn-wg up "$n" -f a.rn --netns host --engine user --allow-overlap
	run_exit 0 in_lab rn-wg sync "$n" -f a.rn
	in_lab rn-wg down "$n"
}

@test "several networks at once" {
	lab
	keys a b c
	local i n=rm$((BASHPID % 10000))
	for i in 1 2; do # on the host: each its own range
		echo "interface=$n$i address=10.7$i.0.1/24 private_key_file=a.key" >h.rn
		in_lab rn-wg up "$n$i" -f h.rn --netns host --engine user
	done
	echo "interface=${n}3 address=10.71.0.9/24 private_key_file=a.key" >h.rn
	run_exit 78 in_lab rn-wg up "${n}3" -f h.rn --netns host --engine user
	has "on ${n}1"
	for i in 4 5; do # apart: even the same range
		echo "interface=$n$i address=10.71.0.1/24 private_key_file=b.key" >p.rn
		in_lab rn-wg up "$n$i" -f p.rn --netns private --engine user
	done
	[ "$(rn-wg show | grep -c ^interface=)" -eq 4 ]
	for i in 1 2 4 5; do in_lab rn-wg down "$n$i"; done
}
