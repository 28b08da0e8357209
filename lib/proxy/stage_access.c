/* SPDX-License-Identifier: MIT
 *
 * Stage access: one record of each request, however it ended.
 */
#include "proxy/run.h"

#define TEXT_MAX 512
#define PATH_MAX_SHOWN 900 /* three times as long when every byte is escaped */

static void add_text(struct buf *b, const char *key, struct str s, bool *cut)
{
	if (s.len)
		access_add_text(b, key, s, TEXT_MAX, cut);
}

void access_describe(struct txn *t, struct buf *b)
{
	const struct message *m = t->m;
	char client[ADDR_TEXT_MAX];
	bool cut = false;

	addr_format_ip(&t->conn->peer, client);
	rec_begin(b, "access", str_from(t->id));
	rec_add_u64(b, "at", (uint64_t)t->began_at / 1000);
	rec_add(b, "listener", t->conn->listener);
	rec_add_cstr(b, "client", client);
	if (t->resource)
		rec_add(b, "resource", t->resource->name);
	if (t->target)
		rec_add(b, "target", t->target->name);
	add_text(b, "device", m->who.device, &cut);
	add_text(b, "user", m->who.user, &cut);
	add_text(b, "link", m->who.link, &cut);
	if (t->stage > STAGE_PARSE && m->req.method_text.ptr) {
		add_text(b, "method", m->req.method_text, &cut);
		add_text(b, "host", m->host, &cut);
		if (m->path.ptr)
			access_add_text(b, "path", m->path, PATH_MAX_SHOWN, &cut);
	}
	if (cut)
		rec_add_bool(b, "cut", true);
}

void stage_access(struct txn *t)
{
	struct buf *b = &t->worker->ring.line;

	if (t->record.len)
		buf_add(b, buf_str(&t->record));
	else
		access_describe(t, b);
	if (t->status)
		rec_add_u64(b, "status", t->status);
	rec_add_u64(b, "bytes_in", t->req_half.bytes);
	rec_add_u64(b, "bytes_out", t->res_half.bytes);
	rec_add_u64(b, "ms", loop_now_ms(t->worker->loop) - t->began_ms);
	if (t->decided) {
		rec_add_cstr(b, "decision", t->decision.allow ? "allow" : "deny");
		if (t->decision.policy.len)
			rec_add(b, "policy", t->decision.policy);
	}
	if (t->why[0])
		rec_add_cstr(b, "why", t->why);
	rec_end(b);
	worker_access_put(t->worker);
}
