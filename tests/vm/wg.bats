#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The kernel engine against the kernel: what rn-wg says to it, wg(8) must hear, and the other way round.
# Run by tests/vm/run, in a machine that has the module.

# shellcheck disable=SC2154 # PUB_x is set by keys
export ENGINE=kernel
load ../bats/wg

# A comma-separated list sorted as rn-wg sorts it.
SORT='function sorted(list,  v, n, i, j, t) {
	n = split(list, v, ",")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] "" < v[j - 1] ""; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	list = v[1]
	for (i = 2; i <= n; i++) list = list "," v[i]
	return list
}'
# What wg(8) and rn-wg tell of the peers of a device, in the same words: key, endpoint, allowed IPs,
# keepalive, handshake, bytes.
by_wg() {
	wg show "$1" dump | tail -n +2 | LC_ALL=C awk -F '\t' "$SORT"'{
		for (i = 3; i <= NF; i++) if ($i == "(none)" || $i == "off" || (i == 5 && $i == "0")) $i = ""
		print $1, $3, sorted($4), $8, $5, $6, $7 }' | sort
}
by_us() {
	rn-wg show "$1" | LC_ALL=C awk '/^peer=/ {
		split("", v)
		for (i = 1; i <= NF; i++) v[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
		print v["peer"], v["endpoint"], v["allowed_ips"], v["keepalive_s"], v["handshake_at"], v["rx_bytes"],
			v["tx_bytes"] }' | sort
}

agree() { # agree DEVICE
	by_wg "$1" >"$T/by_wg"
	by_us "$1" >"$T/by_us"
	diff "$T/by_wg" "$T/by_us" | head -n 20
	cmp "$T/by_wg" "$T/by_us"
}

@test "show and wg show dump agree, whoever made the change" {
	keys k one two
	(umask 077 && wg genpsk >"$T/psk")
	cat >"$T/k.rn" <<-RN
		interface=k address=10.61.0.1/24 private_key_file=k.key listen_port=51999 fwmark=77 mtu=1400
		peer=$PUB_one interface=k allowed_ips=10.61.0.2/32,fd61::2/128 endpoint=192.0.2.7:7 keepalive_s=9 preshared_key_file=psk
		peer=$PUB_two interface=k allowed_ips=10.8.0.0/13,10.61.0.3/32 endpoint=[2001:db8::9]:99
	RN
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	agree k
	run_exit 0 wg show k dump
	[ "${lines[0]}" = "$(cat "$T/k.key")	$PUB_k	51999	0x4d" ]
	has "$(cat "$T/psk")"
	run_exit 0 rn-wg show k
	has "public_key=$PUB_k" "listen_port=51999" "mtu=1400" "fwmark=77" "netns=host engine=kernel"
	run_exit 0 ip -o link show k
	has "mtu 1400" "UP"
	ip route show dev k | grep -q 10.8.0.0/13
	wg set k peer "$PUB_one" persistent-keepalive off allowed-ips fd61::2/128 preshared-key /dev/null
	wg set k peer "$PUB_two" remove
	wg set k fwmark 0
	agree k
	run_exit 0 rn-wg show k
	has "allowed_ips=fd61::2/128"
	refute grep -q "$PUB_two" <<<"$output"
	rn-wg sync k -f "$T/k.rn" # and back again
	agree k
	run_exit 0 wg show k dump
	has "$(cat "$T/psk")	192.0.2.7:7	" "0x4d" "[2001:db8::9]:99"
	[ "$(grep -c . "$T/by_us")" -eq 2 ]
}

@test "set merges and sync makes exact: addresses, routes, allowed IPs, port, keys" {
	keys k one two other
	cat >"$T/k.rn" <<-RN
		interface=k address=10.61.0.1/24,fd61::1/64 private_key_file=k.key
		peer=$PUB_one interface=k allowed_ips=10.61.0.2/32,10.8.0.0/16,10.9.0.0/16 keepalive_s=9
	RN
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	port=$(value k listen_port)
	[ "$port" -gt 0 ]
	printf 'peer=%s interface=k allowed_ips=10.7.0.0/16\npeer=%s interface=k keepalive_s=7\n' "$PUB_two" "$PUB_one" |
		rn-wg set k
	[ "$(wg show k allowed-ips | sort)" = "$(printf '%s\t10.61.0.2/32 10.8.0.0/16 10.9.0.0/16\n%s\t10.7.0.0/16\n' "$PUB_one" "$PUB_two" | sort)" ]
	[ "$(wg show k persistent-keepalive | sort)" = "$(printf '%s\t7\n%s\toff\n' "$PUB_one" "$PUB_two" | sort)" ]
	[ "$(ip route show dev k proto static | sort | awk '{ print $1 }' | paste -sd' ')" = "10.7.0.0/16 10.8.0.0/16 10.9.0.0/16" ]
	echo "interface=k private_key_file=other.key listen_port=51998 address=10.61.0.1/24" >"$T/m.rn"
	rn-wg set k -f "$T/m.rn"
	[ "$(wg show k private-key)" = "$(cat "$T/other.key")" ]
	[ "$(wg show k listen-port)" = 51998 ]
	refute grep -q fd61 <<<"$(ip -6 addr show dev k)"
	# 10.9 moves to the other peer, 10.8 goes.
	cat >"$T/k2.rn" <<-RN
		interface=k address=10.61.0.1/24 private_key_file=k.key
		peer=$PUB_one interface=k allowed_ips=10.61.0.2/32
		peer=$PUB_two interface=k allowed_ips=10.9.0.0/16
	RN
	rn-wg sync k -f "$T/k2.rn"
	[ "$(wg show k allowed-ips | sort)" = "$(printf '%s\t10.61.0.2/32\n%s\t10.9.0.0/16\n' "$PUB_one" "$PUB_two" | sort)" ]
	[ "$(wg show k persistent-keepalive | grep -c off)" -eq 2 ]
	[ "$(ip route show dev k proto static | awk '{ print $1 }')" = 10.9.0.0/16 ]
	[ "$(wg show k listen-port)" = 51998 ]
	agree k
	echo "peer=$PUB_two interface=k remove=yes" | rn-wg set k
	[ "$(wg show k peers)" = "$PUB_one" ]
	printf 'interface=k address=10.61.0.1/24 private_key_file=k.key\npeer=%s interface=k\n' "$PUB_other" >"$T/k3.rn"
	rn-wg sync k -f "$T/k3.rn" # nobody stays
	[ "$(wg show k peers)" = "$PUB_other" ]
	run_exit 65 sh -c "echo 'peer=$PUB_k interface=k' | rn-wg set k"
	has "our own"
	run_exit 65 sh -c "echo 'peer=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= interface=k' | rn-wg set k"
	rn-wg down k
	run_exit 1 ip link show k
}

@test "10,000 peers set and read back equal" {
	keys k
	echo "interface=k address=10.61.0.1/16 private_key_file=k.key routes=no" >"$T/k.rn"
	head -c 300000 /dev/urandom | base64 -w 40 | awk '{
		a = int(NR / 256); b = NR % 256
		printf "peer=%sAAA= interface=k allowed_ips=10.61.%d.%d/32,172.%d.%d.0/24,fd61::%x/128", $0, a, b, 16 + int(a / 16), (a % 16) * 16 + b % 16, NR
		printf NR % 2 ? " endpoint=192.0.2.1:%d" : " endpoint=[2001:db8::%x]:7", 1000 + NR
		print NR % 3 ? "" : " keepalive_s=25" }' >"$T/peers"
	# Every prefix has one owner, the last that asked for it.
	awk '{ split($3, v, ","); if (seen[v[2]]++) sub("," v[2], "", $3); print }' "$T/peers" >>"$T/k.rn"
	[ "$(grep -c ^peer= "$T/k.rn")" -eq 10000 ]
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	[ "$(wg show k peers | wc -l)" -eq 10000 ]
	agree k
	awk "$SORT"'/^peer=/ { sub(/^peer=/, "", $1); sub(/^allowed_ips=/, "", $3); sub(/^endpoint=/, "", $4); sub(/^keepalive_s=/, "", $5)
		print $1, $4, sorted($3), $5 }' "$T/k.rn" | sort >"$T/want"
	awk '{ print $1, $2, $3, (NF > 5 ? $4 : "") }' "$T/by_us" | sort >"$T/got"
	cmp "$T/want" "$T/got"
	# One changes, one goes; the others are not said again, and the whole agrees.
	sed -e '2s/keepalive_s=[0-9]*//; 2s/$/ keepalive_s=77/; 3d' "$T/k.rn" >"$T/k2.rn"
	rn-wg sync k -f "$T/k2.rn"
	[ "$(wg show k peers | wc -l)" -eq 9999 ]
	agree k
	echo "interface=k address=10.61.0.1/16 private_key_file=k.key" >"$T/k3.rn"
	rn-wg sync k -f "$T/k3.rn"
	[ -z "$(wg show k peers)" ]
}

@test "a peer whose allowed IPs need many messages" {
	keys k one two
	printf 'interface=k address=10.61.0.1/24 private_key_file=k.key routes=no\npeer=%s interface=k\n' "$PUB_two" >"$T/k.rn"
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	printf '[Peer]\nPublicKey=%s\nAllowedIPs=%s\n' "$PUB_one" \
		"$(awk 'BEGIN { for (i = 0; i < 6000; i++) printf "%s10.%d.%d.0/24", i ? "," : "", 100 + i / 256, i % 256 }')" >"$T/add"
	wg addconf k "$T/add"
	run_exit 0 rn-wg show k
	has "peer=$PUB_one" "cut=yes"
	echo "peer=$PUB_two interface=k keepalive_s=5" | rn-wg set k
	[ "$(wg show k allowed-ips | grep "$PUB_one" | wc -w)" -eq 6001 ]
	# As many routes as prefixes.
	printf 'interface=k routes=yes address=10.61.0.1/24 private_key_file=k.key\n' >"$T/r.rn"
	rn-wg set k -f "$T/r.rn"
	[ "$(ip route show dev k proto static | wc -l)" -eq 6000 ]
}

@test "only packets for our own addresses come in, unless forward=yes" {
	pair
	rn-wg down b
	sed -i 's/allowed_ips=10.61.0.0/allowed_ips=10.99.0.0\/24,fd99::\/64,10.61.0.0/' "$T/b.rn"
	rn-wg up "$E" b -f "$T/b.rn" --netns private
	inside a ip addr add 10.99.0.1/32 dev lo
	inside a ip addr add fd99::1/128 dev lo
	inside b ping -c 1 -W 3 10.61.0.1
	inside b ping -c 1 -W 3 fd61::1
	run inside b ping -c 1 -W 1 10.99.0.1
	[ "$status" -eq 1 ]
	run inside b ping -c 1 -W 1 fd99::1
	[ "$status" -eq 1 ]
	echo "interface=a forward=yes" | rn-wg set a
	inside b ping -c 1 -W 3 10.99.0.1
	inside b ping -c 1 -W 3 fd99::1
	echo "interface=a forward=no address=10.61.0.1/24,10.61.0.8/24,fd61::1/64" | rn-wg set a
	inside b ping -c 1 -W 3 10.61.0.8
	run inside b ping -c 1 -W 1 10.99.0.1
	[ "$status" -eq 1 ]
	echo "interface=a address=10.61.0.1/24" | rn-wg set a
	inside b ping -c 1 -W 3 10.61.0.1
	[ "$(inside a tc filter show dev a ingress | grep -c 'match 0a3d00')" -eq 1 ]
}

@test "a bare device waits for wg and ip" {
	keys k one
	rn-wg up "$E" k --netns host
	wg set k private-key "$T/k.key" listen-port 51997 peer "$PUB_one" allowed-ips 10.4.0.0/16
	ip addr add 10.61.0.1/24 dev k
	agree k
	run_exit 0 rn-wg show k
	has "public_key=$PUB_k" "listen_port=51997" "allowed_ips=10.4.0.0/16"
	[ -z "$(tc filter show dev k ingress)" ]
}

@test "a port in use is told, and nothing is left" {
	keys k c
	echo "interface=k listen_port=51996 private_key_file=k.key" >"$T/k.rn"
	echo "interface=c listen_port=51996 private_key_file=c.key" >"$T/c.rn"
	rn-wg up "$E" k -f "$T/k.rn" --netns private
	run_exit 69 rn-wg up "$E" c -f "$T/c.rn" --netns host
	has "UDP port 51996 is in use"
	run_exit 1 ip link show c
	sed -i s/51996/51995/ "$T/c.rn"
	rn-wg up "$E" c -f "$T/c.rn" --netns host
	echo "interface=c listen_port=51996" >"$T/c2.rn"
	run_exit 69 rn-wg set c -f "$T/c2.rn"
	has "UDP port 51996 is in use"
	[ "$(wg show c listen-port)" = 51995 ]
}

@test "a device that is removed from outside ends its process; one that was left is taken over" {
	keys k
	echo "interface=k listen_port=51994 private_key_file=k.key" >"$T/k.rn"
	start_ready k rn-wg up "$E" k -f "$T/k.rn" --netns host --foreground
	ip link del k
	wait_gone "$(tail -n 1 "$T/pids")"
	grep -q "rn-wg: k: the device was removed" "$T/k.log"
	run_exit 69 rn-wg show k
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	pid=$(pid_of k)
	kill -9 "$pid"
	wait_for dead "$pid"
	ip link show k # nobody was there to remove it
	rn-wg up "$E" k -f "$T/k.rn" --netns host
	rn-wg down k
	ip link add k type wireguard # somebody else's
	for engine in kernel auto; do
		run_exit 73 rn-wg up k -f "$T/k.rn" --netns host --engine $engine
		has "k" "exists"
	done
	ip link show k
	ip link del k
}

@test "auto takes the kernel, and says why when it does not" {
	keys k
	echo "interface=k private_key_file=k.key" >"$T/k.rn"
	rn-wg up k -f "$T/k.rn" --netns private
	run_exit 0 rn-wg show k
	has "engine=kernel"
	refute grep -q why= <<<"$output"
	rn-wg down k
	modprobe -r wireguard
	mv /lib/modules /lib/modules.away
	rn-wg up k -f "$T/k.rn" --netns private
	run_exit 0 rn-wg show k
	has "engine=user" "why=this%20kernel%20has%20no%20wireguard%20module"
	rn-wg down k
	run_exit 69 rn-wg up k -f "$T/k.rn" --netns private --engine kernel
	has "engine kernel: this kernel has no wireguard module"
	mv /lib/modules.away /lib/modules
	local filter
	filter=$(find /lib/modules -name cls_u32.ko)
	mv "$filter" "$T/"
	modprobe -r cls_u32
	run_exit 69 rn-wg up k -f "$T/k.rn" --netns private --engine kernel
	has "cannot keep strangers' packets out"
	run_exit 69 rn-wg show k
	mv "$T/cls_u32.ko" "$filter"
	run_exit 77 setpriv --bounding-set -net_admin --inh-caps -net_admin rn-wg up "$E" k -f "$T/k.rn" --netns host
	has "only root"
}

@test "lib/tunnel on the kernel's engine" {
	run_exit 0 "$ROOT/$BUILD/unit/tunnel"
	refute grep -q skip <<<"$output"
}

@test "rn-forward and a service in another tunnel, over the wire" {
	pair
	rn-wg down b
	mkdir -m 700 "$T/state/home"
	echo "node=laptop network=home role=client url=https://gw.example.com:1 connect=127.0.0.1" >"$T/state/home/node.rn"
	(umask 077 && head -c 32 /dev/urandom | base64 >"$T/state/home/sign.key")
	: >"$T/state/home/ca.crt"
	cp -p "$T/b.key" "$T/state/home/wg.key"
	sed -e 's/interface=b /interface=home /; s/b.key/wg.key/' "$T/b.rn" >"$T/state/home/bundle.rn"
	echo hello >"$T/hello"
	start service inside a socat TCP6-LISTEN:7000,fork,bind='[fd61::1]' "OPEN:$T/hello,rdonly"
	start service4 inside a socat TCP4-LISTEN:7000,fork,bind=10.61.0.1 "OPEN:$T/hello,rdonly"
	start forward rn-forward 10.61.0.1:7000 localhost:7100
	reaches() { [ "$(timeout 3 socat -u TCP4:127.0.0.1:7100 -)" = hello ]; }
	wait_for reaches
	run_exit 0 rn-wg show home
	has "netns=private" "engine=kernel" "handshake_at="
	kill "$(tail -n 1 "$T/pids")"
	timeout 5 rn-wg down home || true
}
