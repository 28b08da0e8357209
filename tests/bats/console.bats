#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-console: every command, its errors, and its bundles against minisign(1) and rn-rec.

load helper

DOMAIN=gateway.example.com

setup() {
	rn_setup
	C=$RN_CONSOLE_DIR
}

teardown() { rn_teardown; }

init() { rn-console init "$DOMAIN" --address 203.0.113.2 "$@" >"$T/init.out"; }

# state_of FOLDER...: all file names and contents, but for SQLite's own scratch files.
state_of() { find "$@" -type f ! -name '*-wal' ! -name '*-shm' -print0 | sort -z | xargs -0 sha256sum; }

@test "init makes everything, and says what to do next" {
	init
	grep -q "^  $DOMAIN. 300 IN A 203.0.113.2$" "$T/init.out"
	grep -q "^  \*.$DOMAIN. 300 IN CNAME $DOMAIN.$" "$T/init.out"
	[ "$(grep -c 'rn://' "$T/init.out")" = 1 ]
	grep -Eq "rn join rn://$DOMAIN/[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}@203.0.113.2$" "$T/init.out"
	for f in "$C"/{console.db,sign.key,ca.key,owner.token,owner.password} \
		"$RN_STATE_DIR"/gateway/{wg.key,sign.key,tls.key,session.key}; do
		[ "$(stat -c %a "$f")" = 600 ] || { echo "$f: $(stat -c %a "$f")"; return 1; }
	done
	[ "$(stat -c %a "$C" "$RN_STATE_DIR/gateway" | sort -u)" = 700 ]
	grep -Eq '^rnt_[A-Za-z0-9_-]{43}$' "$C/owner.token"
	rn-rec check "$RN_STATE_DIR/gateway/node.rn" "$RN_STATE_DIR/gateway/bundle.rn"
	cmp "$C/pub/gw1.rn" "$RN_STATE_DIR/gateway/bundle.rn"
	cmp "$C/sign.pub" "$RN_STATE_DIR/gateway/console.pub"
	[ "$(wg pubkey <"$RN_STATE_DIR/gateway/wg.key")" = "$(rn-console gateway list -o wg_key)" ]
}

@test "init makes a certificate that its own CA vouches for" {
	init
	openssl verify -CAfile "$C/ca.crt" -verify_hostname "app.$DOMAIN" "$RN_STATE_DIR/gateway/tls.crt"
	cmp "$C/ca.crt" "$RN_STATE_DIR/gateway/ca.crt"
}

@test "init takes a certificate from elsewhere, but only with its own key" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$DOMAIN" \
		-addext "subjectAltName=DNS:$DOMAIN,DNS:*.$DOMAIN" -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/other.pem" 2>/dev/null
	run_exit 65 rn-console init "$DOMAIN" --cert "$T/c.pem" --key "$T/other.pem"
	has "is not the key of the certificate"
	[ ! -e "$C" ] && [ ! -e "$RN_STATE_DIR/gateway" ]
	init --cert "$T/c.pem" --key "$T/k.pem"
	cmp "$T/c.pem" "$RN_STATE_DIR/gateway/tls.crt"
	[ ! -s "$RN_STATE_DIR/gateway/ca.crt" ]
	! grep -q ' ca=' "$C/pub/trust.rn"
}

@test "init a second time is refused and changes nothing" {
	init
	before=$(state_of "$RN_STATE_DIR")
	run_exit 73 rn-console init other.example.com
	has "is there already"
	[ "$(state_of "$RN_STATE_DIR")" = "$before" ]
}

@test "a refused init leaves nothing behind" {
	run_exit 64 rn-console init "not a domain"
	run_exit 64 rn-console init Upper.Case
	run_exit 64 rn-console init "$DOMAIN" --address 1.2.3
	has "1.2.3: not an IP address"
	run_exit 64 rn-console init "$DOMAIN" --network 10.0.0.1/16
	run_exit 64 rn-console init "$DOMAIN" --https-port 70000
	has "--https-port=70000"
	run_exit 64 rn-console init "$DOMAIN" --cert x
	run_exit 66 rn-console init "$DOMAIN" --cert /none --key /none
	run_exit 64 rn-console init
	[ -z "$(find "$RN_STATE_DIR" -mindepth 1)" ]
}

@test "without a console every command says how to make one" {
	for cmd in invite status "device list" "export gw1" publish audit "backup $T/b"; do
		run_exit 66 rn-console $cmd
		has "make one with: rn-console init DOMAIN"
	done
}

@test "published files: minisign accepts them, and not a changed one" {
	init
	for f in gw1 trust; do
		run_exit 0 minisign -V -p "$C/sign.pub" -m "$C/pub/$f.rn"
		has "Signature and comment signature verified"
	done
	head -n 1 "$C/pub/gw1.rn" | grep -Eq "^bundle=gw1 serial=1 made_at=[0-9]+ org=example console=https://$DOMAIN$"
	comment=$(sed -n 's/^trusted comment: //p' "$C/pub/gw1.rn.minisig")
	[[ $(head -n 1 "$C/pub/gw1.rn") == "$comment "* ]]
	echo '# more' >>"$C/pub/gw1.rn"
	run_exit 1 minisign -V -p "$C/sign.pub" -m "$C/pub/gw1.rn"
}

@test "invitations: a string, its limits, a list without secrets" {
	init
	run_exit 0 rn-console invite --user owner --expires-s 600
	[[ $output =~ ^invitation=[0-9a-f]{8}\ url=rn://$DOMAIN/[A-Za-z0-9._-]+@203.0.113.2\ role=client\ expires_at=[0-9]+$ ]]
	run_exit 0 rn-console invite --gateway
	has "role=gateway"
	run_exit 65 rn-console invite --expires-s 5
	run_exit 1 rn-console invite --user nobody
	has "there is no user nobody"
	run_exit 0 rn-console invitation list
	[ "${#lines[@]}" = 3 ]
	[[ $output != *rn://* ]]
	id=$(rn-console invitation list -o invitation | head -n 1)
	run_exit 0 rn-console invitation remove "$id"
	run_exit 1 rn-console invitation remove "$id"
	! grep -aq "$(grep -o 'rn://[^ ]*' "$T/init.out" | cut -d/ -f4 | cut -d. -f1)" "$C/console.db"
}

@test "users, groups, tokens, passwords" {
	init
	run_exit 0 rn-console user add ada role=admin
	has "user=ada role=admin status=active password_set=no"
	run_exit 1 rn-console user add ada
	has "there is a user ada already"
	run_exit 65 rn-console user add bob role=king
	run_exit 65 rn-console user add 'b/ob'
	run_exit 0 rn-console user set ada role=member
	run_exit 0 rn-console group add eng members=ada,owner
	[ "$output" = "group=eng members=ada,owner" ]
	run_exit 1 rn-console group set eng members=nobody
	run_exit 0 rn-console user show ada
	has "groups=eng"
	run_exit 0 rn-console user password ada <<<'a long password'
	run_exit 64 rn-console user password ada <<<'short'
	run_exit 0 rn-console user password ada --generate
	has "password="
	run_exit 0 rn-console user token ada name=ci --expires-s 3600
	has "secret=rnt_"
	run_exit 0 rn-console token list
	[[ $output != *rnt_* ]]
	run_exit 0 rn-console user suspend ada
	run_exit 0 rn-console user show ada
	has "status=suspended"
	run_exit 0 rn-console user resume ada
	run_exit 0 rn-console user remove ada
	run_exit 1 rn-console user show ada
	run_exit 65 rn-console user remove owner
	has "last owner"
}

@test "the grammar: a wrong action, no action, too much" {
	init
	run_exit 64 rn-console device fly
	has "device fly: no such action; there are list, show, set, remove, suspend, resume"
	run_exit 64 rn-console device
	run_exit 64 rn-console device show
	has "of which device?"
	run_exit 64 rn-console device list extra
	has "extra is too much"
	run_exit 64 rn-console user add ada admin
	has "KEY=VALUE is needed"
	run_exit 64 rn-console user add ada BAD=1
	run_exit 1 rn-console device show nobody
	has "there is no device nobody"
	run_exit 64 rn-console flights list
}

@test "gateways: added with an invitation, changed, suspended, removed" {
	init
	run_exit 0 rn-console gateway add eu region=eu public_ip=203.0.113.9
	has "gateway=gw2 name=eu domain=eu.$DOMAIN" "role=gateway"
	run_exit 65 rn-console gateway add x public_ip=nowhere
	has "public_ip=nowhere: not an IP address"
	run_exit 1 rn-console gateway add y "domain=$DOMAIN"
	has "is taken"
	run_exit 0 rn-console gateway set gw1 region=home https_port=8443
	has "region=home" "https_port=8443"
	run_exit 0 rn-console export gateway
	has "listen=https address=0.0.0.0:8443"
	run_exit 1 rn-console publish eu
	has "has not joined yet"
	run_exit 65 rn-console gateway suspend eu
	run_exit 0 rn-console gateway remove eu
	run_exit 1 rn-console gateway remove eu
}

@test "import: resources, targets and policies by hand, in any order" {
	init
	cat >"$T/site.rn" <<-RN
		target=app-1 resource=app address=127.0.0.1:3000 weight=3 check=/healthz
		target=app-2 resource=app address=unix:/run/app.sock
		policy=app-any effect=allow from=any to=resource:app
		resource=app listen=https host=app.$DOMAIN,*.api.$DOMAIN site=hq
		site=hq connection=local subnet=192.0.2.0/24
		listen=mqtt address=0.0.0.0:1883 proto=tcp
		resource=plc listen=mqtt site=plant
		target=plc resource=plc address=10.77.0.9:1883
		site=plant connection=wireguard
	RN
	run_exit 0 rn-console import "$T/site.rn"
	[ "$output" = "imported=9" ]
	rn-console export gw1 >"$T/gw1.rn"
	rn-rec check "$T/gw1.rn"
	grep -qx "target=app-1 resource=app address=127.0.0.1:3000 weight=3 check=/healthz" "$T/gw1.rn"
	grep -qx "target=plc resource=plc address=10.77.0.9:1883 via=gateway" "$T/gw1.rn"
	cmp "$T/gw1.rn" "$C/pub/gw1.rn"
	minisign -qV -p "$C/sign.pub" -m "$C/pub/gw1.rn"
	serial=$(sed -n '1s/.*serial=\([0-9]*\).*/\1/p' "$C/pub/gw1.rn")
	run_exit 0 rn-console import <"$T/site.rn"
	[ "$(sed -n '1s/.*serial=\([0-9]*\).*/\1/p' "$C/pub/gw1.rn")" = "$serial" ]
	run_exit 0 rn-console rule list -o rule,resource
	has "app.$DOMAIN	app"
	run_exit 0 rn-console target set app-1 weight=1
	run_exit 65 rn-console site remove hq
	has "site hq is used by resource app"
	run_exit 0 rn-console resource remove app
	run_exit 0 rn-console target list -o target
	[ "$output" = plc ]
	run_exit 0 rn-console site remove hq
}

@test "import: a bad line refuses all of it" {
	init
	before=$(rn-console export gw1)
	good="resource=good listen=https host=good.$DOMAIN"
	run_exit 78 rn-console import - <<<"$good"$'\n'"resource=bad listn=https"
	has "stdin:2:14: unknown key 'listn' in resource: did you mean 'listen'?"
	run_exit 78 rn-console import - <<<"$good"$'\n'"target=t resource=none address=127.0.0.1:1"
	has "there is no such resource"
	run_exit 78 rn-console import - <<<"$good"$'\n'"policy=p effect=allow from=device:none to=*"
	has "there is no such device"
	run_exit 78 rn-console import - <<<"$good"$'\n'"resource=x listen=https site=none"
	run_exit 1 rn-console import - <<<"$good"$'\n'"resource=steal listen=https host=$DOMAIN"
	has "the host name $DOMAIN is taken"
	run_exit 66 rn-console import /none
	[ "$(rn-console export gw1)" = "$before" ]
	run_exit 0 rn-console resource list
	[ -z "$output" ]
}

@test "organisations: apart from each other" {
	init
	run_exit 0 rn-console organization add two network=10.80.0.0/16
	run_exit 1 rn-console organization add two
	run_exit 65 rn-console organization add three network=10.80.0.0/30
	run_exit 0 rn-console organization list -o organization
	[ "$output" = $'example\ntwo' ]
	run_exit 0 rn-console gateway list --org two
	[ -z "$output" ]
	run_exit 1 rn-console export gw1 --org two
	run_exit 1 rn-console status --org none
	run_exit 65 rn-console organization remove example
	run_exit 0 rn-console organization remove two
}

@test "audit: every change, a chain that shows tampering" {
	init
	rn-console user add ada
	run_exit 0 rn-console audit
	has "action=console.init" "action=user.add object=user:ada"
	run_exit 0 rn-console audit --limit 1
	[ "${#lines[@]}" = 1 ]
	run_exit 0 rn-console audit --verify
	has "chain=ok records=2 head="
	sqlite3 "$C/console.db" "DROP TRIGGER audit_no_update; UPDATE audit SET record = replace(record, 'ada', 'eve') WHERE seq = 2"
	run_exit 1 rn-console audit --verify
	has "chain=broken records=2" "audit record 2: a record was changed"
}

@test "publish writes what is missing, under the same serial when nothing changed" {
	init
	run_exit 0 rn-console publish
	[ "$output" = "published=gw1 serial=1 changed=no" ]
	rm "$C/pub/gw1.rn.minisig"
	run_exit 0 rn-console publish gw1
	minisign -qV -p "$C/sign.pub" -m "$C/pub/gw1.rn"
	run_exit 1 rn-console publish nobody
	run_exit 1 rn-console export nobody
}

@test "status, expire, migrate, backup" {
	init
	run_exit 0 rn-console status
	has "status=ok domain=$DOMAIN" "waiting=0 gateways=1 devices=0 services=0"
	run_exit 0 rn-console status -j
	[ "$(jq -r .gateways <<<"$output")" = 1 ]
	run_exit 0 rn-console expire
	has "expired=service count=0"
	run_exit 0 rn-console migrate --check
	run_exit 0 rn-console backup "$T/copy.db"
	[ "$(stat -c %a "$T/copy.db")" = 600 ]
	[ "$(sqlite3 "$T/copy.db" 'PRAGMA integrity_check')" = ok ]
	run_exit 73 rn-console backup "$T/copy.db"
	sqlite3 "$C/console.db" 'PRAGMA user_version = 99'
	run_exit 78 rn-console status
	has "newer than this program"
	run_exit 78 rn-console migrate --check
}

@test "a key that others may read is refused" {
	init
	chmod 644 "$C/sign.key"
	run_exit 77 rn-console status
	has "sign.key"
}

@test "a full disk is not success" {
	init
	[ -w /dev/full ] || skip "no /dev/full"
	run_exit 74 bash -c 'rn-console gateway list >/dev/full'
	run_exit 74 bash -c 'rn-console --help >/dev/full'
}

@test "many at once: nothing is lost" {
	init
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		rn-console user add "user$i" >/dev/null &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p"; done
	[ "$(rn-console user list | wc -l)" = 9 ]
	run_exit 0 rn-console audit --verify
	has "chain=ok records=9"
}

@test "what changes about a user reaches the gateways at once, and ends the user's logins" {
	init
	rn-console user add ada
	rn-console user add bob
	bundle=$RN_CONSOLE_DIR/pub/gw1.rn
	serial() { sed -n '1s/.* serial=\([0-9]*\) .*/\1/p' "$bundle"; }
	for change in "group add eng members=ada,bob" "group set eng members=bob" "user suspend bob" "user resume bob" \
		"group remove eng" "user remove bob"; do
		before=$(serial)
		grep '^logout=' "$bundle" >"$T/before" || true
		sleep 1.1 # a logout has a second, not less
		# shellcheck disable=SC2086
		rn-console $change >/dev/null
		[ "$change" = "group add eng members=ada,bob" ] || [ "$(serial)" -gt "$before" ] || { echo "$change"; false; }
	done
	grep -q '^logout=ada at=' "$bundle"
	grep -q '^logout=bob at=' "$bundle"
}
