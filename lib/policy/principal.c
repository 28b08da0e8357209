/* SPDX-License-Identifier: MIT
 *
 * Principals: the elements of from= and allow= lists.
 */
#include "policy/policy.h"

#define NAME_MAX_LEN 128

static const struct {
	struct str word; /* with its colon when a name follows */
	enum principal_kind kind;
} words[] = {
	{STR_INIT("any"), PRINCIPAL_ANY},       {STR_INIT("link"), PRINCIPAL_LINK},
	{STR_INIT("org"), PRINCIPAL_ORG},       {STR_INIT("user:"), PRINCIPAL_USER},
	{STR_INIT("group:"), PRINCIPAL_GROUP},  {STR_INIT("device:"), PRINCIPAL_DEVICE},
	{STR_INIT("cidr:"), PRINCIPAL_CIDR},
};

/* Names need no escape, so that what a record holds and what a session holds compare as bytes. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.ptr[i] <= 0x20 || s.ptr[i] == 0x7f || s.ptr[i] == '%' || s.ptr[i] == ',')
			return false;
	return s.len > 0 && s.len <= NAME_MAX_LEN;
}

static int parse_name(struct principal *p, struct rn_error *err)
{
	if (p->kind == PRINCIPAL_CIDR)
		return cidr_parse(&p->cidr, p->name, true)
			       ? 0
			       : rn_fail(err, RN_ECONFIG,
					 "%.*s: not an address prefix, or bits set behind it",
					 STR_ARG(p->text));
	if (!is_name(p->name))
		return rn_fail(err, RN_ECONFIG, "%.*s: bad name", STR_ARG(p->text));
	return 0;
}

int principal_parse(struct principal *p, struct str text, struct rn_error *err)
{
	memset(p, 0, sizeof(*p));
	p->text = text;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct str word = words[i].word;

		p->kind = words[i].kind;
		if (word.ptr[word.len - 1] != ':') {
			if (str_eq(text, word))
				return 0;
		} else if (str_starts(text, word)) {
			p->name = str_from_at(text, word.len);
			return parse_name(p, err);
		}
	}
	return rn_fail(err, RN_ECONFIG,
		       "%.*s: not a principal (any, link, org, user:, group:, device:, cidr:)",
		       STR_ARG(text));
}

static bool list_has(struct str list, struct str name)
{
	struct str element;

	while (rec_list_next(&list, &element))
		if (str_eq(element, name))
			return true;
	return false;
}

bool principal_matches(const struct principal *p, const struct policy_facts *f)
{
	switch (p->kind) {
	case PRINCIPAL_ANY:
		return true;
	case PRINCIPAL_LINK:
		return f->link;
	case PRINCIPAL_ORG:
		return f->user.len || f->device.len;
	case PRINCIPAL_USER:
		return str_eq(f->user, p->name);
	case PRINCIPAL_GROUP:
		return list_has(f->groups, p->name);
	case PRINCIPAL_DEVICE:
		return str_eq(f->device, p->name);
	case PRINCIPAL_CIDR:
		return f->address && cidr_has(&p->cidr, f->address);
	}
	return false;
}
