#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-wg import, export, qr, dns: configs of wg-quick and of phones.

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
}

conf() { # a file with all that is honoured
	PRIVATE=$(wg genkey) PEER=$(wg genkey | wg pubkey) PSK=$(wg genpsk)
	cat >"$T/wg7.conf" <<-CONF
		[Interface]
		PrivateKey = $PRIVATE
		address = 10.9.0.2/24
		Address = fd09::2/64 # a comment
		DNS = 10.9.0.1, corp.example.com
		MTU = 1380
		ListenPort = 51820
		FwMark = 0xca6c
		Table = off
		SaveConfig = false

		[Peer]
		# Name = hub
		PublicKey = $PEER
		PresharedKey = $PSK
		AllowedIPs = 10.9.0.0/24
		AllowedIPs = fd09::/64, 10.9.1.7
		Endpoint = hub.example.com:51820
		PersistentKeepalive = 25
	CONF
}

@test "import honours what a wg-quick file says" {
	conf
	run_exit 0 rn-wg import wg7.conf
	[ "${lines[0]}" = "interface=wg7 address=10.9.0.2/24,fd09::2/64 private_key_file=wg7.key listen_port=51820 mtu=1380 routes=no fwmark=51820 dns=10.9.0.1 search=corp.example.com" ]
	[ "${lines[1]}" = "peer=$PEER interface=wg7 name=hub allowed_ips=10.9.0.0/24,10.9.1.7/32,fd09::/64 endpoint=hub.example.com:51820 preshared_key_file=wg7-1.psk keepalive_s=25" ]
	[ "$(cat wg7.key)" = "$PRIVATE" ]
	[ "$(cat wg7-1.psk)" = "$PSK" ]
	[ "$(stat -c %a wg7.key wg7-1.psk | sort -u)" = 600 ]
	echo "$output" >wg7.rn
	run_exit 0 rn-wg check wg7 -f wg7.rn
	run_exit 0 rn-wg import wg7.conf # the same keys again
	run_exit 0 sh -c 'rn-wg import --name other --dir keys - <wg7.conf'
	has "interface=other" "private_key_file=other.key"
	[ "$(cat keys/other.key)" = "$PRIVATE" ]
	run_exit 64 sh -c 'rn-wg import - <wg7.conf'
	has "--name"
}

@test "import loses no key, and writes none for a file that it refuses" {
	conf
	(umask 077 && wg genkey >wg7.key)
	before=$(cat wg7.key)
	run_exit 73 rn-wg import wg7.conf
	has "wg7.key is there already"
	[ "$(cat wg7.key)" = "$before" ]
	rm wg7.key wg7-1.psk -f
	echo "Colour = red" >>wg7.conf
	run_exit 65 rn-wg import wg7.conf
	[ ! -e wg7.key ]
}

@test "import refuses by name and line what it cannot honour" {
	local text
	while read -r text; do
		conf
		sed -i "2a $text" wg7.conf
		run_exit 65 rn-wg import wg7.conf
		has "wg7.conf:3: ${text%% *}: "
	done <<-END
		PreUp = iptables -A
		PostUp = iptables -A
		PreDown = x
		PostDown = x
		SaveConfig = true
		Table = 1234
		MTU = 12
		PrivateKey = short
		PublicKey = $(wg genkey)
		Address = 10.0.0.0/33
		DNS = Not/A/Name
		FwMark = 0x123456789
		ListenPort = 70000
		Colour = red
	END
	conf
	sed -i '2a PostUp = secret stuff' wg7.conf
	run_exit 0 rn-wg import wg7.conf --ignore PreUp,postup
	echo "[Peer]" >>wg7.conf
	run_exit 65 rn-wg import wg7.conf --ignore PostUp
	has "the peer has no PublicKey"
	printf '[Interface]\n%s\n' "$(wg genkey)" >wg8.conf
	run_exit 65 rn-wg import wg8.conf
	refute grep -q "$(tail -n 1 wg8.conf | cut -c1-8)" <<<"$stderr"
}

@test "export is import backwards" {
	conf
	rn-wg import wg7.conf >wg7.rn
	run_exit 0 rn-wg export wg7 -f wg7.rn
	has "left out"
	refute grep -qF -e "$PRIVATE" -e "$PSK" <<<"$output"
	rn-wg export wg7 -f wg7.rn --write out.conf
	[ "$(stat -c %a out.conf)" = 600 ]
	run_exit 0 rn-wg import --name wg7 out.conf
	diff - wg7.rn <<<"$output"
	run_exit 0 rn-wg export wg7 -f wg7.rn --secrets
	diff - out.conf <<<"$output"
	run_exit 0 wg-quick strip ./out.conf
	has "$PRIVATE" "$PSK" "hub.example.com:51820"
}

@test "export of a tunnel that runs, with keys only when asked" {
	need_tunnel
	conf
	sed -i /FwMark/d wg7.conf
	rn-wg import wg7.conf | sed s/hub.example.com/192.0.2.1/ >wg7.rn
	rn-wg up wg7 -f wg7.rn --netns private --engine user
	run_exit 0 rn-wg export wg7
	has "Address = 10.9.0.2/24, fd09::2/64" "DNS = 10.9.0.1, corp.example.com" "# Name = hub"
	refute grep -qF -e "$PRIVATE" -e "$PSK" <<<"$output"
	run_exit 0 rn-wg export wg7 --secrets
	has "PrivateKey = $PRIVATE" "PresharedKey = $PSK"
	run_exit 69 rn-wg export nosuch
}

@test "a phone reads the QR code" {
	command -v zbarimg >/dev/null || skip "no zbarimg"
	conf
	rn-wg import wg7.conf >wg7.rn
	rn-wg export wg7 -f wg7.rn --secrets >want
	cat >pbm.py <<-'PY'
		# Half blocks on standard input to a PBM picture, four pixels a module.
		import sys
		rows = []
		for line in sys.stdin.read().splitlines():
		    rows.append([c not in "▀█" for c in line])
		    rows.append([c not in "▄█" for c in line])
		width = max(map(len, rows))
		print("P1", width * 4, len(rows) * 4)
		for row in rows:
		    for _ in range(4):
		        print(" ".join("1" if dark else "0" for dark in row for _ in range(4)))
	PY
	rn-wg qr wg7 -f wg7.rn | python3 pbm.py >code.pbm
	zbarimg -q --raw code.pbm 2>/dev/null | head -c -1 >got
	diff want got
	rn-wg qr --quick want | python3 pbm.py >code.pbm
	zbarimg -q --raw code.pbm 2>/dev/null | head -c -1 | diff want -
	run_exit 64 rn-wg qr wg7
	run_exit 64 rn-wg qr wg7 -f wg7.rn --quick wg7.conf
	sed -i 's/ private_key_file=[^ ]*//' wg7.rn
	run_exit 78 rn-wg qr wg7 -f wg7.rn
	for i in $(seq 40); do
		printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.%s.0/24\n' "$(wg genkey | wg pubkey)" "$i"
	done >>wg7.conf
	run_exit 65 rn-wg qr --quick wg7.conf
	has "does not fit"
}

@test "dns prints lines and touches nothing" {
	conf
	rn-wg import wg7.conf | sed 's,10.9.1.7/32,10.9.0.1/32,' >wg7.rn
	run_exit 0 rn-wg dns wg7 -f wg7.rn
	has "resolvectl dns wg7 10.9.0.1" "resolvectl domain wg7 corp.example.com" \
		"nameserver 10.9.0.1" "server=/corp.example.com/10.9.0.1" "host-record=hub,hub.wg7,10.9.0.1"
	run_exit 0 rn-wg dns wg7 -f wg7.rn --for hosts
	[ "$output" = "10.9.0.1 hub hub.wg7" ]
	run_exit 64 rn-wg dns wg7 -f wg7.rn --for bind
	rn-wg dns wg7 -f wg7.rn --for resolvconf | sed 's/^resolvconf .*<<END/cat <<END/' | sh | grep -qx "search corp.example.com"
}

@test "the output's faults are told" {
	conf
	run_exit 74 sh -c 'rn-wg import wg7.conf >/dev/full'
	rn-wg import wg7.conf >wg7.rn
	run_exit 74 sh -c 'rn-wg export wg7 -f wg7.rn >/dev/full'
	run_exit 74 sh -c 'rn-wg qr wg7 -f wg7.rn >/dev/full'
	run_exit 74 sh -c 'rn-wg dns wg7 -f wg7.rn >/dev/full'
	run_exit 74 sh -c 'rn-wg doctor >/dev/full'
	run_exit 66 rn-wg import nosuch.conf
}
