/* SPDX-License-Identifier: MIT
 *
 * rn: find and run the other programs. "rn wg show" is "rn-wg show"; rustronaut-cli is the same
 * program under the product's name.
 */
#include "rn.h"

#include <errno.h>
#include <unistd.h>

/* Words that are a command of one of the programs; everything else is a program's name. */
const struct shorthand shorthands[] = {{"join", "rn-node", "Join a network with an invitation"},
				       {"invite", "rn-console", "Invite a machine to the network"},
				       {"leave", "rn-node", "Leave a network again"},
				       {"status", "rn-node", "How this machine's node and tunnel are"},
				       {0}};

static const struct shorthand *shorthand_find(const char *word)
{
	for (const struct shorthand *s = shorthands; s->word; s++)
		if (strcmp(s->word, word) == 0)
			return s;
	return NULL;
}

static void consider(const char *word, const char *name, const char **best, size_t *distance)
{
	size_t d = str_distance(str_from(word), str_from(name), *distance);
	if (d < *distance) {
		*distance = d;
		*best = name;
	}
}

static int unknown(const char *word, struct rn_error *err)
{
	struct programs p;
	const char *best = NULL;
	size_t distance = strlen(word) / 3 + 2;
	int rc = programs_list(&p, err);
	for (size_t i = 0; rc == 0 && i < p.names.len; i++)
		consider(word, p.names.ptr[i] + 3, &best, &distance);
	for (const struct shorthand *s = shorthands; s->word; s++)
		consider(word, s->word, &best, &distance);
	if (rc == 0 && best)
		rc = rn_fail(err, RN_EUSAGE, "unknown command '%s': did you mean '%s'?", word,
			     best);
	else if (rc == 0)
		rc = rn_fail(err, RN_EUSAGE, "unknown command '%s' (see rn help)", word);
	programs_free(&p);
	return rc;
}

/* Becomes rn-WORD with ARGV[1…] behind it, or the program that a shorthand names with WORD too.
 * ARGV[0] is the word itself and has room to be replaced. */
static int dispatch(char **argv, struct rn_error *err)
{
	const struct shorthand *s = shorthand_find(argv[0]);
	char name[64], path[4096];
	int n = s ? snprintf(name, sizeof name, "%s", s->program)
		  : snprintf(name, sizeof name, "rn-%s", argv[0]);
	if (n >= (int)sizeof name || strchr(argv[0], '/') || !program_find(name, path, sizeof path))
		return s ? rn_fail(err, RN_EAWAY, "%s is not installed", s->program)
			 : unknown(argv[0], err);
	if (s)
		argv--; /* "rn join X": rn's own name gives its place to the program's */
	argv[0] = name;
	fflush(stdout);
	execv(path, argv);
	return rn_fail_errno(err, errno == EACCES ? RN_EPERM : RN_EOS, "%s", path);
}

static int list(struct rn_error *err)
{
	struct programs p;
	int rc = programs_list(&p, err);
	for (size_t i = 0; rc == 0 && i < p.names.len; i++)
		puts(p.names.ptr[i] + 3);
	for (const struct shorthand *s = shorthands; s->word; s++)
		puts(s->word);
	programs_free(&p);
	return rc;
}

static void list_options(void)
{
	puts("program=rn doc=Find%20and%20run%20the%20other%20programs.");
	puts("command=rn program=rn args=COMMAND%20[ARGUMENT...] "
	     "doc=Run%20the%20program%20rn-COMMAND");
	for (const struct shorthand *s = shorthands; s->word; s++)
		printf("command=rn%%20%s program=%s\n", s->word, s->program);
	puts("option=--help command=rn doc=What%20commands%20there%20are");
	puts("option=--list command=rn doc=The%20names%20of%20all%20commands");
	puts("option=--version command=rn doc=Print%20the%20version%20and%20exit");
}

static int help_one(char **argv, struct rn_error *err)
{
	char help[] = "--help", *args[] = {NULL, argv[0], help, NULL};
	return dispatch(args + 1, err);
}

static int run(int argc, char **argv, struct rn_error *err)
{
	const char *word = argc > 1 ? argv[1] : "help";
	if (strcmp(word, "help") == 0 && argc > 2)
		return help_one(argv + 2, err);
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "--usage") == 0)
		return help_all(err);
	if (strcmp(word, "--list") == 0)
		return list(err);
	if (strcmp(word, "--list-options") == 0)
		list_options();
	else if (strcmp(word, "--version") == 0)
		printf("rn %s\n", RN_VERSION);
	else if (*word == '-')
		return rn_fail(err, RN_EUSAGE, "unknown option %s (see rn help)", word);
	else
		return dispatch(argv + 1, err);
	return 0;
}

int main(int argc, char **argv)
{
	struct rn_error err = {0};
	int rc = run(argc, argv, &err);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = rn_fail_errno(&err, RN_EIO, "cannot write to standard output");
	if (rc < 0)
		dprintf(2, "rn: %s\n", err.text);
	return -rc;
}
