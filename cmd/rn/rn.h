/* SPDX-License-Identifier: MIT
 *
 * What the files of rn share.
 *
 *   main.c   the dispatcher: rn X … runs rn-X …
 *   find.c   which programs there are, next to this one and on PATH
 *   help.c   rn help: what each of them says of itself
 */
#ifndef RN_MAIN_H
#define RN_MAIN_H

#include "record/record.h"

struct programs {
	VEC(char *) names; /* "rn-wg", sorted, each once */
};

/* Where the program NAME is: next to this one, else on PATH. False if nowhere. */
bool program_find(const char *name, char *path, size_t size);
int programs_list(struct programs *p, struct rn_error *err) must_check;
void programs_free(struct programs *p);

/* "join" stands for "rn-node join". */
struct shorthand {
	const char *word, *program;
	const char *doc;
};
extern const struct shorthand shorthands[]; /* ended by word NULL */

int help_all(struct rn_error *err) must_check;

#endif
