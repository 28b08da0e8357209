/* SPDX-License-Identifier: MIT */
#include "wg/attr.h"

static size_t aligned(size_t len)
{
	return (len + (NLMSG_ALIGNTO - 1)) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

struct attr_walk attr_walk_message(const struct nlmsghdr *h, size_t head)
{
	size_t before = aligned(sizeof(*h)) + aligned(head);
	if (h->nlmsg_len < before)
		return (struct attr_walk){.bad = true};
	return (struct attr_walk){.at = (const char *)h + before, .left = h->nlmsg_len - before};
}

struct attr_walk attr_walk_nested(const struct nlattr *a)
{
	return (struct attr_walk){.at = mnl_attr_get_payload(a), .left = mnl_attr_get_payload_len(a)};
}

const struct nlattr *attr_next(struct attr_walk *w)
{
	const struct nlattr *a = (const void *)w->at;
	if (!w->left)
		return NULL;
	if (w->left < sizeof(*a) || a->nla_len < sizeof(*a) || a->nla_len > w->left) {
		w->bad = true;
		w->left = 0;
		return NULL;
	}
	size_t step = MIN(aligned(a->nla_len), w->left); /* the last may lack its padding */
	w->at += step;
	w->left -= step;
	return a;
}

bool attr_table(struct attr_walk w, const struct attr_rule *rules, size_t n, const struct nlattr **at)
{
	const struct nlattr *a;
	memset(at, 0, n * sizeof(const struct nlattr *));
	while ((a = attr_next(&w))) {
		size_t type = mnl_attr_get_type(a), len = mnl_attr_get_payload_len(a);
		if (type >= n)
			continue;
		if (len < rules[type].min || len > rules[type].max)
			return false;
		at[type] = a;
	}
	return !w.bad;
}
