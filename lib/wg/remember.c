/* SPDX-License-Identifier: MIT */
#include "wg/remember.h"
#include "wg/engine_impl.h"

#define EVERY_MS 1000 /* at least; with very many peers, so seldom that it costs one percent */
#define FILE_MAX_BYTES (64U << 20)

struct remember {
	struct loop *loop;
	struct engine *engine;
	struct timer timer;
	struct buf written; /* what the file holds */
	char path[4096];
};

static void give(struct engine *e, const struct rec *r)
{
	struct str endpoint = rec_get(r, "endpoint");
	uint8_t key[WG_KEY_LEN];
	struct wg_peer_info info;
	struct addr a;

	if (!rec_is(r, "peer") || !endpoint.ptr || !addr_parse(&a, endpoint, -1) ||
	    !base64_decode(key, sizeof(key), rec_id(r), BASE64_STD))
		return;
	if (e->ops->peer_info(e, key, &info) && info.endpoint.to.sa.sa_family == 0)
		e->ops->peer_endpoint(e, key, &a);
}

static void load(struct remember *r)
{
	struct rec_reader reader;
	struct rn_error err;
	struct rec rec;
	int got;

	if (file_read(r->path, &r->written, &err) < 0)
		return;
	rec_reader_mem(&reader, buf_str(&r->written), r->path);
	while ((got = rec_read(&reader, &rec, &err)) != 0)
		if (got > 0)
			give(r->engine, &rec);
	rec_reader_free(&reader);
}

/* The peers of SHOWN that have an endpoint, without all that changes with every packet. */
static void pick(struct buf *out, struct str shown)
{
	struct rec_reader reader;
	struct rn_error err;
	struct rec rec;
	int got;

	rec_reader_mem(&reader, shown, "show");
	while ((got = rec_read(&reader, &rec, &err)) != 0) {
		struct str endpoint = {NULL, 0};

		if (got > 0 && rec_is(&rec, "peer"))
			endpoint = rec_get(&rec, "endpoint");
		if (!endpoint.ptr)
			continue;
		rec_begin(out, "peer", rec_id(&rec));
		rec_add_raw(out, "endpoint", endpoint);
		rec_end(out);
	}
	rec_reader_free(&reader);
}

static void save(struct remember *r)
{
	struct buf shown, now;
	struct rn_error err;

	buf_init(&shown, 8 * FILE_MAX_BYTES);
	buf_init(&now, FILE_MAX_BYTES);
	if (engine_show(r->engine, false, &shown, &err) == 0 && !shown.failed)
		pick(&now, buf_str(&shown));
	if (!now.failed && now.len && !str_eq(buf_str(&now), buf_str(&r->written))) {
		if (file_write(r->path, 0600, buf_str(&now), &err) < 0)
			log_write(LOG_WARN, "cannot remember where peers are: %s", err.text);
		buf_free(&r->written);
		r->written = now;
		buf_init(&now, 0);
	}
	buf_free(&now);
	buf_free(&shown);
}

static void due(struct timer *t)
{
	struct remember *r = container_of(t, struct remember, timer);

	uint64_t began = clock_now_ms();

	save(r);
	timer_start(r->loop, &r->timer, MAX(EVERY_MS, 100 * (clock_now_ms() - began)));
}

struct remember *remember_new(struct loop *l, struct engine *e, const char *path)
{
	struct remember *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = l;
	r->engine = e;
	r->timer.fn = due;
	buf_init(&r->written, FILE_MAX_BYTES);
	if (!str_copy(r->path, sizeof(r->path), str_from(path))) {
		free(r);
		return NULL;
	}
	load(r);
	timer_start(l, &r->timer, EVERY_MS);
	return r;
}

void remember_free(struct remember *r)
{
	if (!r)
		return;
	timer_stop(r->loop, &r->timer);
	save(r);
	buf_free(&r->written);
	free(r);
}
