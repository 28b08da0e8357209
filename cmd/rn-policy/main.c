/* SPDX-License-Identifier: MIT */
#include "rn-policy.h"

static const struct cli_cmd cmds[] = {
	{.name = "check", .args = "POLICY [QUESTIONS]", .min = 1, .max = 2, .run = run_check,
	 .doc = "Read question records, print a decision for each\v"
		"POLICY is any file with policy records (a bundle is one); QUESTIONS is standard input "
		"when not given. Each decision is written at once. The exit status is 0 when all were "
		"allowed, 1 when any was denied, 65 when a question was bad and dropped."},
	{.name = "explain", .args = "POLICY KEY=VALUE...", .min = 2, .max = -1, .run = run_explain,
	 .doc = "Say how each policy took part in one decision\v"
		"The facts are the keys of a question record: resource (always), action, user, groups, "
		"device, link, address, trust, mfa, at. The steps come in the order in which the "
		"policies are asked, the decision last. The exit status is 0 for allow, 1 for deny."},
	{.name = "test", .args = "POLICY CASES", .min = 2, .max = 2, .run = run_test,
	 .doc = "Hold policies against expectations\v"
		"CASES has expect records: a question with effect=allow or effect=deny, and policy=NAME "
		"when a certain one should decide. Prints the decisions that differ; the exit status is "
		"1 if any does."},
	{0}};

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-policy", .doc = "Decide, explain and test who may reach what", .cmds = cmds,
		.examples =
			"  echo 'question=1 resource=app user=ada groups=eng' | rn-policy check gw1.rn\n"
			"      what the gateway would say\n"
			"  rn-policy explain gw1.rn resource=app address=203.0.113.7\n"
			"      why a stranger is refused\n"
			"  rn-console export gw1 | rn-policy test - cases.rn\n"
			"      hold the next bundle against your expectations\n"};

	return cli_main(&prog, argc, argv);
}
