/* SPDX-License-Identifier: MIT
 *
 * Stage authenticate: what is proved about who asks. It refuses nobody; a proof that does not hold
 * proves nothing. Sources: the device that an in-tunnel address is, our session cookie, a share
 * link.
 */
#include "proxy/run.h"
#include "proxy/session.h"

static void note_device(struct txn *t)
{
	struct who *who = &t->m->who;
	if (t->listen->via.len == 0)
		return;
	const struct device *d = snapshot_device(t->view->snap, &t->conn->peer);
	if (!d)
		return;
	who->device = d->name;
	who->user = d->user;
	who->groups = d->groups;
}

static void note_cookie(struct txn *t)
{
	struct who *who = &t->m->who;
	if (!session_from_cookie(t))
		return;
	const struct session *s = &t->m->session;
	if (s->user[0]) {
		who->user = str_from(s->user);
		who->groups = str_from(s->groups);
	}
	if (s->link[0]) {
		who->link_shown = true;
		who->link = str_from(s->link);
	}
}

/* ?rn_link=TOKEN: taken out of the query, and turned into a cookie for the requests that follow. */
static bool note_link(struct txn *t)
{
	struct message *m = t->m;
	struct str token = http_query_find(m->query, "rn_link");

	if (!token.ptr)
		return true;
	http_query_strip(&m->query_buf, m->query, "rn_link");
	if (m->query_buf.failed)
		return false;
	m->query = m->query_buf.len ? buf_str(&m->query_buf) : (struct str){0};
	if (session_from_link(t, token)) {
		m->who.link_shown = true;
		m->who.link = str_from(m->who.link_id);
	} else {
		m->who.link_refused = true;
	}
	return true;
}

enum stage_result stage_authenticate(struct txn *t)
{
	note_device(t);
	note_cookie(t);
	if (!note_link(t))
		return txn_answer(t, &(struct answer){.status = 414, .why = "query is too long"});
	if (str_starts(t->m->path, STR("/.rustronaut/")))
		return own_paths(t);
	return STAGE_NEXT;
}
