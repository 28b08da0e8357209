/* SPDX-License-Identifier: MIT
 *
 * Reads conditions by recursive descent into a tree, and evaluates the tree.
 */
#include "policy/when.h"

enum type { TYPE_IS_TEXT, TYPE_IS_NUMBER, TYPE_IS_FLAG, TYPE_IS_GROUPS, TYPE_IS_ADDRESS };
enum op { OP_IS, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };
enum node { NODE_TEST, NODE_NOT, NODE_AND, NODE_OR };

/* ---- what can be asked ----------------------------------------------------------------------- */

struct fact {
	bool known;
	int64_t number;
	struct str text;
	const struct addr *address;
};

static struct fact of_text(struct str s)
{
	return (struct fact){.known = s.len > 0, .text = s};
}

static struct fact of_number(int64_t n)
{
	return (struct fact){.known = n >= 0, .number = n};
}

static struct fact get_user(const struct when_request *rq) { return of_text(rq->facts->user); }
static struct fact get_device(const struct when_request *rq) { return of_text(rq->facts->device); }
static struct fact get_resource(const struct when_request *rq) { return of_text(rq->resource); }
static struct fact get_action(const struct when_request *rq) { return of_text(rq->action); }
static struct fact get_trust(const struct when_request *rq) { return of_number(rq->facts->trust); }
static struct fact get_mfa(const struct when_request *rq) { return of_number(rq->facts->mfa); }
static struct fact get_link(const struct when_request *rq) { return of_number(rq->facts->link); }

static struct fact get_org(const struct when_request *rq)
{
	return of_number(rq->facts->user.len || rq->facts->device.len);
}

/* Who is not logged in is in no group, and that is known. */
static struct fact get_group(const struct when_request *rq)
{
	return (struct fact){.known = true, .text = rq->facts->groups};
}

static struct fact get_address(const struct when_request *rq)
{
	return (struct fact){.known = rq->facts->address, .address = rq->facts->address};
}

static struct fact get_hour(const struct when_request *rq)
{
	int64_t now = rq->facts->now_s;

	return of_number(now < 0 ? -1 : now / 3600 % 24);
}

static struct fact get_weekday(const struct when_request *rq)
{
	int64_t now = rq->facts->now_s;

	return of_number(now < 0 ? -1 : (now / 86400 + 3) % 7 + 1); /* 1970-01-01 was a Thursday */
}

static const struct name {
	const char *name;
	enum type type;
	struct fact (*get)(const struct when_request *rq);
} names[] = {
	{"user", TYPE_IS_TEXT, get_user},         {"device", TYPE_IS_TEXT, get_device},
	{"group", TYPE_IS_GROUPS, get_group},     {"resource", TYPE_IS_TEXT, get_resource},
	{"action", TYPE_IS_TEXT, get_action},     {"address", TYPE_IS_ADDRESS, get_address},
	{"trust", TYPE_IS_NUMBER, get_trust},     {"hour", TYPE_IS_NUMBER, get_hour},
	{"weekday", TYPE_IS_NUMBER, get_weekday}, {"mfa", TYPE_IS_FLAG, get_mfa},
	{"link", TYPE_IS_FLAG, get_link},         {"org", TYPE_IS_FLAG, get_org},
};

/* The longer spelling first, so that "<=" is not read as "<". */
static const struct {
	struct str text;
	enum op op;
} ops[] = {
	{STR_INIT("!="), OP_NE}, {STR_INIT("<="), OP_LE}, {STR_INIT(">="), OP_GE},
	{STR_INIT("="), OP_EQ},  {STR_INIT("<"), OP_LT},  {STR_INIT(">"), OP_GT},
};

/* ---- the tree -------------------------------------------------------------------------------- */

struct value {
	struct str text; /* may hold "*" where the name is a text */
	int64_t number;
	struct cidr cidr;
};

struct when {
	enum node node;
	const struct when *left, *right; /* NOT: left only */
	const struct name *name;         /* the rest: TEST only */
	enum op op;
	const struct value *values;
	size_t values_len;
};

struct parser {
	struct str text;
	size_t pos;
	unsigned nodes, depth;
	struct arena *arena;
	struct rn_error *err;
};

static int parse_or(struct parser *p, const struct when **w);

static int fail(struct parser *p, const char *why)
{
	return rn_fail(p->err, RN_ECONFIG, "when: column %zu: %s", p->pos + 1, why);
}

static bool take(struct parser *p, struct str token)
{
	if (!str_starts(str_from_at(p->text, p->pos), token))
		return false;
	p->pos += token.len;
	return true;
}

static struct when *new_node(struct parser *p, enum node node)
{
	struct when *w = p->nodes < WHEN_TESTS_MAX * 2 ? arena_new(p->arena, struct when) : NULL;

	if (!w) {
		fail(p, "condition is too long");
		return NULL;
	}
	p->nodes++;
	w->node = node;
	return w;
}

static bool is_value_byte(char c)
{
	return (uint8_t)c > 0x20 && c != 0x7f && str_find(STR("&|!()=<>,"), c) < 0;
}

static struct str take_run(struct parser *p)
{
	size_t start = p->pos;

	while (p->pos < p->text.len && is_value_byte(p->text.ptr[p->pos]))
		p->pos++;
	return str_slice(p->text, start, p->pos);
}

static int parse_value(struct parser *p, const struct name *name, struct value *v)
{
	size_t start = p->pos;
	uint64_t n = 0;
	bool good;

	v->text = take_run(p);
	good = v->text.len > 0;
	if (name->type == TYPE_IS_NUMBER)
		good = str_to_u64(v->text, INT32_MAX, &n);
	else if (name->type == TYPE_IS_ADDRESS)
		good = cidr_parse(&v->cidr, v->text, true);
	v->number = (int64_t)n;
	if (good)
		return 0;
	p->pos = start;
	return fail(p, name->type == TYPE_IS_NUMBER    ? "expected a number"
		       : name->type == TYPE_IS_ADDRESS ? "expected an address or a prefix"
						       : "expected a value");
}

static int parse_values(struct parser *p, struct when *w)
{
	struct value all[WHEN_TESTS_MAX], *copy;
	size_t n = 0;

	do {
		if (n == ARRAY_LEN(all))
			return fail(p, "too many values");
		memset(&all[n], 0, sizeof(all[n]));
		int rc = parse_value(p, w->name, &all[n++]);
		if (rc)
			return rc;
	} while (take(p, STR(",")));
	if (n > 1 && w->op != OP_EQ && w->op != OP_NE)
		return fail(p, "several values only go with = and !=");
	copy = arena_array(p->arena, n, sizeof(*copy));
	if (!copy)
		return fail(p, "condition is too long");
	memcpy(copy, all, n * sizeof(*copy));
	w->values = copy;
	w->values_len = n;
	return 0;
}

static const struct name *find_name(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(s, names[i].name))
			return &names[i];
	return NULL;
}

static int parse_op(struct parser *p, struct when *w)
{
	bool ordered = w->name->type == TYPE_IS_NUMBER;

	w->op = OP_IS;
	for (size_t i = 0; i < ARRAY_LEN(ops) && w->op == OP_IS; i++)
		if (take(p, ops[i].text))
			w->op = ops[i].op;
	if ((w->op == OP_IS) != (w->name->type == TYPE_IS_FLAG))
		return fail(p, w->op == OP_IS ? "expected a comparison and a value"
					      : "this one is true or false: write it alone or with !");
	if (w->op > OP_NE && !ordered)
		return fail(p, "only numbers are compared with < and >");
	return w->op == OP_IS ? 0 : parse_values(p, w);
}

static int parse_test(struct parser *p, const struct when **out)
{
	size_t start = p->pos;
	struct str word = take_run(p);
	struct when *w = new_node(p, NODE_TEST);

	if (!w)
		return p->err->code;
	w->name = find_name(word);
	if (!w->name) {
		p->pos = start;
		return fail(p, word.len ? "unknown name (user, group, device, resource, action, "
					  "address, trust, hour, weekday, mfa, link, org)"
					: "expected a name");
	}
	*out = w;
	return parse_op(p, w);
}

static int parse_not(struct parser *p, const struct when **out)
{
	bool negated = take(p, STR("!"));
	struct when *w;
	int rc;

	if (!negated && !take(p, STR("(")))
		return parse_test(p, out);
	if (++p->depth > WHEN_DEPTH_MAX)
		return fail(p, "nested too deeply");
	if (!negated) {
		rc = parse_or(p, out);
		if (!rc && !take(p, STR(")")))
			rc = fail(p, "expected )");
		p->depth--;
		return rc;
	}
	w = new_node(p, NODE_NOT);
	rc = w ? parse_not(p, &w->left) : p->err->code;
	p->depth--;
	*out = w;
	return rc;
}

/* One or more of what NEXT reads, with SEP between, as a tree leaning left. */
static int parse_chain(struct parser *p, const struct when **out, char sep, enum node node,
		       int (*next)(struct parser *, const struct when **))
{
	int rc = next(p, out);

	while (!rc && take(p, str_make(&sep, 1))) {
		struct when *w = new_node(p, node);

		if (!w)
			return p->err->code;
		w->left = *out;
		rc = next(p, &w->right);
		*out = w;
	}
	return rc;
}

static int parse_and(struct parser *p, const struct when **w)
{
	return parse_chain(p, w, '&', NODE_AND, parse_not);
}

static int parse_or(struct parser *p, const struct when **w)
{
	return parse_chain(p, w, '|', NODE_OR, parse_and);
}

int when_compile(const struct when **w, struct str text, struct arena *a, struct rn_error *err)
{
	struct parser p = {.text = text, .arena = a, .err = err};
	int rc;

	*w = NULL;
	rc = parse_or(&p, w);
	if (!rc && p.pos < text.len)
		rc = fail(&p, "expected & or |");
	return rc;
}

/* ---- evaluation ------------------------------------------------------------------------------ */

/* "*" in PATTERN stands for any run of bytes. Backtracks to the last star only: linear in practice,
 * never worse than the product of the two lengths. */
static bool glob_matches(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.len && pattern.ptr[p] == s.ptr[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

static bool groups_match(struct str pattern, struct str groups)
{
	struct str group;

	while (rec_list_next(&groups, &group))
		if (glob_matches(pattern, group))
			return true;
	return false;
}

static bool equals_one(const struct when *w, const struct fact *f)
{
	for (size_t i = 0; i < w->values_len; i++) {
		const struct value *v = &w->values[i];
		enum type type = w->name->type;

		if (type == TYPE_IS_NUMBER      ? v->number == f->number
		    : type == TYPE_IS_ADDRESS   ? cidr_has(&v->cidr, f->address)
		    : type == TYPE_IS_GROUPS    ? groups_match(v->text, f->text)
						: glob_matches(v->text, f->text))
			return true;
	}
	return false;
}

static enum when_value eval_test(const struct when *w, const struct when_request *rq)
{
	struct fact f = w->name->get(rq);
	int64_t n = w->values_len ? w->values[0].number : 0;
	bool holds = false;

	if (!f.known)
		return WHEN_UNKNOWN;
	switch (w->op) {
	case OP_IS: holds = f.number != 0; break;
	case OP_EQ: holds = equals_one(w, &f); break;
	case OP_NE: holds = !equals_one(w, &f); break;
	case OP_LT: holds = f.number < n; break;
	case OP_LE: holds = f.number <= n; break;
	case OP_GT: holds = f.number > n; break;
	case OP_GE: holds = f.number >= n; break;
	}
	return holds ? WHEN_TRUE : WHEN_FALSE;
}

enum when_value when_eval(const struct when *w, const struct when_request *rq)
{
	enum when_value a, b;

	if (w->node == NODE_TEST)
		return eval_test(w, rq);
	a = when_eval(w->left, rq);
	if (w->node == NODE_NOT)
		return (enum when_value)(WHEN_TRUE - a);
	b = when_eval(w->right, rq);
	return w->node == NODE_AND ? MIN(a, b) : MAX(a, b);
}
