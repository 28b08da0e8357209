#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# /.rustronaut/probe: who may ask, and what is answered.

load proxy_helper

setup() {
	rn_setup
	backend one
	for n in own other; do openssl genpkey -algorithm ed25519 -out "$T/$n.pem" 2>/dev/null; done
	cat >"$T/site.rn" <<-END
		listen=web address=127.0.0.1:0 proto=http
		listen=t address=127.0.0.1:0 proto=tcp
		listen=u address=127.0.0.1:0 proto=udp
		device=own address=10.9.0.2/32 sign_key=$(public own)
		device=other address=10.9.0.3/32 sign_key=$(public other)
		resource=app listen=web host=app.test device=own
		resource=open listen=web host=open.test
		resource=dead listen=web host=dead.test device=own
		resource=tcp listen=t device=own
		resource=udp listen=u device=own
		target=app resource=app address=127.0.0.1:$PORT
		target=open resource=open address=127.0.0.1:$PORT
		target=dead resource=dead address=127.0.0.1:$(free_port)
		target=tcp resource=tcp address=127.0.0.1:$PORT
		target=udp resource=udp address=127.0.0.1:$PORT
		policy=open effect=allow from=any to=resource:open
	END
	proxy
}
teardown() { rn_teardown; }

public() { openssl pkey -in "$T/$1.pem" -pubout -outform DER | tail -c 32 | base64; }
url64() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
# signature NODE PATH [AT [NONCE [KEY]]]: the Authorization header of doc/contracts.md
signature() {
	local at=${3:-$(date +%s)} nonce=${4:-$(head -c 16 /dev/urandom | url64)}
	printf 'rn1\nGET\n%s\n%s\n%s\n%s\n' "$2" "$at" "$nonce" "$(b2sum -l 256 </dev/null | cut -d' ' -f1)" >"$T/signed"
	echo "Rustronaut node=$1,at=$at,nonce=$nonce,sig=$(openssl pkeyutl -sign -inkey "$T/${5:-$1}.pem" -rawin -in "$T/signed" | url64)"
}
# probe STATUS HOST PATH [AUTHORIZATION]
probe() {
	local code
	code=$(get "$2" "$3" -o "$T/page" -w '%{http_code}' ${4:+-H "Authorization: $4"})
	[ "$code" = "$1" ] || { echo "$2$3: $code, not $1: $(<"$T/page")" >&2; return 1; }
}
P1=/.rustronaut/probe

@test "204 when the target is reached, 503 and why when not" {
	probe 204 app.test $P1 "$(signature own $P1)"
	probe 503 dead.test $P1 "$(signature own $P1)"
	grep -q 'Connection refused' "$T/page"
	probe 204 open.test $P1 # who may use it may ask
}

@test "403 for strangers, another device, another key, a changed path" {
	probe 403 app.test $P1
	probe 403 app.test $P1 "$(signature other $P1)"
	probe 403 app.test $P1 "$(signature own $P1 '' '' other)"
	probe 403 app.test "$P1?x" "$(signature own $P1)"
	probe 403 app.test $P1 "Rustronaut node=own"
	probe 403 app.test $P1 "Bearer rnt_x"
}

@test "a signature serves once, and in its time" {
	local once now
	once=$(signature own $P1)
	now=$(date +%s)
	probe 204 app.test $P1 "$once"
	probe 403 app.test $P1 "$once"
	probe 403 app.test $P1 "$(signature own $P1 $((now - 400)))"
	probe 403 app.test $P1 "$(signature own $P1 $((now + 400)))"
}

@test "tcp and udp services are asked for by name, under any host that is served" {
	for s in tcp udp; do
		probe 204 app.test "$P1?service=$s" "$(signature own "$P1?service=$s")"
		probe 204 open.test "$P1?service=$s" "$(signature own "$P1?service=$s")"
		probe 403 open.test "$P1?service=$s" "$(signature other "$P1?service=$s")"
	done
	probe 403 app.test "$P1?service=none" "$(signature own "$P1?service=none")"
	kill "$BACKEND_PID"
	wait_gone "$BACKEND_PID"
	probe 503 app.test "$P1?service=tcp" "$(signature own "$P1?service=tcp")"
}
