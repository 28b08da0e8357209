/* SPDX-License-Identifier: MIT
 *
 * rn-rec: check, canonicalise, pick and convert records. The table of its commands.
 */
#include "rn-rec.h"

/* clang-format off */
static const struct argp_option check_options[] = {
	{"config", CHECK_CONFIG, 0, 0,
	 "Each file is a whole config: no subject twice, no reference to nothing; exit 78", 0},
	{"known", CHECK_KNOWN, 0, 0, "Kinds that the schema does not know are errors too", 0},
	{0}};
static const struct argp_option pick_options[] = {
	{"where", 'w', "KEY=VALUE", 0,
	 "Only records where it holds; also KEY!=VALUE, and KEY for \"is there\". A list holds each of "
	 "its elements. Several must all hold", 0},
	{0}};
static const struct argp_option from_json_options[] = {
	{"kind", 'k', "KIND", 0,
	 "The member that is the subject (default: the first of each object)", 0},
	{0}};
/* clang-format on */

static int schema_run(struct cli *c, int argc, char **argv)
{
	struct buf b;
	if (argc && !schema_find(str_from(argv[0])))
		return rn_fail(&c->err, RN_ENO, "no kind '%s' in the schema", argv[0]);
	buf_init(&b, 1 << 20);
	schema_write(&b, argc ? argv[0] : NULL);
	int rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

/* clang-format off */
static const struct cli_cmd cmds[] = {
	{.name = "check", .args = "[FILE...]", .options = check_options, .parse = check_parse,
	 .opts_size = sizeof(struct check_opts), .run = check_run, .max = -1, .no_views = true,
	 .doc = "Check grammar and schema; say all that is wrong"},
	{.name = "canon", .args = "[FILE...]", .run = canon_run, .max = -1,
	 .doc = "Write records in canonical form: the schema's order, no needless escapes"},
	{.name = "pick", .args = "KIND[,KIND...] [FILE...]", .options = pick_options,
	 .parse = pick_parse, .opts_size = sizeof(struct pick_opts), .run = pick_run, .min = 1, .max = -1,
	 .doc = "Pass on only records of these kinds (any: all kinds)"},
	{.name = "json", .args = "[FILE...]", .run = json_run, .max = -1, .no_views = true,
	 .doc = "Write records as JSON Lines"},
	{.name = "from-json", .args = "[FILE...]", .options = from_json_options,
	 .parse = from_json_parse, .opts_size = sizeof(struct from_json_opts), .run = from_json_run,
	 .max = -1, .doc = "Write JSON Lines as records"},
	{.name = "schema", .args = "[KIND]", .run = schema_run, .max = 1,
	 .doc = "Print the schema, whole or of one kind, as records"},
	{0}};
/* clang-format on */

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-rec",
		.doc = "Check, canonicalise, pick and convert records: lines of key=value",
		.cmds = cmds,
		.examples = "  rn-rec check --config gateway.rn          is the config right?\n"
			    "  rn-rec pick peer -w name=laptop -p a.rn   one peer, for people\n"
			    "  rn-wg show | rn-rec json | jq .           the same records as JSON\n"
			    "  diff <(rn-rec canon a.rn | sort) <(rn-rec canon b.rn | sort)\n"
			    "  rn-rec schema listen                      what listen may say\n",
	};
	return cli_main(&prog, argc, argv);
}
