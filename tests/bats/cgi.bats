#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rn-console.cgi: called as a web server would, and behind busybox httpd and nginx with fcgiwrap.
load helper

setup_file() {
	export FIXTURE
	FIXTURE=$(mktemp -d /tmp/rn-cgi.XXXXXX)
	RN_STATE_DIR=$FIXTURE/state RN_CONSOLE_DIR=$FIXTURE/state/console RN_RUN_DIR=$FIXTURE \
		"$BIN/rn-console" init gw.example.com --address 192.0.2.1 >"$FIXTURE/init.log"
}
teardown_file() { rm -rf "$FIXTURE"; }

setup() {
	rn_setup
	cp -a "$FIXTURE/state/console" "$T/state/"
	TOKEN=$(<"$RN_CONSOLE_DIR/owner.token")
	unset AUTH ACCEPT COOKIE TYPE
}
teardown() { rn_teardown; }

# cgi METHOD URI [BODY]: one request, by $AUTH, $ACCEPT, $TYPE, $COOKIE. Sets $status_code, $head and $body.
cgi() {
	local answer
	answer=$(printf %s "${3-}" | env -i PATH="$PATH" RN_CONSOLE_DIR="$RN_CONSOLE_DIR" GATEWAY_INTERFACE=CGI/1.1 \
		REQUEST_METHOD="$1" REQUEST_URI="$2" SCRIPT_NAME="${SCRIPT-}" REMOTE_ADDR=203.0.113.9 \
		CONTENT_LENGTH="$(printf %s "${3-}" | wc -c)" CONTENT_TYPE="${TYPE-application/json}" \
		${ACCEPT:+HTTP_ACCEPT="$ACCEPT"} ${AUTH:+HTTP_AUTHORIZATION="$AUTH"} ${COOKIE:+HTTP_COOKIE="$COOKIE"} \
		${MATCH:+HTTP_IF_NONE_MATCH="$MATCH"} "$BIN/rn-console.cgi" 2>"$T/cgi.log" | tr -d '\r') || return
	! grep -q 'Sanitizer' "$T/cgi.log" || { cat "$T/cgi.log" >&2; return 1; }
	head=${answer%%$'\n\n'*}
	body=${answer#"$head"}
	body=${body#$'\n\n'}
	status_code=$(sed -n 's/^Status: \([0-9]*\).*/\1/p' <<<"$head")
}
# want STATUS [TEXT...]: the answer has this status, and each text stands in it.
want() {
	local status=$1 text
	shift
	[ "$status_code" = "$status" ] || { printf 'status %s, not %s\n%s\n\n%s\n' "$status_code" "$status" "$head" "$body" >&2; return 1; }
	for text in "$@"; do
		[[ "$head$body" == *"$text"* ]] || { printf 'missing: %s\n%s\n\n%s\n' "$text" "$head" "$body" >&2; return 1; }
	done
}
owner() { AUTH="Bearer $TOKEN" cgi "$@"; }

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
# A machine of its own keys joins; sets $NODE. join NAME [ROLE]
join() {
	openssl genpkey -algorithm ed25519 -out "$T/$1.pem" 2>/dev/null
	owner POST /api/v1/invitations '{"expires_s":600}'
	want 201
	INVITE=$(jq -r .url <<<"$body")
	INVITE_TOKEN=$(sed 's|.*/||; s|\..*||' <<<"$INVITE")
	SIGN_KEY=$(openssl pkey -in "$T/$1.pem" -pubout -outform DER | tail -c 32 | base64)
	WG_KEY=$(wg genkey | wg pubkey)
	cgi POST /api/v1/join "{\"token\":\"$INVITE_TOKEN\",\"name\":\"$1\",\"wg_key\":\"$WG_KEY\",\"sign_key\":\"$SIGN_KEY\"}"
	want 201
	NODE=$(jq -r .node <<<"$body")
}
# signature PEM METHOD URI BODY [AT] [NONCE]: the Authorization header of doc/contracts.md
signature() {
	local at=${5:-$(date +%s)} nonce
	nonce=${6:-$(head -c 16 /dev/urandom | base64url)}
	printf 'rn1\n%s\n%s\n%s\n%s\n%s\n' "$2" "$3" "$at" "$nonce" "$(printf %s "$4" | b2sum -l 256 | cut -d' ' -f1)" >"$T/signed"
	echo "Rustronaut node=$NODE,at=$at,nonce=$nonce,sig=$(openssl pkeyutl -sign -inkey "$1" -rawin -in "$T/signed" | base64url)"
}
as_node() { # as_node NAME METHOD URI [BODY]
	AUTH=$(signature "$T/$1.pem" "$2" "$3" "${4-}") cgi "$2" "$3" "${4-}"
}
service='{"name":"web","local_address":"localhost:3000","protocol":"http","tunnel_port":3000}'

@test "the status is for anybody, the details for who has a credential" {
	cgi GET /api/v1/status
	want 200 "Content-Type: application/json" '{"status":"ok","serial":1}'
	ACCEPT=text/x-rn cgi GET /api/v1/status
	want 200 "Content-Type: text/x-rn"
	[ "$body" = "status=ok serial=1" ]
	owner GET /api/v1/status
	want 200 '"gateways":1'
	AUTH="Bearer rnt_wrong" cgi GET /api/v1/status
	want 401
}

@test "JSON or records, as Accept says" {
	ACCEPT='text/html, text/x-rn;q=0.5, application/json;q=0.9' cgi GET /api/v1/status
	want 200 "Content-Type: application/json"
	ACCEPT='application/json;q=0.5,text/x-rn' cgi GET /api/v1/status
	want 200 "Content-Type: text/x-rn"
	ACCEPT='*/*' cgi GET /api/v1/status
	want 200 "Content-Type: application/json"
	ACCEPT='text/x-rn;q=0' cgi GET /api/v1/status
	want 200 "Content-Type: application/json"
}

@test "without a credential 401, with too little of one 403 and a line in the audit log" {
	cgi GET /api/v1/services
	want 401 "WWW-Authenticate: Bearer" '"error":"unauthorized"'
	AUTH="Bearer rnt_$(head -c 32 /dev/zero | base64url)" cgi GET /api/v1/services
	want 401 "not valid"
	AUTH="Basic YTpi" cgi GET /api/v1/services
	want 400
	owner POST /api/v1/users '{"user":"bob","role":"member"}'
	want 201
	owner POST /api/v1/users/bob/tokens '{"name":"test"}'
	want 201
	AUTH="Bearer $(jq -r .secret <<<"$body")" cgi DELETE /api/v1/gateways/gw1
	want 403 "bob is member"
	owner GET '/api/v1/audit?limit=1'
	want 200 '"action":"refused"' '"actor":"user:bob"' '"object":"gateway:gw1"'
}

@test "unknown paths and methods" {
	cgi GET /api/v1/nothing
	want 404 '"error":"not_found"'
	cgi GET /nothing
	want 404 "<!doctype html>"
	cgi DELETE /api/v1/status
	want 405 "Allow: GET, HEAD"
	owner PATCH /api/v1/services/x
	want 405 "Allow: GET, HEAD, PUT, DELETE"
	cgi GET '/api/v1/services/..'
	want 404
	owner GET '/api/v1/services/a%2Fb'
	want 404
}

@test "bodies: wrong type, damaged, unknown keys, wrong values, too long" {
	TYPE=text/plain owner POST /api/v1/services x
	want 415
	owner POST /api/v1/services '{"name":'
	want 400
	owner POST /api/v1/services '[1]'
	want 400
	TYPE=text/x-rn owner POST /api/v1/services 'service=a name=b'
	want 400 "line feed"
	TYPE=text/x-rn owner POST /api/v1/services $'user=a role=owner\n'
	want 400 "must be a service record"
	TYPE=text/x-rn owner POST /api/v1/services $'service=a\nservice=b\n'
	want 400
	owner POST /api/v1/services '{"name":"web","allows":["org"]}'
	want 422 "unknown key 'allows' in service"
	owner POST /api/v1/services '{"name":"web","tunnel_port":70000}'
	want 422 "tunnel_port"
	owner POST /api/v1/services '{"name":"web","allow":["everyone"]}'
	want 422 "allow"
	owner POST /api/v1/services "{\"name\":\"$(head -c 70000 /dev/zero | tr '\0' x)\"}"
	want 413
	owner POST /api/v1/users '{}'
	want 422 "no name"
}

@test "a machine joins once, by the invitation's token" {
	join laptop
	want 201 '"network":"example"' '"role":"client"'
	cgi POST /api/v1/join "{\"token\":\"$INVITE_TOKEN\",\"name\":\"x\",\"wg_key\":\"$(wg genkey | wg pubkey)\",\"sign_key\":\"$SIGN_KEY\"}"
	want 401 "used already"
	cgi POST /api/v1/join '{"token":"AAAAAAAAAAAAAAAAAAAAAA"}'
	want 400 "needs token"
	cgi POST /api/v1/join "{\"token\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"wg_key\":\"short\",\"sign_key\":\"$SIGN_KEY\"}"
	want 422 "wg_key"
	TYPE=text/x-rn cgi POST /api/v1/join "join= token=AAAAAAAAAAAAAAAAAAAAAA wg_key=$WG_KEY sign_key=$SIGN_KEY"$'\n'
	want 401
}

@test "who tries invitations is shut out for a while" {
	local guess wg sign
	wg=$(wg genkey | wg pubkey)
	sign=$(wg genkey)
	for _ in $(seq 20); do
		guess=$(head -c 16 /dev/urandom | base64url)
		cgi POST /api/v1/join "{\"token\":\"$guess\",\"wg_key\":\"$wg\",\"sign_key\":\"$sign\"}"
		want 401
	done
	cgi POST /api/v1/join "{\"token\":\"$guess\",\"wg_key\":\"$wg\",\"sign_key\":\"$sign\"}"
	want 429 '"error":"too_many"' "Retry-After: 300"
}

@test "a node exposes, lists, shares and removes its service" {
	join laptop
	as_node laptop POST /api/v1/services "$service"
	want 201 '"protocol":"http"' '"url":"https://' 'rn_link=' '"dns":"'
	local id
	id=$(jq -r .service <<<"$body")
	as_node laptop POST /api/v1/services "$service"
	want 201 "\"service\":\"$id\""
	as_node laptop GET '/api/v1/services?name=web'
	want 200 "\"service\":\"$id\""
	as_node laptop GET '/api/v1/services?name=other'
	want 200
	[ "$body" = "[]" ]
	as_node laptop GET '/api/v1/services?colour=red'
	want 400 "has no colour"
	as_node laptop POST "/api/v1/services/$id/links" '{"expires_s":60}'
	want 201 'rn_link='
	as_node laptop PUT "/api/v1/services/$id" '{"public":true}'
	want 200 '"public":true'
	as_node laptop DELETE "/api/v1/services/$id"
	want 204
	[ -z "$body" ]
	as_node laptop GET "/api/v1/services/$id"
	want 404
}

@test "a taken subdomain is a conflict" {
	join laptop
	as_node laptop POST /api/v1/services '{"name":"a","local_address":"localhost:1","protocol":"http","tunnel_port":1,"subdomain":"shop"}'
	want 201 'https://shop.gw.example.com'
	as_node laptop POST /api/v1/services '{"name":"b","local_address":"localhost:2","protocol":"http","tunnel_port":2,"subdomain":"shop"}'
	want 409 '"error":"conflict"'
}

@test "a node's signature: once, in time, over this very request" {
	local nonce at
	join laptop
	nonce=$(head -c 16 /dev/urandom | base64url)
	at=$(date +%s)
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/services "" "$at" "$nonce") cgi GET /api/v1/services
	want 200
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/services "" "$at" "$nonce") cgi GET /api/v1/services
	want 401
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/services "" $((at - 400))) cgi GET /api/v1/services
	want 401 "check the time"
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/services "" $((at + 400))) cgi GET /api/v1/services
	want 401 "check the time"
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/gateways "") cgi GET /api/v1/services
	want 401 "does not fit"
	AUTH=$(signature "$T/laptop.pem" POST /api/v1/services "$service") cgi POST /api/v1/services "${service/3000/3001}"
	want 401 "does not fit"
	openssl genpkey -algorithm ed25519 -out "$T/other.pem" 2>/dev/null
	AUTH=$(signature "$T/other.pem" GET /api/v1/services "") cgi GET /api/v1/services
	want 401 "does not fit"
	NODE=nobody
	AUTH=$(signature "$T/laptop.pem" GET /api/v1/services "") cgi GET /api/v1/services
	want 401
}

@test "nodes may not do what is for users" {
	join laptop
	as_node laptop POST /api/v1/invitations '{"role":"gateway"}'
	want 403 "a node may not do that"
	as_node laptop DELETE /api/v1/gateways/gw1
	want 403
	as_node laptop GET /api/v1/bundles/gw1.rn
	want 404
}

@test "bundles and trust: signed, static, conditional" {
	join laptop
	as_node laptop GET "/api/v1/bundles/$NODE.rn"
	want 200 "Content-Type: text/x-rn" "bundle=$NODE serial=" "Cache-Control: no-cache"
	printf '%s\n' "$body" >"$T/bundle.rn"
	local etag
	etag=$(sed -n 's/^ETag: //p' <<<"$head")
	as_node laptop GET "/api/v1/bundles/$NODE.rn.minisig"
	want 200
	printf '%s\n' "$body" >"$T/bundle.rn.minisig"
	minisign -Vqm "$T/bundle.rn" -p "$RN_CONSOLE_DIR/sign.pub"
	AUTH=$(signature "$T/laptop.pem" GET "/api/v1/bundles/$NODE.rn" "") MATCH=$etag cgi GET "/api/v1/bundles/$NODE.rn"
	want 304 "ETag: $etag"
	[ -z "$body" ]
	cgi GET "/api/v1/bundles/$NODE.rn"
	want 401
	cgi GET /api/v1/trust
	want 200 "trust=gw.example.com"
	printf '%s\n' "$body" >"$T/trust.rn"
	cgi GET /api/v1/trust.minisig
	printf '%s\n' "$body" >"$T/trust.rn.minisig"
	minisign -Vqm "$T/trust.rn" -p "$RN_CONSOLE_DIR/sign.pub"
	cgi HEAD /api/v1/trust
	want 200 "Content-Length: "
	[ -z "$body" ]
}

@test "gateways: made with an invitation, configured, removed" {
	owner POST /api/v1/gateways '{"name":"us-east","region":"us","instance_type":"small"}'
	want 201 '"name":"us-east"' '"region":"us"' '"status":"new"' '"invitation":"rn://gw.example.com/'
	local id
	id=$(jq -r .gateway <<<"$body")
	owner GET "/api/v1/gateways/$id"
	want 200 '"wg_port":51820'
	owner PUT "/api/v1/gateways/$id/config" '{"wg_port":51821}'
	want 200 '"wg_port":51821'
	owner PUT "/api/v1/gateways/$id/config" '{"wg_port":"many"}'
	want 422
	owner PUT "/api/v1/gateways/$id/config" '{"gateway":"gw1","wg_port":1}'
	want 400 "the path about"
	owner GET "/api/v1/gateways/$id"
	want 200 '"wg_port":51821'
	owner DELETE "/api/v1/gateways/$id"
	want 204
	owner DELETE "/api/v1/gateways/$id"
	want 404
}

@test "one organisation does not see another's things" {
	join laptop
	as_node laptop POST /api/v1/services "$service"
	want 201
	local id other
	id=$(jq -r .service <<<"$body")
	owner POST /api/v1/organizations '{"name":"rival"}'
	want 403
	rn-console organization add rival
	rn-console user add eve role=owner --org rival
	other=$(rn-console user token eve --org rival -o secret)
	AUTH="Bearer $other" cgi GET "/api/v1/services/$id"
	want 404
	AUTH="Bearer $other" cgi DELETE "/api/v1/services/$id"
	want 404
	AUTH="Bearer $other" cgi GET /api/v1/devices
	want 200
	[ "$body" = "[]" ]
}

@test "the login page: a form, then an assertion for that host alone" {
	join laptop
	as_node laptop POST /api/v1/services "${service/\"name\"/\"allow\":[\"org\"],\"name\"}"
	want 201
	local host form cookie url
	host=$(jq -r .url <<<"$body" | sed 's|https://||')
	url="/login?return=https%3A%2F%2F$host%2Fa%3Fb%3Dc"
	cgi GET "$url"
	want 200 "<form method=\"post\">" "to reach <strong>$host" "SameSite=Strict" "frame-ancestors 'none'" "form-action 'self' https://$host"
	cookie=$(sed -n 's/^Set-Cookie: \([^;]*\).*/\1/p' <<<"$head")
	form="token=${cookie#*=}&user=$(sed -n 's/.*first user is \([^:]*\):.*/\1/p' "$FIXTURE/init.log")"
	TYPE=application/x-www-form-urlencoded
	COOKIE=$cookie cgi POST "$url" "$form&password=wrong"
	want 401 "Name or password is wrong."
	cgi POST "$url" "$form&password=wrong"
	want 403 "expired"
	COOKIE="$cookie; $cookie" cgi POST "$url" "$form&password=wrong"
	want 403
	COOKIE=$cookie cgi POST "$url" "$form&password=$(<"$RN_CONSOLE_DIR/owner.password")"
	want 303 "Location: https://$host/.rustronaut/session?t=" "&return=%2Fa%3Fb%3Dc" "Max-Age=0"
	local line
	line=$(sed -n 's/^Location: .*[?]t=\([^.]*\)\..*/\1/p' <<<"$head" | tr -- '-_' '+/')
	while [ $((${#line} % 4)) -ne 0 ]; do line+="="; done
	[[ $(base64 -d <<<"$line") == assertion=*" resource_host=$host expires_at="* ]]
}

@test "the login page leads nowhere but to our own services" {
	local url
	for url in '' 'https%3A%2F%2Fevil.example%2F' 'https%3A%2F%2Fgw.example.com.evil.example%2F' 'javascript%3Aalert(1)' \
		'http%3A%2F%2Fgw.example.com%2F' 'https%3A%2F%2Fgw.example.com%3A9999%2F' 'https%3A%2F%2Fa%40evil.example%2F'; do
		cgi GET "/login?return=$url"
		want 400
		[[ $body != *"<form"* ]]
	done
}

@test "what a visitor sends does not become markup" {
	join laptop
	as_node laptop POST /api/v1/services "$service"
	local host cookie url
	host=$(jq -r .url <<<"$body" | sed 's|https://||')
	url="/login?return=https%3A%2F%2F$host%2F"
	cgi GET "$url"
	cookie=$(sed -n 's/^Set-Cookie: \([^;]*\).*/\1/p' <<<"$head")
	TYPE=application/x-www-form-urlencoded COOKIE=$cookie cgi POST "$url" "token=${cookie#*=}&user=%22%3E%3Cscript%3E&password=x"
	want 401 "&quot;&gt;&lt;script&gt;"
	[[ $body != *"<script"* ]]
}

@test "five wrong passwords close the door for a while" {
	join laptop
	as_node laptop POST /api/v1/services "$service"
	local host cookie url user
	host=$(jq -r .url <<<"$body" | sed 's|https://||')
	url="/login?return=https%3A%2F%2F$host%2F"
	cgi GET "$url"
	cookie=$(sed -n 's/^Set-Cookie: \([^;]*\).*/\1/p' <<<"$head")
	TYPE=application/x-www-form-urlencoded COOKIE=$cookie
	for _ in 1 2 3 4 5; do
		cgi POST "$url" "token=${cookie#*=}&user=owner&password=wrong"
		want 401
	done
	cgi POST "$url" "token=${cookie#*=}&user=owner&password=wrong"
	want 429 "Too many attempts"
}

@test "openapi.json names the calls that the program knows, and every one exists" {
	rn-console.cgi openapi >"$T/openapi.json"
	diff <(jq -S .paths "$T/openapi.json") <(jq -S .paths "$ROOT/doc/openapi.json")
	cgi GET /api/v1/openapi.json
	want 200 '"openapi"'
	local method path n=0
	while read -r method path; do
		cgi "$method" "/api/v1${path//\{id\}/x}"
		case $status_code in
		200 | 400 | 401) n=$((n + 1)) ;;
		*)
			echo "$method $path: $status_code" >&2
			return 1
			;;
		esac
	done < <(jq -r '.paths | to_entries[] | .key as $p | .value | keys[] | "\(ascii_upcase) \($p)"' "$T/openapi.json")
	[ "$n" -gt 50 ]
	# The keys of each schema are those of the record.
	local kind
	for kind in service gateway invitation join policy; do
		diff <(jq -r ".components.schemas.$kind.properties | keys[]" "$T/openapi.json") \
			<({ echo "$kind"; rn-rec schema "$kind" | sed -n 's/^key=\([^ ]*\) .*/\1/p' | sed "s/^$kind\.//"; } | sort -u)
	done
}

@test "no console: said in the log, not to strangers" {
	RN_CONSOLE_DIR=$T/nowhere cgi GET /api/v1/status
	want 500 '"error":"internal"'
	[[ $body != *nowhere* ]]
	grep -q 'log=error.*rn-console' "$T/cgi.log"
}

@test "at a terminal it says what it is" {
	run_exit 0 env -u GATEWAY_INTERFACE rn-console.cgi --help
	has "RN_CONSOLE_DIR"
	run_exit 0 rn-console.cgi --version
	has "rn-console.cgi "
	run_exit 64 rn-console.cgi
}

# What each server makes of paths, methods, bodies and the Authorization field. busybox httpd keeps
# If-None-Match to itself, so there the answer to a known ETag is the whole file.
walk_server() { # walk_server BASE-URL BASE-PATH STATUS-OF-A-KNOWN-ETAG
	local base=$1 path=$2 known=$3 out
	out=$(curl -fsS "$base/api/v1/status")
	[ "$out" = '{"status":"ok","serial":1}' ]
	out=$(curl -fsS -H "Authorization: Bearer $TOKEN" "$base/api/v1/gateways?name=gateway")
	[[ $out == *'"gateway":"gw1"'* ]]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$base/api/v1/gateways")" = 401 ]
	out=$(curl -fsS -H "Authorization: Bearer $TOKEN" --json '{"expires_s":600}' "$base/api/v1/invitations")
	[[ $out == *'rn://gw.example.com/'* ]]
	out=$(jq -r .invitation <<<"$out")
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE -H "Authorization: Bearer $TOKEN" "$base/api/v1/invitations/$out")" = 204 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "$base/api/v1/status")" = 405 ]
	join laptop
	curl -fsS -H "Authorization: $(signature "$T/laptop.pem" GET "$path/api/v1/services?name=web" "")" \
		-H 'Accept: text/x-rn' "$base/api/v1/services?name=web"
	curl -fsS -H "Authorization: $(signature "$T/laptop.pem" POST "$path/api/v1/services" "$service")" \
		--json "$service" "$base/api/v1/services" >"$T/made.json"
	jq -e '.url' "$T/made.json"
	out=$(curl -fsSI "$base/api/v1/trust" | tr -d '\r' | sed -n 's/^ETag: //p')
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $out" "$base/api/v1/trust")" = "$known" ]
}

@test "behind busybox httpd" {
	local port
	port=$(free_port)
	mkdir -p "$T/www/cgi-bin"
	cp "$BIN/rn-console.cgi" "$T/www/cgi-bin/"
	start httpd busybox httpd -f -p "127.0.0.1:$port" -h "$T/www"
	wait_for curl -fsS -o /dev/null "http://127.0.0.1:$port/cgi-bin/rn-console.cgi/api/v1/status"
	walk_server "http://127.0.0.1:$port/cgi-bin/rn-console.cgi" /cgi-bin/rn-console.cgi 200
}

@test "behind nginx with fcgiwrap" {
	local port
	port=$(free_port)
	mkdir -p "$T/nginx"
	cat >"$T/nginx.conf" <<-END
		daemon off; master_process off; pid $T/nginx/pid; error_log $T/nginx/error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $T/nginx/body; proxy_temp_path $T/nginx/proxy;
			fastcgi_temp_path $T/nginx/fastcgi; uwsgi_temp_path $T/nginx/uwsgi; scgi_temp_path $T/nginx/scgi;
			server {
				listen 127.0.0.1:$port;
				location / {
					fastcgi_pass unix:$T/fcgi.sock;
					fastcgi_param SCRIPT_FILENAME $BIN/rn-console.cgi;
					fastcgi_param RN_CONSOLE_DIR $RN_CONSOLE_DIR;
					fastcgi_param REQUEST_METHOD \$request_method;
					fastcgi_param REQUEST_URI \$request_uri;
					fastcgi_param QUERY_STRING \$query_string;
					fastcgi_param CONTENT_TYPE \$content_type;
					fastcgi_param CONTENT_LENGTH \$content_length;
					fastcgi_param REMOTE_ADDR \$remote_addr;
					fastcgi_param GATEWAY_INTERFACE CGI/1.1;
				}
			}
		}
	END
	start fcgiwrap fcgiwrap -s "unix:$T/fcgi.sock"
	wait_for test -S "$T/fcgi.sock"
	start nginx nginx -p "$T/nginx" -c "$T/nginx.conf" -e "$T/nginx/error.log"
	wait_for curl -fsS -o /dev/null "http://127.0.0.1:$port/api/v1/status"
	walk_server "http://127.0.0.1:$port" "" 304
}

@test "behind rn-proxy: the REST calls, and the whole way of a login" {
	local port app page
	port=$(free_port)
	app=$(free_port)
	rm -rf "$RN_STATE_DIR/console"
	rn-console init gw.example.com --address 127.0.0.1 --https-port "$port" --http-port 0 --cgi "$BIN/rn-console.cgi" >/dev/null
	TOKEN=$(<"$RN_CONSOLE_DIR/owner.token")
	mkdir "$T/site"
	echo "hello from inside" >"$T/site/index.html"
	start site busybox httpd -f -p "127.0.0.1:$app" -h "$T/site"
	rn-console import <<-END
		resource=app listen=https host=app.gw.example.com auth=login
		target=app-1 resource=app address=127.0.0.1:$app
		policy=app-owner effect=allow from=user:owner to=resource:app
	END
	rn-console export gw1 >"$RN_STATE_DIR/gateway/now.rn"
	start_ready proxy rn-proxy -f "$RN_STATE_DIR/gateway/now.rn"
	visit() {
		curl -sS --cacert "$RN_CONSOLE_DIR/ca.crt" --resolve "gw.example.com:$port:127.0.0.1" \
			--resolve "app.gw.example.com:$port:127.0.0.1" -b "$T/jar" -c "$T/jar" "$@"
	}
	[ "$(visit "https://gw.example.com:$port/api/v1/status")" = '{"status":"ok","serial":2}' ]
	page=$(visit -H "Authorization: Bearer $TOKEN" --json '{"expires_s":600}' "https://gw.example.com:$port/api/v1/invitations")
	[[ $page == *"rn://gw.example.com:$port/"* ]]

	# A stranger is refused, and shown the way.
	wait_for visit -o /dev/null "https://app.gw.example.com:$port/"
	page=$(visit -w '%{http_code}' -H 'Accept: text/html' "https://app.gw.example.com:$port/")
	[[ $page == *"/login?return="* && $page != *hello* ]]
	# Who signs in gets through, with the gateway's own cookie.
	local login="https://gw.example.com:$port/login?return=https%3A%2F%2Fapp.gw.example.com%3A$port%2Findex.html"
	page=$(visit "$login" | sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p')
	[ "$(visit -L --data-urlencode "token=$page" --data-urlencode user=owner \
		--data-urlencode "password=$(<"$RN_CONSOLE_DIR/owner.password")" "$login")" = "hello from inside" ]
	[ "$(visit "https://app.gw.example.com:$port/")" = "hello from inside" ]
	grep -q __Host-rn_session "$T/jar"
	# Without the cookie, or after signing out, one is a stranger again.
	[[ $(curl -sS --cacert "$RN_CONSOLE_DIR/ca.crt" --resolve "app.gw.example.com:$port:127.0.0.1" \
		"https://app.gw.example.com:$port/") != *hello* ]]
	visit -o /dev/null "https://app.gw.example.com:$port/.rustronaut/logout"
	[[ $(visit "https://app.gw.example.com:$port/") != *hello* ]]
}

@test "a change is pushed to the gateway's management port, signed" {
	local port
	port=$(free_port)
	rm -rf "$RN_STATE_DIR/console"
	rn-console init gw.example.com --management-port "$port" >/dev/null
	TOKEN=$(<"$RN_CONSOLE_DIR/owner.token")
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' >"$T/answer"
	start node sh -c "nc -l -N 127.0.0.1 $port <$T/answer >$T/got"
	wait_for sh -c "ss -ltn | grep -q 127.0.0.1:$port"
	owner POST /api/v1/policies '{"policy":"all","effect":"deny","from":["any"],"to":["*"]}'
	want 201
	wait_for grep -q '^policy=all ' "$T/got"
	tr -d '\r' <"$T/got" | sed -n '1,/^$/p' >"$T/head"
	sed '1,/^\r$/d' "$T/got" >"$T/gw1.rn"
	[ "$(head -n 1 "$T/head")" = "POST /v1/push HTTP/1.1" ]
	sed -n 's/^Rustronaut-Signature: //p' "$T/head" | base64 -d >"$T/gw1.rn.minisig"
	minisign -Vqm "$T/gw1.rn" -p "$RN_CONSOLE_DIR/sign.pub"
}

@test "over TLS browsers are told to stay with it" {
	run env -i RN_CONSOLE_DIR="$RN_CONSOLE_DIR" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI=/login HTTPS=on \
		"$BIN/rn-console.cgi"
	has 'Strict-Transport-Security: max-age='
	cgi GET /login
	[[ $head != *Strict-Transport* ]]
}

@test "guesses at once are no more than guesses one after the other" {
	join laptop
	as_node laptop POST /api/v1/services "$service"
	local host cookie url i
	host=$(jq -r .url <<<"$body" | sed 's|https://||')
	url="/login?return=https%3A%2F%2F$host%2F"
	cgi GET "$url"
	cookie=$(sed -n 's/^Set-Cookie: \([^;]*\).*/\1/p' <<<"$head")
	for i in $(seq 12); do
		(
			TYPE=application/x-www-form-urlencoded COOKIE=$cookie
			cgi POST "$url" "token=${cookie#*=}&user=owner&password=wrong$i"
			echo "$status_code" >"$T/guess.$i"
		) &
	done
	for i in $(seq 12); do wait_for test -s "$T/guess.$i"; done
	[ "$(cat "$T"/guess.* | sort | uniq -c | xargs)" = "5 401 7 429" ]
	# The right password, while the door is closed, neither opens it nor is it told apart.
	TYPE=application/x-www-form-urlencoded COOKIE=$cookie
	cgi POST "$url" "token=${cookie#*=}&user=owner&password=$(<"$RN_CONSOLE_DIR/owner.password")"
	want 429
}
