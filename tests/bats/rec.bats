#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rn-rec: the line format at the command line. It is the oracle of other tests.

load helper

setup() {
	rn_setup
	cd "$T" || return
	cat >gw.rn <<-'RN'
		# one file feeds every program
		interface=wg0 listen_port=51820 address=10.1.0.1/24 private_key_file=wg0.key
		peer=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= name=laptop  interface=wg0 allowed_ips=10.1.0.2/32,10.1.0.1/32
		listen=web proto=https address=0.0.0.0:443
		target=app-1 resource=app address=10.1.0.2:3000 weight=2
		target=app-2 resource=app address=unix:/run/a%20b check=/%c3%a4
		resource=app listen=web host=app.example.com
		policy=eng effect=allow from=group:eng to=resource:app
		future=kind with=%41
	RN
}
teardown() { rn_teardown; }

@test "check says nothing about a good config" {
	run_exit 0 rn-rec check --config gw.rn
	[ -z "$output$stderr" ]
	run_exit 0 rn-rec check gw.rn -
	run_exit 0 rn-rec check <gw.rn
}

@test "check says all that is wrong, with file, line and column" {
	printf '%s\n' 'listen=web adress=0.0.0.0:443 proto=https' 'health=x state=up' \
		'listen=b address=x:1 proto=tpc' 'listen = x' ' a=1' 'stat=a value=1 value=2' >bad.rn
	printf 'x=1' >>bad.rn
	run_exit 65 rn-rec check bad.rn
	has "rn-rec: bad.rn:1:12: unknown key 'adress' in listen: did you mean 'address'?" \
		"bad.rn:2:1: health=x has no resource" \
		"bad.rn:3:28: proto: 'tpc' is not one of http|https|tcp|udp" \
		"bad.rn:4:7: expected key=value" "bad.rn:5:1: a record starts in column 1" \
		"bad.rn:6:16: key 'value' stands twice" "bad.rn:7:4: last line has no LF"
	[ "$(wc -l <<<"$stderr")" -eq 7 ]
}

@test "check --config: subjects that stand twice, references to nothing" {
	printf '%s\n' 'listen=web address=a:1 proto=tcp' 'listen=web address=a:2 proto=tcp' \
		'resource=app listen=web,wbe' >bad.rn
	run_exit 78 rn-rec check --config bad.rn
	has "bad.rn:2:1: listen=web stands twice" "bad.rn:3:25: listen: there is no listen=wbe"
	run_exit 0 rn-rec check bad.rn
	run_exit 78 rn-rec check --config gw.rn bad.rn
	run_exit 66 rn-rec check --config none.rn
	has "none.rn: No such file or directory"
}

@test "check --known: unknown kinds" {
	echo 'lisen=web' >bad.rn
	run_exit 0 rn-rec check bad.rn
	run_exit 65 rn-rec check --known bad.rn
	has "bad.rn:1:1: unknown kind 'lisen': did you mean 'listen'?"
}

@test "canon: order, escapes, sets; a fixed point" {
	run_exit 0 rn-rec canon gw.rn
	has "listen=web address=0.0.0.0:443 proto=https" \
		"interface=wg0 name=laptop allowed_ips=10.1.0.1/32,10.1.0.2/32" \
		"address=unix:/run/a%20b check=/ä" "future=kind with=A"
	rn-rec canon gw.rn >once
	rn-rec canon <once >twice
	cmp once twice
	[ "$(wc -l <once)" -eq 8 ]
}

@test "canon passes on what comes through a pipe at once" {
	mkfifo in out
	rn-rec canon <in >out &
	exec 5>in 6<out
	echo 'x=1  y=%41' >&5
	read -r -t 10 line <&6
	[ "$line" = 'x=1 y=A' ]
	exec 5>&- 6<&-
	wait $!
}

@test "a bad line is left out, the others go on" {
	printf 'a=1\nb=\xff\nc=3\n' >mixed
	run_exit 65 rn-rec canon mixed
	[ "$output" = $'a=1\nc=3' ]
	has "mixed:2:3: byte 0xFF: not UTF-8"
	run_exit 66 rn-rec canon none mixed
}

@test "pick: kinds and conditions" {
	run_exit 0 rn-rec pick target gw.rn -o target
	[ "$output" = $'app-1\napp-2' ]
	run_exit 0 rn-rec pick listen,resource gw.rn -o listen,resource
	[ "$output" = $'web\t\nweb\tapp' ]
	run_exit 0 rn-rec pick any -w allowed_ips=10.1.0.2/32 -o name gw.rn
	[ "$output" = laptop ]
	run_exit 0 rn-rec pick target -w 'target!=app-1' -w check -o target gw.rn
	[ "$output" = app-2 ]
	run_exit 0 rn-rec pick target -w 'weight!=2' -o target gw.rn
	[ "$output" = app-2 ]
	run_exit 64 rn-rec pick
	run_exit 64 rn-rec pick any -w =x
}

@test "json and back" {
	run_exit 0 rn-rec json gw.rn
	has '{"target":"app-1","resource":"app","address":"10.1.0.2:3000","weight":2}' \
		'"allowed_ips":["10.1.0.1/32","10.1.0.2/32"]' '{"future":"kind","with":"A"}'
	rn-rec canon gw.rn >want
	rn-rec json <want | rn-rec from-json | cmp - want
	rn-rec json <want | jq -c . | rn-rec from-json | cmp - want
	[ "$(printf 'x=%%FF%%22\n' | rn-rec json)" = '{"x":{"base64":"/yI="}}' ]
}

@test "from-json: kinds, and what cannot be a record" {
	run_exit 0 rn-rec from-json <<<'{"n":1,"peer":"x","t":true,"gone":null,"l":["a,b","c"]}'
	[ "$output" = 'n=1 peer=x t=yes l=a%2Cb,c' ]
	run_exit 0 rn-rec from-json --kind peer <<<'{"n":1,"peer":"x"}'
	[ "$output" = 'peer=x n=1' ]
	run_exit 65 rn-rec from-json <<<$'{"a":1}\n{"a":1.5}\n{"a":{}}\nnonsense\n{"b":2}'
	[ "$output" = $'a=1\nb=2' ]
	has "stdin:2: a: not text" "stdin:3: a: an object" "stdin:4: JSON, line 1"
}

@test "views: pretty, columns, header" {
	run_exit 0 rn-rec pick target -p gw.rn
	has "TARGET  RESOURCE  ADDRESS" "app-2   app       unix:/run/a b"
	run_exit 0 rn-rec pick listen -p gw.rn
	has "listen: web" "  proto: https"
	run_exit 0 rn-rec pick stat -p <<<'stat=x at=1763640000'
	has "at: 2025-11-20 12:00:00Z"
	run_exit 0 rn-rec pick target --header gw.rn
	[[ ${lines[0]} == '#rn 1 target resource address '* ]]
	run_exit 0 rn-rec pick target --header -o target,weight gw.rn
	[ "${lines[0]}" = $'#rn 1\ttarget\tweight' ]
	rn-rec canon --header gw.rn | rn-rec canon >a
	rn-rec canon gw.rn | cmp - a
}

@test "schema: as records, which fit the schema; one kind; no such kind" {
	rn-rec schema | rn-rec check --known
	rn-rec schema | rn-rec canon | cmp - <(rn-rec schema)
	run_exit 0 rn-rec schema listen
	has "kind=listen type=name config=yes" "key=address kind=listen type=endpoint required=yes"
	run_exit 1 rn-rec schema nothing
	has "no kind 'nothing'"
}

@test "rn-records(5) is what the schema says" {
	cd "$ROOT"
	diff -u man/rn-records.5 <(scripts/man-records) || {
		echo "run: scripts/man-records > man/rn-records.5"
		false
	}
}

@test "huge input: lines without end, many records" {
	head -c 3000000 /dev/zero | tr '\0' x >long
	run_exit 65 rn-rec canon long
	has "long:1:1: line is longer than 4096 bytes"
	seq -f 'stat=n%g value=1' 200000 >many
	[ "$(rn-rec pick stat -w value=1 many | wc -l)" -eq 200000 ]
	[ "$(rn-rec canon many | sha256sum)" = "$(sha256sum <many)" ]
}
