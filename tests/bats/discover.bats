#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-discover against real listeners, in a network namespace of its own where that is possible.

load helper

setup() {
	rn_setup
	unshare -rn true 2>/dev/null || skip "needs user namespaces"
}
teardown() { rn_teardown; }

# alone SCRIPT: in a namespace with loopback only, so that nothing else listens there.
alone() { unshare -rn bash -euc "ip link set lo up; $1"; }

# Waits in there until a port listens: the listener's hex port in the kernel's table.
WAIT='listens() { for _ in $(seq 200); do grep -q ":$(printf %04X $1) .* 0A " /proc/net/tcp /proc/net/tcp6 && return; sleep 0.02; done; exit 9; };'

@test "nothing listens: a word on stderr, exit 0" {
	run_exit 0 alone 'rn-discover'
	[ -z "$output" ]
	has "nothing worth exposing"
}

@test "a web server, something like sshd, and a database by its port" {
	mkdir "$T/site"
	run_exit 0 alone "$WAIT
		busybox httpd -f -p 127.0.0.1:3777 -h '$T/site' & w=\$!
		socat TCP-LISTEN:2200,bind=127.0.0.1,fork,reuseaddr SYSTEM:'echo SSH-2.0-test; sleep 1' & s=\$!
		socat TCP-LISTEN:5432,bind=0.0.0.0,fork,reuseaddr SYSTEM:'sleep 1' & d=\$!
		listens 3777; listens 2200; listens 5432
		rn-discover
		kill \$w \$s \$d"
	has "service=http-3777 local_address=127.0.0.1:3777 protocol=http program=busybox guess=http" \
		"service=ssh-2200 local_address=127.0.0.1:2200 protocol=tcp program=socat guess=ssh" \
		"service=postgres local_address=127.0.0.1:5432 protocol=tcp program=socat guess=postgres"
	[ "${#lines[@]}" -eq 3 ]
}

@test "TLS is told from plain HTTP" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x \
		-keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
	run_exit 0 alone "$WAIT
		openssl s_server -accept 127.0.0.1:4999 -www -cert '$T/cert.pem' -key '$T/key.pem' >/dev/null 2>&1 & t=\$!
		listens 4999; rn-discover; kill \$t"
	has "local_address=127.0.0.1:4999 protocol=https" "guess=https"
}

@test "IPv6 only, and UDP by its port" {
	run_exit 0 alone "$WAIT
		socat TCP6-LISTEN:8000,bind=::1,ipv6only=1,fork SYSTEM:cat & s=\$!
		socat -u UDP-RECV:53,bind=127.0.0.1 - & u=\$!
		listens 8000
		for _ in \$(seq 200); do grep -q :0035 /proc/net/udp && break; sleep 0.02; done
		rn-discover --no-probe; kill \$s \$u"
	has "service=http-8000 local_address=[::1]:8000 protocol=http" \
		"service=dns local_address=127.0.0.1:53 protocol=udp"
}

@test "the same port of both families is one service" {
	run_exit 0 alone "$WAIT
		socat TCP4-LISTEN:3000,bind=127.0.0.1,fork SYSTEM:cat & a=\$!
		socat TCP6-LISTEN:3000,bind=::1,ipv6only=1,fork SYSTEM:cat & b=\$!
		listens 3000; for _ in \$(seq 200); do grep -q :0BB8 /proc/net/tcp6 && break; sleep 0.02; done
		rn-discover --no-probe; kill \$a \$b"
	[ "$(grep -c :3000 <<<"$output")" -eq 1 ]
	has "local_address=127.0.0.1:3000"
}

@test "mDNS and clients' UDP ports only with --all" {
	local listen='socat -u UDP-RECV:5353,bind=127.0.0.1 - & u=$!
		socat -u UDP-RECV:45000,bind=127.0.0.1 - & v=$!
		for _ in $(seq 200); do grep -q :AFC8 /proc/net/udp && grep -q :14E9 /proc/net/udp && break; sleep 0.02; done'
	run_exit 0 alone "$listen; rn-discover; kill \$u \$v"
	[ -z "$output" ]
	run_exit 0 alone "$listen; rn-discover --all; kill \$u \$v"
	has ":5353 protocol=udp" ":45000 protocol=udp"
}

@test "it does not wait for services that stay silent" {
	run_exit 0 alone "$WAIT
		for p in \$(seq 7001 7020); do socat TCP-LISTEN:\$p,bind=127.0.0.1 SYSTEM:'sleep 5' & pids+=(\$!); done
		for p in \$(seq 7001 7020); do listens \$p; done
		timeout 4 rn-discover | wc -l
		kill \${pids[@]}"
	[ "${lines[0]}" -eq 20 ]
}

@test "its records are what the schema says, and rn-expose reads them" {
	run_exit 0 alone "$WAIT
		busybox httpd -f -p 127.0.0.1:3777 -h '$T' & w=\$!; listens 3777
		rn-discover >'$T/found'; kill \$w"
	run_exit 0 rn-rec check "$T/found"
	run_exit 78 rn-expose - <"$T/found"
	has "rn join"
}

@test "wrong options" {
	run_exit 64 rn-discover --nonsense
	run_exit 64 rn-discover more
}
