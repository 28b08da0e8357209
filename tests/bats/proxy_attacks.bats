#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-proxy against a hostile visitor: what must not get through, and what must not stop others.

load proxy_helper

setup() {
	rn_setup
}

teardown() {
	rn_teardown
}

sign() { python3 "$BATS_TEST_DIRNAME/proxy_sign.py" "$@"; }
code() { get "$@" --path-as-is -o /dev/null -w '%{http_code}'; }

# A public site whose /admin is another resource with a policy of its own; both on one backend.
two_halves() {
	backend one
	signer=$(sign key "$T/seed")
	cat >"$T/site.rn" <<-END
		bundle=gw1 serial=1 made_at=1 console=https://console.test
		signer=$signer
		listen=web address=127.0.0.1:0 proto=http
		resource=site listen=web host=app.test
		resource=admin listen=web host=app.test path=/admin auth=login
		target=t1 resource=site address=127.0.0.1:$PORT
		target=t2 resource=admin address=127.0.0.1:$PORT
		policy=site effect=allow from=any to=resource:site
		policy=admin effect=allow from=group:eng,link to=resource:admin
	END
	printf '%s\n' "$@" | sed '/^$/d' >>"$T/site.rn"
	proxy
}

@test "no spelling of a path gets around the policy of its resource" {
	two_halves
	[ "$(code app.test /name)" = 200 ]
	[ "$(code app.test /admin/name)" = 403 ]
	# The same path to us, whatever it looks like.
	for path in //admin/name /%61dmin/name '/admin//name' /admin%2e/../admin/name; do
		run code app.test "$path"
		[ "$output" != 200 ] || { echo "$path: 200"; false; }
	done
	# What a server behind us may take for /admin/name.
	for path in /x/../admin/name /x/%2e%2e/admin/name /x/%252e%252e/admin/name '/x/..;/admin/name' \
		'/x/..%3Bv=1/admin/name' /admin%2Fname /admin%5Cname /admin%252Fname '/admin;v=1/name' \
		'/admin%3Bv=1/name' /%2e/admin/name '/admin\name' '/;/admin/name'; do
		run code app.test "$path"
		[ "$output" = 400 ] || { echo "$path: $output"; false; }
	done
	# Within one resource such spellings are the target's own business.
	[ "$(get app.test '/echo/a%2Fb;v=1/c%25d' --path-as-is | jq -r .path)" = '/echo/a%2Fb;v=1/c%25d' ]
}

@test "one connection: each request is decided for its own host" {
	two_halves
	run raw 'GET /name HTTP/1.1\r\nHost: app.test\r\n\r\nGET /admin/name HTTP/1.1\r\nHost: app.test\r\n\r\nGET /name HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n'
	[ "$(grep -c '^HTTP/1.1 200' <<<"$output")" = 1 ]
	[ "$(grep -c '^HTTP/1.1 403' <<<"$output")" = 1 ]
	[ "$(grep -c '^HTTP/1.1 404' <<<"$output")" = 1 ]
	# Host and an absolute target must agree.
	run raw 'GET http://app.test/admin/name HTTP/1.1\r\nHost: other.test\r\n\r\n'
	has 'HTTP/1.1 400'
	run raw 'GET http://app.test/admin/name HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'
	has 'HTTP/1.1 403'
}

@test "nothing is smuggled behind a body" {
	two_halves
	for head in 'Content-Length: 4\r\nTransfer-Encoding: chunked' 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity' \
		'Transfer-Encoding: xchunked' 'Content-Length: 4\r\nContent-Length: 40' 'Content-Length: 4, 4' \
		'Content-Length: +4' 'Transfer-Encoding : chunked' 'Transfer-Encoding: chunked\r\n ' 'Connection: Content-Length\r\nContent-Length: 4'; do
		run raw "POST /echo HTTP/1.1\r\nHost: app.test\r\n$head\r\n\r\n0\r\n\r\nGET /admin/name HTTP/1.1\r\nHost: app.test\r\n\r\n"
		[[ ${lines[0]} == 'HTTP/1.1 400'* ]] || { echo "$head: ${lines[0]}"; false; }
		[ "$(grep -c '^HTTP/1.1' <<<"$output")" = 1 ]
	done
}

@test "a switch to another HTTP is not passed on; WebSocket is" {
	two_halves
	for protocol in h2c 'websocket, h2c' HTTP/2.0 TLS/1.0; do
		run get app.test /echo -H "Connection: Upgrade, HTTP2-Settings" -H "Upgrade: $protocol" \
			-H 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'
		[ "$(jq -r '.headers | keys | map(select(test("upgrade|http2|^connection$"))) | join(" ")' <<<"$output")" = "" ]
	done
	run raw 'GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGVzdA==\r\nSec-WebSocket-Version: 13\r\n\r\n'
	has '101 Switching Protocols'
	# An upgrade is a request like any other to policy.
	run raw 'GET /admin/ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGVzdA==\r\n\r\n'
	has 'HTTP/1.1 403'
}

@test "a login leads to a path on its own host and nowhere else" {
	two_halves
	for back in //evil.test '/\\evil.test' /%5Cevil.test '/%09/evil.test' '/%0A/evil.test' '/%0d%0aSet-Cookie:%20a=b' \
		https://evil.test %2F%2Fevil.test '/%20/evil.test' ''; do
		login=$(sign login "$T/seed" ada eng app.test 60)
		run get app.test "/.rustronaut/session?t=$login&return=$back" -i
		[ "$(tr -d '\r' <<<"$output" | grep -ix 'location: /')" ] || { echo "$back: $output"; false; }
	done
	# Also where the host's only resource lies deeper.
	sed -i '/resource=site/d;/^target=t1/d' "$T/site.rn"
	rn-proxy reload
	login=$(sign login "$T/seed" ada eng app.test 60)
	run code app.test "/.rustronaut/session?t=$login&return=/admin/name"
	[ "$output" = 303 ]
}

@test "an assertion serves once, on its host, in the life of one gateway" {
	two_halves
	login=$(sign login "$T/seed" ada eng app.test 60)
	for _ in 1 2 3 4 5 6 7 8; do code app.test "/.rustronaut/session?t=$login" & done >"$T/codes"
	wait_for sh -c "[ \$(wc -c <'$T/codes') = 24 ]"
	[ "$(grep -o 303 "$T/codes" | wc -l)" = 1 ]
	[ "$(grep -o 403 "$T/codes" | wc -l)" = 7 ]
	# One that another process may have let in already is not taken.
	old=$(sign login "$T/seed" ada eng app.test 50)
	run get app.test "/.rustronaut/session?t=$old"
	has "older than this gateway's start"
}

@test "links, logins, cookies and credentials stand in no log" {
	two_halves
	link=$(sign link "$T/seed" admin 3600)
	login=$(sign login "$T/seed" ada eng app.test 60)
	get app.test "/admin/name?rn_link=$link" -c "$T/jar" >/dev/null
	get app.test "/.rustronaut/session?t=$login" -o /dev/null
	get app.test "/.rustronaut/session?t=$login" -o /dev/null
	cookie=$(awk '/rn_session/{print $6"="$7}' "$T/jar")
	get app.test /admin/name -H "Cookie: $cookie" -H 'Authorization: Bearer rnt_SECRET' >/dev/null
	get app.test /admin/name -H "Cookie: $cookie" --http1.0 -H 'X_Bad: rnt_SECRET' >/dev/null
	wait_for grep -q 'path=/admin/name status=200' "$T/access"
	run grep -hE "rn_link|${link:20:20}|${login:20:20}|rn_session|${cookie:30:20}|rnt_|Bearer" "$T/access" "$T/proxy.log"
	[ "$output" = "" ] || { echo "$output"; false; }
}

@test "a program gets no forwarding, identity or session that a visitor made up" {
	mkdir "$T/cgi"
	printf '#!/bin/sh\necho Content-Type: text/plain\necho\nenv\n' >"$T/cgi/env"
	chmod 755 "$T/cgi/env"
	signer=$(sign key "$T/seed")
	cat >"$T/site.rn" <<-END
		signer=$signer
		listen=web address=127.0.0.1:0 proto=http
		resource=env listen=web host=app.test
		target=env resource=env address=cgi:$T/cgi/env
		policy=env effect=allow from=any to=resource:env
	END
	proxy --cgi-dir "$T/cgi"
	link=$(sign link "$T/seed" env 3600)
	get app.test "/x?a=1&rn_link=$link" -c "$T/jar" -H 'X-Forwarded-For: 6.6.6.6' -H 'X-Forwarded-Host: evil.test' \
		-H 'X-Forwarded-Proto: https' -H 'X-Real-IP: 6.6.6.6' -H 'Forwarded: for=6.6.6.6' -H 'X-Request-Id: 6.6.6.6' \
		-H 'X-Rustronaut-User: root' -H 'Proxy: http://evil.test' >"$T/env"
	run grep -E '6\.6\.6\.6|evil|root|rn_link|FORWARDED|PROXY' "$T/env"
	[ "$output" = "" ] || { echo "$output"; false; }
	grep -qx 'REQUEST_URI=/x?a=1' "$T/env"
	cookie=$(awk '/rn_session/{print $6"="$7}' "$T/jar")
	get app.test /x -H "Cookie: a=1; $cookie" -H "Cookie: $cookie" -H 'Cookie: b=2' -H 'X-Two: 1' -H 'x-two: 2' >"$T/env"
	grep -qx 'HTTP_COOKIE=a=1; b=2' "$T/env"
	grep -qx 'HTTP_X_TWO=1, 2' "$T/env"
	[ "$(grep -c rn_session "$T/env")" = 0 ]
}

@test "hundreds of silent and slow connections keep nobody else out" {
	backend one
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web host=app.test
		target=t1 resource=app address=127.0.0.1:$PORT
		policy=all effect=allow from=any to=resource:app
	END
	ulimit -n 300 # leaves each of the two workers (300 - 64) / 6 = 39 connections
	proxy
	cat >"$T/crowd.py" <<-'END'
		import socket, sys, time
		port, crowd = int(sys.argv[1]), []
		for i in range(200):
		    s = socket.create_connection(("127.0.0.1", port))
		    if i % 2:
		        s.sendall(b"GET /name HTTP/1.1\r\nHost: ")
		    crowd.append(s)
		print("here", flush=True)
		time.sleep(60)
	END
	start crowd python3 "$T/crowd.py" "$P"
	wait_for grep -q here "$T/crowd.log"
	for _ in $(seq 30); do [ "$(get app.test /name --max-time 3)" = one ]; done
	grep -q 'too%20many%20connections' "$T/proxy.log"
	# Busy ones stay: a request under way is not what is ended.
	mkfifo "$T/slow"
	start slow sh -c "cat '$T/slow' | nc 127.0.0.1 $P"
	exec 5>"$T/slow"
	printf 'POST /echo HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab' >&5
	for _ in $(seq 100); do [ "$(get app.test /name --max-time 3)" = one ]; done
	printf cd >&5
	exec 5>&-
	wait_for grep -q '"abcd"' "$T/slow.log"
	cpu() { awk '{print $14 + $15}' "/proc/$PROXY_PID/stat"; }
	before=$(cpu)
	sleep 1
	[ $(($(cpu) - before)) -lt 30 ]
}

@test "a flood of datagrams that are let in nowhere does not flood the log" {
	backend one
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		listen=dns address=127.0.0.1:0 proto=udp
		resource=dns listen=dns
		target=t1 resource=dns address=127.0.0.1:$PORT
	END
	proxy
	python3 - "$(port_of dns)" <<-'END'
		import socket, sys
		for i in range(300):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    for _ in range(10):
		        s.sendto(b"x", ("127.0.0.1", int(sys.argv[1])))
	END
	wait_for grep -q 'listener=dns .*decision=deny' "$T/access"
	get app.test / >/dev/null
	wait_for grep -q 'listener=web' "$T/access"
	[ "$(grep -c listener=dns "$T/access")" -le 160 ] # 20 a second and worker
}

@test "a program that talks without end or leaves children behind costs no place" {
	mkdir "$T/cgi"
	cat >"$T/cgi/app" <<-'END'
		#!/bin/sh
		printf 'Content-Type: text/plain\n\nfine\n'
		[ "$PATH_INFO" != /talk ] || yes 'on and on' | head -n 20000 >&2
		[ "$PATH_INFO" != /child ] || { exec >&-; sleep 20 & echo $! >>"${0%/*}/../children"; }
	END
	chmod 755 "$T/cgi/app"
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		resource=app listen=web
		target=app resource=app address=cgi:$T/cgi/app
		policy=all effect=allow from=any to=resource:app
	END
	proxy --cgi-dir "$T/cgi"
	[ "$(get x /talk)" = fine ]
	wait_for grep -q 'says%20too%20much' "$T/proxy.log"
	[ "$(grep -c 'on%20and%20on' "$T/proxy.log")" = 50 ]
	# More of them than the helper has places.
	for _ in $(seq 70); do get x /child >/dev/null; done
	[ "$(get x /last)" = fine ]
	cat "$T/children" >>"$T/pids"
}

@test "logout= ends the logins from before, of that user alone; links go on" {
	two_halves
	for user in ada bob; do
		get app.test "/.rustronaut/session?t=$(sign login "$T/seed" $user eng app.test 60)" -c "$T/$user" -o /dev/null
		[ "$(get app.test /admin/name -b "$T/$user")" = one ]
	done
	get app.test "/admin/name?rn_link=$(sign link "$T/seed" admin 3600)" -c "$T/link" -o /dev/null
	echo "logout=ada at=$(date +%s)" >>"$T/site.rn"
	rn-proxy reload
	[ "$(code app.test /admin/name -b "$T/ada")" = 403 ]
	[ "$(code app.test /admin/name -b "$T/bob")" = 200 ]
	[ "$(code app.test /admin/name -b "$T/link")" = 200 ]
	# What is signed in later holds: here "before" was ten seconds ago.
	sed -i "s/^logout=ada at=.*/logout=ada at=$(($(date +%s) - 10))/" "$T/site.rn"
	rn-proxy reload
	[ "$(code app.test /admin/name -b "$T/ada")" = 200 ]
}

@test "TLS: no old version, no weak cipher, no renegotiation, no key exchange without secrecy" {
	backend one
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/tls.key" -out "$T/tls.crt" \
		-days 2 -subj /CN=app.test -addext subjectAltName=DNS:app.test 2>/dev/null
	chmod 600 "$T/tls.key"
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=https
		certificate=c cert_file=tls.crt key_file=tls.key host=app.test
		resource=app listen=web host=app.test
		target=t1 resource=app address=127.0.0.1:$PORT
		policy=all effect=allow from=any to=resource:app
	END
	proxy
	hello() { openssl s_client -connect "127.0.0.1:$P" -servername app.test "$@" </dev/null 2>&1; }
	for version in -tls1 -tls1_1; do
		run hello $version -cipher DEFAULT@SECLEVEL=0
		has 'Cipher is (NONE)'
	done
	for version in -tls1_2 -tls1_3; do
		run hello $version
		has 'Cipher is ' 'app.test'
		[[ $output != *'(NONE)'* ]]
	done
	for cipher in AES256-GCM-SHA384 AES128-SHA ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES256-SHA384 NULL aNULL RC4 3DES; do
		run hello -tls1_2 -cipher "$cipher:@SECLEVEL=0"
		[[ $output == *'Cipher is (NONE)'* || $output == *'no cipher match'* || $output == *'no ciphers available'* ]]
	done
	# The client asks to renegotiate (R): no answer comes after that.
	run bash -c "{ echo R; sleep 0.3; printf 'GET /name HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'; sleep 0.3; } |
		timeout 5 openssl s_client -connect 127.0.0.1:$P -servername app.test -tls1_2 2>&1"
	[[ $output != *'200 OK'* ]]
	# SNI of one name, Host of another that we do not serve: routed by Host, and nothing is there.
	[ "$(curl -sk --resolve "app.test:$P:127.0.0.1" "https://app.test:$P/name" -H 'Host: other.test' -o /dev/null -w '%{http_code}')" = 404 ]
}
