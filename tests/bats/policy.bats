#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
load helper

setup() {
	rn_setup
	cat >"$T/policy.rn" <<-END
		interface=gw1 listen_port=51820
		policy=web effect=allow from=group:eng,user:bob to=resource:app
		policy=lab effect=deny from=cidr:192.0.2.0/24 to=* priority=10
		policy=db effect=allow from=group:ops to=resource:db when=trust>=60&mfa
	END
}
teardown() { rn_teardown; }

@test "check answers each question with a decision" {
	run_exit 0 rn-policy check "$T/policy.rn" - <<<'question=1 resource=app user=bob'
	[ "$output" = "decision=1 effect=allow policy=web from=user:bob to=resource:app text=allowed%20by%20policy" ]
	run_exit 0 rn-policy check "$T/policy.rn" <<<'question=x action=GET resource=db groups=eng,ops trust=60 mfa=yes'
	[ "$output" = "decision=x effect=allow policy=db from=group:ops to=resource:db action=GET text=allowed%20by%20policy" ]
}

@test "what no policy allows is denied, with exit 1" {
	run_exit 1 rn-policy check "$T/policy.rn" <<<'question=1 resource=app user=eve'
	[ "$output" = "decision=1 effect=deny to=resource:app text=no%20policy%20allows%20it" ]
	run_exit 1 rn-policy check /dev/null <<<'question=1 resource=app user=bob'
	has "effect=deny"
}

@test "a denial of a higher priority wins" {
	run_exit 1 rn-policy check "$T/policy.rn" <<<'question=1 resource=app user=bob address=192.0.2.7'
	has "effect=deny policy=lab from=cidr:192.0.2.0/24"
}

@test "a bad question is dropped with a message, the others are answered, exit 65" {
	run_exit 65 rn-policy check "$T/policy.rn" <<-END
		question=1 resource=app user=bob
		question=2 resources=app
		question=3 resource=app address=nowhere
		question=4 resource=app user=bob
	END
	has "decision=1 effect=allow" "decision=4 effect=allow" "stdin:2: " "did you mean 'resource'?" "stdin:3: "
	[[ $output != *decision=2* && $output != *decision=3* ]]
}

@test "a policy that is not understood refuses the whole file" {
	echo 'policy=x effect=allow from=any to=* when2=mfa' >>"$T/policy.rn"
	run_exit 78 rn-policy check "$T/policy.rn" <<<'question=1 resource=app user=bob'
	[ -z "$output" ]
	has "policy.rn:5:" "when2" "did you mean 'when'?"
	sed -i '$s/.*/policy=x effect=allow from=any to=* when=mfa\&\&org/' "$T/policy.rn"
	run_exit 78 rn-policy check "$T/policy.rn" <<<'question=1 resource=app user=bob'
	has "when: column 5: expected a name"
}

@test "explain says how each policy took part" {
	run_exit 1 rn-policy explain "$T/policy.rn" resource=db groups=ops trust=70
	[ "${lines[0]%% text=*}" = "step=1 policy=lab effect=deny result=not_from" ]
	[ "${lines[1]%% text=*}" = "step=2 policy=db effect=allow result=unknown" ]
	has "decision=1 effect=deny to=resource:db"
	run_exit 0 rn-policy explain "$T/policy.rn" resource=db groups=ops trust=70 mfa=yes
	has "result=decided"
	run_exit 64 rn-policy explain "$T/policy.rn" user=bob
	has "resource"
	run_exit 64 rn-policy explain "$T/policy.rn" resource
	has "not KEY=VALUE"
}

@test "test holds policies against expectations" {
	cat >"$T/cases.rn" <<-END
		expect=bob effect=allow policy=web resource=app user=bob
		expect=eve effect=deny resource=app user=eve
	END
	run_exit 0 rn-policy test "$T/policy.rn" "$T/cases.rn"
	[ -z "$output" ]
	run_exit 0 rn-policy test - "$T/cases.rn" <"$T/policy.rn"
	echo 'expect=mallory effect=deny resource=app user=bob' >>"$T/cases.rn"
	run_exit 1 rn-policy test "$T/policy.rn" "$T/cases.rn"
	has "decision=mallory effect=allow policy=web" "mallory: expected deny" "1 of 3 expectations do not hold"
	run_exit 65 rn-policy test "$T/policy.rn" /dev/null
	has "no expect record"
}

@test "what the console exports can be tested before it is published" {
	rn-console init gw.example.com >/dev/null
	cat >"$T/cases.rn" <<-END
		expect=page effect=allow policy=reach-console resource=console action=GET
		expect=other effect=deny resource=database user=owner groups=eng
	END
	run_exit 0 bash -c 'rn-console export gw1 | rn-policy test - "$T/cases.rn"'
}

@test "both from stdin, a missing file: said so" {
	run_exit 64 rn-policy check - </dev/null
	has "cannot both come from stdin"
	run_exit 66 rn-policy check "$T/nothing.rn" </dev/null
	has "nothing.rn"
}

@test "a thousand policies, ten thousand questions: a stream keeps up" {
	for i in $(seq 1000); do echo "policy=p$i effect=allow from=user:u$i to=resource:r$i"; done >"$T/many.rn"
	for i in $(seq 10000); do echo "question=$i resource=r$((i % 1000 + 1)) user=u$((i % 1000 + 1))"; done >"$T/q.rn"
	run_exit 0 timeout 10 rn-policy check "$T/many.rn" "$T/q.rn"
	[ "$(grep -c effect=allow <<<"$output")" -eq 10000 ]
}
