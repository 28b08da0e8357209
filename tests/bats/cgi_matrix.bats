#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Who may call what: every call of the REST API by everyone, each on the same database.
load helper

# Made once; each call gets a copy.
setup_file() {
	export M
	M=$(mktemp -d /tmp/rn-matrix.XXXXXX)
	export RN_STATE_DIR=$M/state RN_CONSOLE_DIR=$M/state/console RN_RUN_DIR=$M
	{
		rn-console init gw.example.com --address 192.0.2.1
		for role in member auditor operator admin; do
			rn-console user add "$role" "role=$role"
			rn-console user token "$role" -o secret >"$M/$role.token"
		done
		rn-console user add other role=member
		rn-console group add eng members=other
		rn-console organization add rival network=10.80.0.0/16
		rn-console user add eve role=owner --org rival
		rn-console user token eve --org rival -o secret >"$M/rival.token"
		cp "$RN_CONSOLE_DIR/owner.token" "$M/owner.token"
		# The device is the member's; the neighbour is nobody's; the stranger is the rival's.
		machine device --user member
		machine neighbour
		machine stranger --org rival
		machine victim
		S=$(cd "$M" && as device POST /api/v1/services '{"name":"web","local_address":"localhost:3000","protocol":"http","tunnel_port":3000}' && jq -r .service "$M/body")
		echo "$S" >"$M/service"
		rn-console import <<-END
			site=lan name=lan connection=local
			resource=byhand listen=https host=byhand.gw.example.com
			target=byhand-1 resource=byhand address=127.0.0.1:3000
			policy=byhand effect=allow from=org to=resource:byhand
			listen=more address=0.0.0.0:8443 proto=https
		END
		rn-console user token other -o token >"$M/token_id"
		rn-console invitation list -o invitation | head -n 1 >"$M/invitation_id"
	} >"$M/log" 2>&1 || { cat "$M/log" >&2; return 1; }
}
teardown_file() { rm -rf "$M"; }

# machine NAME [INVITE OPTION...]: joins with keys of its own; its identity in $M/NAME.node.
machine() {
	local name=$1 token sign wg
	shift
	token=$(rn-console invite "$@" | grep -o 'rn://[^ ]*' | sed 's|.*/||; s|\..*||')
	openssl genpkey -algorithm ed25519 -out "$M/$name.pem" 2>/dev/null
	sign=$(openssl pkey -in "$M/$name.pem" -pubout -outform DER | tail -c 32 | base64)
	wg=$(rn-wg genkey | rn-wg pubkey)
	as nobody POST /api/v1/join "{\"token\":\"$token\",\"name\":\"$name\",\"wg_key\":\"$wg\",\"sign_key\":\"$sign\"}"
	jq -r .node "$M/body" >"$M/$name.node"
}

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
signature() { # signature NAME METHOD URI BODY
	local at nonce
	at=$(date +%s) nonce=$(head -c 16 /dev/urandom | base64url)
	printf 'rn1\n%s\n%s\n%s\n%s\n%s\n' "$2" "$3" "$at" "$nonce" "$(printf %s "$4" | b2sum -l 256 | cut -d' ' -f1)" >"$M/signed"
	echo "Rustronaut node=$(<"$M/$1.node"),at=$at,nonce=$nonce,sig=$(openssl pkeyutl -sign -inkey "$M/$1.pem" -rawin -in "$M/signed" | base64url)"
}

# as WHO METHOD URI [BODY]: the status in $CODE, the body in $M/body.
as() {
	local auth=
	if [ -e "$M/$1.token" ]; then
		auth="Bearer $(<"$M/$1.token")"
	elif [ "$1" != nobody ]; then
		auth=$(signature "$1" "$2" "$3" "${4-}")
	fi
	printf %s "${4-}" | env -i PATH="$PATH" RN_CONSOLE_DIR="$RN_CONSOLE_DIR" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD="$2" \
		REQUEST_URI="$3" REMOTE_ADDR=203.0.113.9 CONTENT_LENGTH="$(printf %s "${4-}" | wc -c)" \
		CONTENT_TYPE=application/json ${auth:+HTTP_AUTHORIZATION="$auth"} "$BIN/rn-console.cgi" >"$M/answer" 2>"$M/cgi.log"
	CODE=$(sed -n '1s/^Status: \([0-9]*\).*/\1/p' "$M/answer")
	sed '1,/^\r*$/d' "$M/answer" >"$M/body"
}

# A device of another organisation, one of this, the owner of the service, the owner of another organisation,
# then the roles.
WHO=(nobody stranger neighbour device rival auditor member operator admin owner)

fresh() {
	rm -rf "$M/copy"
	cp -a "$M/state/console" "$M/copy"
}

# try METHOD URI BODY: a code for each of WHO in $ROW; what one changed, the next does not see.
try() {
	local who
	ROW=
	for who in "${WHO[@]}"; do
		[ -d "$M/copy" ] || fresh
		RN_CONSOLE_DIR=$M/copy as "$who" "$1" "$2" "${3-}"
		ROW+="${ROW:+ }$CODE"
		[[ $1 == GET || $CODE != 2* ]] || rm -rf "$M/copy"
	done
}

# The lines of a table: METHOD PATH, the ten codes, then the body.
table() {
	local method path shown want got body bad=0
	while read -r method path want; do
		[ -n "$method" ] || continue
		body=${want#*|}
		[ "$body" != "$want" ] || body=
		want=$(xargs <<<"${want%%|*}")
		shown=$path
		path=${path//SERVICE/$(<"$M/service")}
		path=${path//DEVICE/$(<"$M/device.node")}
		path=${path//VICTIM/$(<"$M/victim.node")}
		path=${path//TOKEN/$(<"$M/token_id")}
		path=${path//INVITATION/$(<"$M/invitation_id")}
		try "$method" "/api/v1$path" "$body"
		got=$ROW
		[ -z "${DUMP-}" ] || printf '%-7s %-26s %s%s\n' "$method" "$shown" "$got" "${body:+ |$body}" >>"$DUMP"
		if [ "$got" != "$want" ]; then
			printf '%-40s %s\n%-40s %s\n' "$method $path" "$want" "  is" "$got" >&2
			bad=1
		fi
	done
	return $bad
}

@test "services, devices and bundles: who may" {
	table <<-'END'
		GET     /status                    200 200 200 200 200 200 200 200 200 200
		GET     /bundles/DEVICE.rn         401 404 404 200 403 403 403 403 403 403
		GET     /bundles/VICTIM.rn         401 404 404 404 403 403 403 403 403 403
		POST    /services                  401 404 201 201 404 403 404 404 404 404 |{"name":"new","local_address":"localhost:1","protocol":"http","tunnel_port":1}
		POST    /services                  401 404 403 403 404 403 403 201 201 201 |{"name":"new","local_address":"localhost:1","protocol":"http","tunnel_port":1,"device":"victim"}
		POST    /services                  401 404 403 201 404 403 201 201 201 201 |{"name":"new","local_address":"localhost:1","protocol":"http","tunnel_port":1,"device":"device"}
		POST    /services                  401 404 403 403 404 403 403 403 201 201 |{"name":"new","local_address":"localhost:1","protocol":"http","tunnel_port":1,"device":"gw1"}
		GET     /services                  401 200 200 200 200 200 200 200 200 200
		GET     /services/SERVICE          401 404 200 200 404 200 200 200 200 200
		PUT     /services/SERVICE          401 404 403 200 404 403 200 200 200 200 |{"public":true}
		DELETE  /services/SERVICE          401 404 403 204 404 403 204 204 204 204
		POST    /services/SERVICE/links    401 404 403 201 404 403 201 201 201 201 |{}
		GET     /devices                   401 403 403 403 200 200 200 200 200 200
		GET     /devices/DEVICE            401 403 403 403 404 200 200 200 200 200
		PUT     /devices/DEVICE            401 403 403 403 404 403 200 200 200 200 |{"name":"other-name"}
		PUT     /devices/DEVICE            401 403 403 403 404 403 403 403 200 200 |{"user":"admin"}
		PUT     /devices/VICTIM            401 403 403 403 404 403 403 403 200 200 |{"user":"member"}
		DELETE  /devices/DEVICE            401 403 403 403 404 403 204 204 204 204
		DELETE  /devices/VICTIM            401 403 403 403 404 403 403 204 204 204
		POST    /devices/DEVICE/suspend    401 403 403 403 404 403 204 204 204 204
		POST    /devices/gw1/suspend       401 403 403 403 404 403 403 403 204 204
		DELETE  /devices/gw1               401 403 403 403 404 403 404 404 404 404
	END
}

@test "people, groups, tokens, invitations and the audit log: who may" {
	table <<-'END'
		POST    /invitations               401 403 403 403 201 403 201 201 201 201 |{"expires_s":600}
		POST    /invitations               401 403 403 403 201 403 403 403 201 201 |{"expires_s":600,"role":"gateway"}
		POST    /invitations               401 403 403 403 404 403 403 403 201 201 |{"expires_s":600,"user":"owner"}
		GET     /invitations               401 403 403 403 200 403 403 403 200 200
		DELETE  /invitations/INVITATION    401 403 403 403 404 403 403 403 204 204
		POST    /organizations             401 403 403 403 403 403 403 403 403 403 |{"name":"third"}
		GET     /users                     401 403 403 403 200 200 200 200 200 200
		POST    /users                     401 403 403 403 201 403 403 403 201 201 |{"user":"new"}
		POST    /users                     401 403 403 403 201 403 403 403 403 201 |{"user":"new","role":"owner"}
		PUT     /users/member              401 403 403 403 404 403 403 403 200 200 |{"role":"admin"}
		PUT     /users/admin               401 403 403 403 404 403 403 403 403 200 |{"role":"owner"}
		PUT     /users/owner               401 403 403 403 404 403 403 403 403 400 |{"role":"member"}
		DELETE  /users/other               401 403 403 403 404 403 403 403 204 204
		DELETE  /users/owner               401 403 403 403 404 403 403 403 403 400
		POST    /users/member/suspend      401 403 403 403 404 403 403 403 204 204
		POST    /users/owner/suspend       401 403 403 403 404 403 403 403 403 400
		POST    /users/member/tokens       401 403 403 403 404 403 201 403 201 201 |{"name":"x"}
		POST    /users/owner/tokens        401 403 403 403 404 403 403 403 403 201 |{"name":"x"}
		GET     /tokens                    401 403 403 403 200 403 403 403 200 200
		DELETE  /tokens/TOKEN              401 403 403 403 404 403 403 403 204 204
		PUT     /groups/eng                401 403 403 403 404 403 403 403 200 200 |{"members":["member"]}
		GET     /audit                     401 403 403 403 200 200 403 403 200 200
	END
}

@test "gateways and what is made by hand: who may" {
	table <<-'END'
		POST    /gateways                  401 403 403 403 201 403 403 403 201 201 |{"name":"gw9"}
		PUT     /gateways/gw1/config       401 403 403 403 404 403 403 403 200 200 |{"region":"x"}
		DELETE  /gateways/gw1              401 403 403 403 404 403 403 403 204 204
		POST    /gateways/gw1/suspend      401 403 403 403 404 403 403 403 204 204
		POST    /sites                     401 403 403 403 201 403 403 201 201 201 |{"site":"new"}
		POST    /listeners                 401 403 403 403 404 403 403 403 201 201 |{"listen":"new","address":"0.0.0.0:9443","proto":"https"}
		POST    /resources                 401 403 403 403 404 403 403 201 201 201 |{"resource":"new","listen":["https"],"host":["new.gw.example.com"]}
		PUT     /resources/byhand          401 403 403 403 404 403 403 200 200 200 |{"auth":"none"}
		POST    /targets                   401 403 403 403 400 403 403 201 201 201 |{"target":"new","resource":"byhand","address":"127.0.0.1:1"}
		PUT     /targets/byhand-1          401 403 403 403 404 403 403 200 200 200 |{"address":"127.0.0.1:1"}
		GET     /policies                  401 403 403 403 200 200 200 200 200 200
		POST    /policies                  401 403 403 403 201 403 403 403 201 201 |{"policy":"new","effect":"allow","from":["any"],"to":["resource:byhand"]}
		PUT     /policies/byhand           401 403 403 403 404 403 403 403 200 200 |{"from":["any"]}
		DELETE  /policies/byhand           401 403 403 403 404 403 403 403 204 204
	END
}
