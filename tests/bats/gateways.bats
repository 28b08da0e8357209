#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The REST calls of a gateway's and a service's life, walked with curl and JSON against a running
# gateway; then a second gateway that joins and serves.

load helper
load ../lab/lab
load ../lab/edge

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	export LAB_MORE=gateway2
	edge_up
	mkdir "$T/site"
	echo "from client1" >"$T/site/index.html"
	begin web client1 busybox httpd -f -p 127.0.0.1:3000 -h "$T/site"
}
teardown_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	edge_down
}
setup() {
	need_root
	TOKEN=$(<"$T/gateway/state/console/owner.token")
}

# api STATUS METHOD PATH [CURL-OPTION…]: as the owner; demands the status, leaves the answer in $body.
api() {
	local want=$1 method=$2 path=$3 code
	shift 3
	code=$(visit "$DOMAIN/api/v1$path" -X "$method" -H "Authorization: Bearer $TOKEN" \
		-o "$T/body" -w '%{http_code}' "$@")
	body=$(<"$T/body")
	[ "$code" = "$want" ] || {
		echo "$method $path: $code, not $want: $body" >&2
		return 1
	}
}
# holds JQ-EXPRESSION: of the last answer
holds() { jq -e "$1" <<<"$body" >/dev/null || { echo "not so: $1: $body" >&2; return 1; }; }
code_is() { [ "$(status_of "$1")" = "$2" ]; }

@test "E1, E2: a gateway is made; list and show have all that was asked for" {
	api 201 POST /gateways --json '{"name":"us-east","region":"us-east-1","instance_type":"small"}'
	holds '.gateway and .name == "us-east" and .region == "us-east-1" and .instance_type == "small"'
	holds '.status == "new" and (.invitation | startswith("rn://gateway.example.com/"))'
	jq -r .gateway <<<"$body" >"$T/gw2"
	jq -r .invitation <<<"$body" >"$T/invite-gw2"
	api 200 GET /gateways
	holds 'length == 2 and all(.[]; .gateway and .name and .wg_port and .management_port and .status)'
	holds '.[0].gateway == "gw1" and .[0].public_ip == "203.0.113.2" and .[0].management_port == 9090'
	holds 'all(.[]; has("invitation") | not)'
	api 200 GET /gateways/gw1
	holds '.gateway == "gw1" and .name == "gateway" and .public_ip == "203.0.113.2" and .wg_port == 51820
		and .management_port == 9090 and .status == "active" and .https_port == 443'
	api 404 GET /gateways/nobody
	holds '.error == "not_found"'
	api 409 POST /gateways --json '{"name":"us-east"}'
	TOKEN=rnt_no api 401 GET /gateways
}

@test "E4: a bad config is refused whole, a good one is live at once" {
	api 422 PUT /gateways/gw1/config --json '{"http_port":8080,"wg_port":"many"}'
	api 400 PUT /gateways/gw1/config --json '{"http_port":443}' # that of https
	[[ $body == *"already that of listen=https"* ]]
	api 200 GET /gateways/gw1
	holds '.http_port == 80'
	[ "$(in_ns visitor curl -sS -o /dev/null -w '%{http_code}' http://203.0.113.2/)" = 308 ]
	api 200 PUT /gateways/gw1/config --json '{"http_port":8080}'
	holds '.http_port == 8080 and .gateway == "gw1"'
	at_8080() { [ "$(in_ns visitor curl -sS -o /dev/null -w '%{http_code}' http://203.0.113.2:8080/)" = 308 ]; }
	wait_for at_8080
	run in_ns visitor curl -sS --max-time 3 http://203.0.113.2/
	[ "$status" -eq 7 ]
	# A listener that came after root was dropped may not be below 1024; so it is not tried, but told.
	api 200 PUT /gateways/gw1/config --json '{"region":"eu"}'
	holds '.region == "eu" and .http_port == 8080'
}

@test "E6, E7: a service by JSON; its answer has every field; gone at once when it is removed" {
	local node
	node=$(sed -n 's/^node=\([^ ]*\) .*/\1/p' "$T"/client1/state/*/node.rn)
	api 201 POST /services --json "{\"device\":\"$node\",\"name\":\"by-json\",\"local_address\":\"localhost:3000\",
		\"protocol\":\"http\",\"subdomain\":\"by-json\",\"auth_required\":false,\"tunnel_port\":3999}"
	holds '.service and .url == "https://by-json.gateway.example.com" and .local_address == "localhost:3000"
		and .protocol == "http" and .status == "active" and .auth_required == false
		and .dns == "by-json.gateway.example.com. 300 IN CNAME gateway.example.com."'
	local id
	id=$(jq -r .service <<<"$body")
	wait_for code_is "by-json.$DOMAIN/" 502 # nothing listens at its port in the tunnel
	api 409 POST /services --json "{\"device\":\"$node\",\"name\":\"thief\",\"local_address\":\"localhost:1\",
		\"protocol\":\"http\",\"subdomain\":\"by-json\",\"tunnel_port\":1}"
	api 200 GET /services
	holds "any(.[]; .service == \"$id\")"
	api 200 GET "/services?name=by-json"
	holds 'length == 1'
	api 204 DELETE "/services/$id"
	code_is "by-json.$DOMAIN/" 404
	api 404 DELETE "/services/$id"
}

@test "a user's password by REST: it lets in, and nobody reads it again" {
	api 201 POST /users --json '{"user":"ada","role":"member"}'
	api 400 POST /users --json '{"user":"eve","password":"correct horse battery"}'
	api 404 GET /users/eve
	api 400 PUT /users/ada/password --json '{"password":"short"}'
	api 400 PUT /users/ada/password --json '{}'
	api 404 PUT /users/nobody/password --json '{"password":"correct horse battery"}'
	api 200 GET /users/ada
	holds '.password_set == false'
	api 204 PUT /users/ada/password --json '{"password":"correct horse battery"}'
	api 200 GET /users/ada
	holds '.password_set == true and (has("password") | not)'
	api 200 GET '/audit?limit=1000'
	[[ $body == *user.password* && $body != *horse* ]]
	# She may set her own, and no other's.
	api 201 POST /users/ada/tokens --json '{"name":"t"}'
	local ada
	ada=$(jq -r .secret <<<"$body")
	TOKEN=$ada api 204 PUT /users/ada/password --json '{"password":"another horse battery"}'
	TOKEN=$ada api 403 PUT /users/owner/password --json '{"password":"another horse battery"}'
	api 204 PUT /users/ada/password --json '{"password":""}'
	api 200 GET /users/ada
	holds '.password_set == false'
}

@test "POST /import: many records at once, all or none" {
	printf '%s\n' 'site=dc connection=local' "resource=dc listen=https host=dc.$DOMAIN" \
		'target=dc-1 resource=dc address=127.0.0.1:1' 'policy=dc effect=allow from=any to=resource:dc' >"$T/in.rn"
	api 415 POST /import --json '[]'
	api 200 POST /import -H 'Content-Type: text/x-rn' --data-binary "@$T/in.rn"
	holds '.imported == 4'
	wait_for code_is "dc.$DOMAIN/" 502
	echo 'target=dc-2 resource=dc address=127.0.0.1:2 colour=red' >>"$T/in.rn"
	api 400 POST /import -H 'Content-Type: text/x-rn' --data-binary "@$T/in.rn"
	[[ $body == *"body:5:"*colour* ]]
	api 404 GET /targets/dc-2
	# Larger than other bodies may be.
	for i in $(seq 2000); do echo "target=dc-$i resource=dc address=127.0.0.1:$((i + 1)) check=/a-rather-long-path"; done >>"$T/many.rn"
	[ "$(stat -c %s "$T/many.rn")" -gt 65536 ]
	api 200 POST /import -H 'Content-Type: text/x-rn' --data-binary "@$T/many.rn"
	holds '.imported == 2000'
	api 204 DELETE /resources/dc
}

@test "a second gateway joins on another machine and serves" {
	local gw2 net
	gw2=$(<"$T/gw2")
	on gateway2 rn join "$(<"$T/invite-gw2")" --name us-east --public-ip 203.0.113.41 >"$T/join-gw2.out"
	net=$(basename "$(dirname "$T"/gateway2/state/*/node.rn)")
	begin_ready node2 gateway2 rn-node run "$net" --interval 1
	api 200 GET "/gateways/$gw2"
	holds '.status == "active" and .public_ip == "203.0.113.41"'
	mkdir "$T/site2"
	echo "from the second gateway" >"$T/site2/index.html"
	begin web2 gateway2 busybox httpd -f -p 127.0.0.1:8080 -h "$T/site2"
	api 201 POST /resources --json "{\"resource\":\"us\",\"gateway\":\"$gw2\",\"listen\":[\"https\"],\"host\":[\"us.us-east.$DOMAIN\"]}"
	api 201 POST /targets --json '{"target":"us-1","resource":"us","address":"127.0.0.1:8080"}'
	api 201 POST /policies --json '{"policy":"us","effect":"allow","from":["any"],"to":["resource:us"]}'
	at_gw2() {
		[ "$(in_ns visitor curl -sS --max-time 5 --cacert "$T/gateway/state/console/ca.crt" \
			--resolve "us.us-east.$DOMAIN:443:203.0.113.41" "https://us.us-east.$DOMAIN/")" = "from the second gateway" ]
	}
	wait_for at_gw2
	# The first one does not have it.
	run visit "https://us.us-east.$DOMAIN/"
	[[ $output != *"second gateway"* ]]
	# Devices have both as peers, and speak to both.
	local dev
	dev=$(basename "$(dirname "$T"/client1/state/*/node.rn)")
	on client1 rn-node pull
	[ "$(grep -c '^peer=' "$T/client1/state/$dev/bundle.rn")" -eq 2 ]
	begin_ready agent1 client1 rn-node run "$dev"
	two() { [ "$(on client1 rn-wg show "$dev" | grep -c '^peer=.*handshake_at=')" -eq 2 ]; }
	wait_for two
	stop agent1
	# E4: removed, it is nobody's peer any more, and gets no more bundles.
	api 204 DELETE "/gateways/$gw2"
	api 404 GET "/gateways/$gw2"
	api 404 GET /resources/us
	on client1 rn-node pull
	[ "$(grep -c '^peer=' "$T/client1/state/$dev/bundle.rn")" -eq 1 ]
}
