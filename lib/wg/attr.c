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

/* Steps over LEN bytes with HEAD of them at least; false if they are not there. */
static bool step(struct attr_walk *w, size_t len, size_t head)
{
	if (len < head || len > w->left) {
		w->bad = true;
		w->left = 0;
		return false;
	}
	size_t whole = MIN(aligned(len), w->left); /* the last may lack its padding */
	w->at += whole;
	w->left -= whole;
	return true;
}

const struct nlattr *attr_next(struct attr_walk *w)
{
	const struct nlattr *a = (const void *)w->at;
	if (!w->left)
		return NULL;
	return step(w, w->left < sizeof(*a) ? 0 : a->nla_len, sizeof(*a)) ? a : NULL;
}

const struct nlmsghdr *attr_next_message(struct attr_walk *w)
{
	const struct nlmsghdr *h = (const void *)w->at;
	if (!w->left)
		return NULL;
	return step(w, w->left < sizeof(*h) ? 0 : h->nlmsg_len, sizeof(*h)) ? h : NULL;
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
