#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The three use cases, between a visitor, a gateway and two clients behind NAT.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_up
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() { need_root; }

no_such_name() { # the gateway knows the name no more
	local code
	code=$(status_of "$1")
	[ "$code" = 404 ] || [ "$code" = 421 ]
}

web() { # web PORT: a page on client1
	mkdir -p "$T/site"
	echo "hello from behind NAT" >"$T/site/index.html"
	begin "web$1" client1 busybox httpd -f -p "127.0.0.1:$1" -h "$T/site"
}

@test "init prints the DNS lines to paste and one invitation" {
	grep -qF "$DOMAIN. 300 IN A 203.0.113.2" "$T/init.out"
	grep -qF "*.$DOMAIN. 300 IN CNAME $DOMAIN." "$T/init.out"
	[ "$(grep -c 'rn://' "$T/init.out")" -eq 1 ]
}

@test "UC1: expose a web page, reach it from outside, take it down" {
	web 3000
	begin_ready uc1 client1 rn expose localhost:3000 http --name web
	local url share
	url=$(field "$T/uc1.log" url)
	share=$(field "$T/uc1.log" share)
	[[ $url == https://*.$DOMAIN* ]]
	# Nothing without the link, and a page that says so.
	run visit "$url/" -w '%{http_code}'
	[[ $output == *403 ]]
	# With it, the page.
	run visit "$share"
	[ "$output" = "hello from behind NAT" ]
	# A browser is given a cookie and sent to the clean address.
	run visit "$share" -L -c "$T/jar" -b "$T/jar" -H 'Accept: text/html'
	[ "$output" = "hello from behind NAT" ]
	run visit "$url/" -b "$T/jar"
	[ "$output" = "hello from behind NAT" ]
	# Ctrl-C: the name is gone within a second.
	stop uc1 INT
	wait_for no_such_name "$url/"
}

@test "UC1: --public opens it to everyone, and the name stays the same" {
	web 3001
	begin_ready uc1p client1 rn expose localhost:3001 http --name open --public
	local url again
	url=$(field "$T/uc1p.log" url)
	run visit "$url/"
	[ "$output" = "hello from behind NAT" ]
	stop uc1p
	begin_ready uc1p client1 rn expose localhost:3001 http --name open --public
	again=$(field "$T/uc1p.log" url)
	[ "$url" = "$again" ]
	stop uc1p
}

@test "UC1: what a person at a terminal reads" {
	begin_ready uc1t client1 rn expose localhost:3000 http --name page --subdomain dev-server -p
	mapfile -t lines <"$T/uc1t.log"
	[ "${lines[0]}" = "Service exposed at: https://dev-server.$DOMAIN" ]
	[ "${lines[1]}" = "DNS record:         CNAME dev-server.$DOMAIN" ]
	[ "${lines[2]}" = "Line for the zone:  dev-server.$DOMAIN. 300 IN CNAME $DOMAIN." ]
	[[ ${lines[3]} == "Share link:         https://dev-server.$DOMAIN/?rn_link="* ]]
	[ "${lines[4]}" = "Who may reach it:   who has the share link, and who is logged in to the organisation" ]
	[ "${#lines[@]}" -eq 5 ]
	run on client1 rn expose list -o name,status,protocol
	[[ $output == *"page	up	http"* ]]
	# The name is taken now, for this machine too.
	run on client1 rn expose localhost:3000 http --name other --subdomain dev-server
	[ "$status" -eq 1 ]
	[[ $output == *"dev-server"*"taken"* ]]
	run on client1 rn expose stop page
	[ "$status" -eq 0 ]
	wait_gone "$(<"$T/uc1t.pid")"
	run on client1 rn expose stop page
	[ "$status" -eq 1 ]
}

@test "UC2: a real sshd, reached with ssh through the gateway" {
	mkdir -p "$T/sshd" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$T/sshd/host"
	ssh-keygen -q -t ed25519 -N '' -f "$T/sshd/id"
	chmod 755 "$T" "$T/sshd"
	cp "$T/sshd/id.pub" "$T/sshd/authorized_keys"
	cat >"$T/sshd/config" <<-CONF
		Port 2222
		ListenAddress 127.0.0.1
		HostKey $T/sshd/host
		PidFile none
		AuthorizedKeysFile $T/sshd/authorized_keys
		StrictModes no
		PermitRootLogin yes
		UsePAM no
	CONF
	begin sshd client1 /usr/sbin/sshd -D -e -f "$T/sshd/config"
	begin_ready uc2 client1 rn expose localhost:2222 tcp --name shell --public
	local address
	address=$(field "$T/uc2.log" public_address)
	[[ $address == *:* ]]
	run in_ns visitor ssh -n -p "${address##*:}" -i "$T/sshd/id" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile="$T/sshd/known" -o BatchMode=yes root@203.0.113.2 'echo $((6*7)) via ssh'
	[[ $output == *"42 via ssh"* ]]
	stop uc2
}

@test "UC2: what a person at a terminal reads" {
	begin_ready uc2t client1 rn expose localhost:22 tcp --name term --public -p
	mapfile -t lines <"$T/uc2t.log"
	[[ ${lines[0]} =~ ^"Service exposed at: $DOMAIN:"([0-9]+)$ ]]
	local port=${BASH_REMATCH[1]}
	[ "${lines[1]}" = "DNS record:         A $DOMAIN" ]
	[ "${lines[2]}" = "Line for the zone:  $DOMAIN. 300 IN A 203.0.113.2" ]
	[ "${lines[3]}" = "Who may reach it:   everyone" ]
	[ "${lines[4]}" = "Use it with:        ssh -p $port USER@$DOMAIN" ]
	stop uc2t
}

@test "UC2: without --public the port does not exist for the world" {
	begin_ready uc2p client1 rn expose localhost:2222 tcp --name shell-private
	run ! grep -q 'public_address=' "$T/uc2p.log"
	stop uc2p
}

@test "UC3: psql to a database behind another NAT; the link shows no plaintext" {
	local pg
	pg=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
	mkdir -p "$T/pg"
	chown postgres "$T/pg"
	chmod 755 "$T"
	setpriv --reuid=postgres --regid=postgres --clear-groups "$pg/initdb" -D "$T/pg/data" -A trust >/dev/null
	begin postgres client2 setpriv --reuid=postgres --regid=postgres --clear-groups \
		"$pg/postgres" -D "$T/pg/data" -p 5432 -c listen_addresses=127.0.0.1 -k "$T/pg"
	wait_for on client2 "$pg/pg_isready" -h 127.0.0.1 -p 5432
	begin_ready db client2 rn expose localhost:5432 tcp --name remote-db
	begin_ready fwd client1 rn forward remote-db:5432 localhost:5433
	begin tcpdump inet tcpdump -i br0 --immediate-mode -w "$T/wire.pcap" -U not arp
	wait_for grep -q 'listening on' "$T/tcpdump.log"
	run on client1 psql -h 127.0.0.1 -p 5433 -U postgres -Atc "select 'plaintext-marker-' || 6*7"
	[ "$output" = plaintext-marker-42 ]
	wait_for bash -c "[ \"\$(stat -c %s '$T/wire.pcap')\" -gt 1000 ]"
	stop tcpdump
	[ "$(stat -c %s "$T/wire.pcap")" -gt 1000 ]
	run ! grep -qa 'plaintext-marker' "$T/wire.pcap"
	stop fwd
	stop db
	stop postgres INT
}

@test "UDP: an echo on a client answers through the gateway" {
	begin echo client1 socat -T 30 UDP-RECVFROM:7007,bind=127.0.0.1,fork EXEC:cat
	begin_ready udp client1 rn expose localhost:7007 udp --name echo --public
	local address
	address=$(field "$T/udp.log" public_address)
	run in_ns visitor bash -c "echo ping-over-udp | socat -t 3 - UDP:203.0.113.2:${address##*:}"
	[ "$output" = ping-over-udp ]
	stop udp
}
