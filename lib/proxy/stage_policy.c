/* SPDX-License-Identifier: MIT
 *
 * Stage policy: may they? Nothing that allows is a no, said in plain words with the way to access.
 */
#include "proxy/run.h"

void facts_from(const struct txn *t, struct policy_facts *f)
{
	const struct who *who = &t->m->who;
	*f = POLICY_NOBODY;
	f->user = who->user;
	f->groups = who->groups;
	f->device = who->device;
	f->link = who->link_shown;
	f->address = &t->conn->peer;
	f->now_s = t->began_at / 1000;
}

static void add_login_link(struct txn *t, struct buf *b)
{
	const struct message *m = t->m;
	struct str console = t->view->snap->console;
	struct buf url;

	if (t->resource->auth != RESOURCE_LOGIN || console.len == 0 || m->who.user.len)
		return;
	while (console.len && console.ptr[console.len - 1] == '/')
		console.len--;
	buf_init(&url, HTTP_HEAD_MAX);
	buf_addf(&url, "%s://%.*s%.*s", t->conn->tls ? "https" : "http",
		 STR_ARG(http_value(&m->req, HTTP_HOST)), STR_ARG(m->req.path));
	if (m->query.ptr)
		buf_addf(&url, "?%.*s", STR_ARG(m->query));
	buf_addf(b, "%.*s/login?return=", STR_ARG(console));
	http_percent_encode(b, buf_str(&url));
	buf_free(&url);
}

static void add_reason(struct txn *t, struct buf *b)
{
	const struct message *m = t->m;
	const struct resource *r = t->resource;

	struct str owner = r->owner.len ? r->owner : STR("its owner");

	buf_addf(b, "%.*s is private. ", STR_ARG(r->title.len ? r->title : r->name));
	if (m->who.link_refused)
		buf_add_cstr(b, "This share link has expired, or is for something else. ");
	if (m->who.user.len)
		buf_addf(b, "You are logged in as %.*s, but no policy allows you here. Ask",
			 STR_ARG(m->who.user));
	else if (r->auth == RESOURCE_LOGIN)
		buf_add_cstr(b, "Log in if you have an account, or ask");
	else
		buf_add_cstr(b, "Ask");
	buf_addf(b, " %.*s for a share link, or for access to resource %.*s.", STR_ARG(owner),
		 STR_ARG(r->name));
}

static enum stage_result deny(struct txn *t)
{
	struct buf text, link;
	struct answer a = {.status = 403,
			   .title = STR("Not allowed"),
			   .why = t->decision.reason,
			   .link_text = STR("Log in")};

	buf_init(&text, 4096);
	buf_init(&link, HTTP_HEAD_MAX);
	add_reason(t, &text);
	add_login_link(t, &link);
	a.text = buf_str(&text);
	if (link.len && !link.failed)
		a.link = buf_str(&link);
	enum stage_result r = txn_answer(t, &a);
	buf_free(&text);
	buf_free(&link);
	return r;
}

enum stage_result stage_policy(struct txn *t)
{
	struct policy_facts f;
	facts_from(t, &f);
	t->decision =
		policy_decide(t->view->snap->policy, &f, t->resource->name, t->m->req.method_text);
	t->decided = true;
	return t->decision.allow ? STAGE_NEXT : deny(t);
}
