/* SPDX-License-Identifier: MIT
 *
 * What the gateway says itself: refusals, redirects, its own paths.
 */
#include "proxy/run.h"
#include "proxy/session.h"

static void write_bare(struct txn *t, struct buf *b, const struct answer *a)
{
	char date[HTTP_DATE_SIZE];
	http_date(date, clock_wall_s());
	http_add_status(b, a->status);
	buf_addf(b, "Date: %s\r\nCache-Control: no-store\r\n", date);
	buf_add(b, a->fields);
	buf_add(b, buf_str(&t->m->set_cookie));
	if (a->status != 204)
		buf_add(b, STR("Content-Length: 0\r\n"));
	buf_add_cstr(b, t->keep ? "\r\n" : "Connection: close\r\n\r\n");
}

static void write_page(struct txn *t, struct buf *b, const struct answer *a)
{
	struct str gateway = t->view->snap->gateway, who = STR("this gateway");
	struct buf fields;
	char name[AUTH_NODE_MAX + 16];

	if (gateway.len &&
	    (size_t)snprintf(name, sizeof(name), "gateway %.*s", STR_ARG(gateway)) < sizeof(name))
		who = str_from(name);
	buf_init(&fields, HTTP_HEAD_MAX);
	buf_add(&fields, a->fields);
	buf_add(&fields, buf_str(&t->m->set_cookie));
	http_page_write(b, &(struct http_page){.status = a->status,
					       .title = a->title,
					       .text = a->text,
					       .who = who,
					       .request_id = str_from(t->id),
					       .accept = http_value(&t->m->req, HTTP_ACCEPT),
					       .link = a->link,
					       .link_text = a->link_text,
					       .fields = buf_str(&fields),
					       .head_only = t->m->req.method == HTTP_HEAD,
					       .keep_alive = t->keep});
	buf_free(&fields);
}

enum stage_result txn_answer(struct txn *t, const struct answer *a)
{
	struct buf *b = &t->m->res_text;

	if (a->why)
		txn_why(t, a->why);
	up_close(t->up);
	t->up = NULL;
	t->relaying = false;
	t->own = t->answering = true;
	t->status = (uint16_t)a->status;
	t->stage = STAGES_DONE;
	if (!t->head_done || !t->req_done)
		t->keep = false; /* what is left of the request cannot be told from the next one */
	t->head_done = true;
	buf_clear(b);
	if (a->bare)
		write_bare(t, b, a);
	else
		write_page(t, b, a);
	inbuf_drop(&t->res_half.in, &t->worker->blocks);
	half_forget(&t->res_half);
	half_begin(&t->res_half, HTTP_BODY_NONE, HTTP_BODY_NONE, 0);
	half_push(&t->res_half, buf_str(b));
	t->res_half.bytes = b->len - (size_t)(str_find_str(buf_str(b), STR("\r\n\r\n")) + 4);
	timer_start(t->worker->loop, &t->timer, t->listen ? t->listen->head_ms : 10000);
	txn_pump(t);
	return STAGE_DONE;
}
