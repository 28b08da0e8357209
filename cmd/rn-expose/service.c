/* SPDX-License-Identifier: MIT
 *
 * The life of a service:
 *
 *     tunnel up → listen in it → register at the console → probe through the gateway → up
 *
 * "Up" is what the gateway itself proved: it reached us through the tunnel. The probe goes on while
 * the service lives, so that a state is never older than a few seconds. The tunnel's end starts
 * over from the left; the console is needed again only if the port changed.
 */
#include "rn-expose.h"

#include <stdarg.h>
#include <unistd.h>

#define STEP_FIRST_MS 50
#define STEP_LONGEST_MS 2000
#define PROBE_EVERY_MS 5000
#define PROBE_TIMEOUT_MS 5000
#define PROVED_FOR_MS (PROBE_EVERY_MS + 1000)
#define REGISTER_FOR_MS 10000 /* then a console that does not answer is a failure */
#define HINT_AFTER_MS 3000
#define DELETE_TIMEOUT_MS 850

static void step(struct timer *t);
static void delete_start(struct service *s);

static uint64_t age_ms(const struct service *s)
{
	return loop_now_ms(s->app->loop) - s->started_ms;
}

/* The next step after a while that doubles with each failure. */
static void step_later(struct service *s)
{
	timer_start(s->app->loop, &s->next, s->wait_ms);
	s->wait_ms = MIN(s->wait_ms * 2, (uint64_t)STEP_LONGEST_MS);
}

static void step_now(struct service *s)
{
	s->wait_ms = STEP_FIRST_MS;
	timer_start(s->app->loop, &s->next, 0);
}

/* ---- up and down ----------------------------------------------------------------------------- */

static void mark_down(struct service *s, const char *why)
{
	char at[16] = "";
	struct tm tm;
	time_t now = (time_t)clock_wall_s();

	str_copy(s->why, sizeof(s->why), str_slice(str_from(why), 0, sizeof(s->why) - 1));
	if (s->up) {
		s->up = false;
		s->down_since = now;
		s->wait_ms = STEP_FIRST_MS;
		if (localtime_r(&now, &tm))
			strftime(at, sizeof(at), "%H:%M:%S", &tm);
		print_note(s, "down since %s: %s", at, s->why);
	} else if (!s->shown && !s->hinted && age_ms(s) >= HINT_AFTER_MS) {
		s->hinted = true;
		print_note(s, "not reachable yet: %s", s->why);
	}
}

bool service_is_up(const struct service *s)
{
	return s->up && loop_now_ms(s->app->loop) - s->proved_ms <= PROVED_FOR_MS;
}

/* The gateway reaches us; whether there is something to reach behind us is another matter. */
static void check_local(struct service *s)
{
	struct rn_error err;
	int fd;

	if (strcmp(s->asked.protocol, "udp") == 0)
		return;
	fd = target_connect(&s->asked.target, &err);
	s->local_away = fd < 0;
	if (fd < 0)
		print_note(s, "%s: visitors get an error until it answers", err.text);
	else
		close(fd);
}

static void mark_up(struct service *s)
{
	bool first = !s->shown;

	if (!first && !s->up)
		print_note(s, "up again after %lld s", (long long)(clock_wall_s() - s->down_since));
	s->up = true;
	s->proved_ms = loop_now_ms(s->app->loop);
	s->shown = true;
	s->why[0] = '\0';
	if (!first)
		return;
	print_up(s->app, s);
	app_flush(s->app);
	check_local(s);
	app_service_up(s->app);
}

/* ---- registering ----------------------------------------------------------------------------- */

static void service_body(const struct service *s, struct buf *b)
{
	const struct asked *a = &s->asked;

	rec_begin(b, "service", str_from(a->name));
	rec_add_cstr(b, "name", a->name);
	rec_add_cstr(b, "local_address", a->target.text);
	rec_add_cstr(b, "protocol", a->protocol);
	rec_add_u64(b, "tunnel_port", s->port);
	if (a->subdomain[0])
		rec_add_cstr(b, "subdomain", a->subdomain);
	rec_add_bool(b, "public", a->public_);
	if (a->allow[0])
		rec_add_raw(b, "allow", str_from(a->allow));
	rec_end(b);
}

/* The part of an https URL that names the server; false for anything else. */
static bool url_host(char out[static HOST_MAX], struct str url)
{
	struct str rest = str_from_at(url, 8), host;

	return str_starts(url, STR("https://")) && str_cut(&rest, '/', &host) && host.len &&
	       str_copy(out, HOST_MAX, host);
}

/* Keeps what the console answered; false if it makes no sense. */
static bool take_record(struct service *s, struct str text)
{
	bool web = strncmp(s->asked.protocol, "http", 4) == 0;
	struct rec_reader rd;
	struct rn_error err;
	struct rec r;
	uint64_t expires = 0;
	bool ok;

	rec_reader_mem(&rd, text, "answer");
	ok = rec_read(&rd, &r, &err) == 1 && rec_is(&r, "service") && rec_id(&r).len &&
	     str_copy(s->id, sizeof(s->id), rec_id(&r)) &&
	     (!web || url_host(s->host, rec_get(&r, "url"))) &&
	     rec_u64(&r, "expires_at", 0, INT64_MAX, &expires, &err) == 0;
	if (ok) {
		int64_t now = clock_wall_s(), left = (int64_t)expires - now;

		/* Half of the link's time before it ends there is a new one. */
		s->renew_at = expires ? now + MAX(left / 2, (int64_t)60) : 0;
		if (!addr_parse(&s->gateway, rec_get(&r, "tunnel_address"), -1))
			s->gateway = (struct addr){0};
		buf_clear(&s->record);
		rec_write(&s->record, &r);
	}
	rec_reader_free(&rd);
	return ok && !s->record.failed;
}

static bool is_final(int rc)
{
	return rc != RN_EAWAY && rc != RN_EAGAIN && rc != RN_EOS;
}

static void register_failed(struct service *s, int rc, const struct rn_error *err)
{
	if (s->ending || is_final(rc) || (!s->id[0] && age_ms(s) >= REGISTER_FOR_MS)) {
		app_service_ended(s->app, s, s->ending ? NULL : err);
		return;
	}
	mark_down(s, err->text);
	step_later(s);
}

static void on_registered(void *ctx, int rc, const struct agent_answer *answer,
			  const struct rn_error *why)
{
	struct service *s = ctx;
	struct rn_error err = *why;

	s->call = NULL;
	if (!rc)
		rc = agent_answer_check(answer, &err);
	if (!rc && !take_record(s, buf_str(&answer->body)))
		rc = rn_fail(&err, RN_EPROTO, "the console's answer is not a service");
	if (rc) {
		register_failed(s, rc, &err);
		return;
	}
	s->registered = true;
	if (s->ending)
		delete_start(s);
	else
		step_now(s);
}

/* One request at a time; a failure to start is a failure of the step. */
static bool request(struct service *s, const struct agent_request *q, agent_rest_fn *done)
{
	struct rn_error err;

	s->call = agent_rest_start(s->app->rest, s->app->loop, q, done, s, &err);
	if (s->call)
		return true;
	mark_down(s, err.text);
	return false;
}

static void register_start(struct service *s)
{
	struct agent_request q = {.method = "POST", .path = "/api/v1/services"};
	struct buf body;

	buf_init(&body, REC_LINE_MAX);
	service_body(s, &body);
	q.body = buf_str(&body);
	if (!request(s, &q, on_registered))
		step_later(s);
	buf_free(&body);
}

/* ---- proving --------------------------------------------------------------------------------- */

/* The gateway does not know the service any more: perhaps somebody removed it at the console. */
static void on_looked_up(void *ctx, int rc, const struct agent_answer *answer,
			 const struct rn_error *why)
{
	struct service *s = ctx;
	struct rn_error err;

	(void)why;
	s->call = NULL;
	if (rc == 0 && (answer->status == 404 || answer->status == 410)) {
		rn_fail(&err, RN_ENO, "was removed at the console");
		app_service_ended(s->app, s, &err);
		return;
	}
	step_later(s);
}

static void look_up_start(struct service *s)
{
	char path[256];
	struct agent_request q = {.path = path};

	snprintf(path, sizeof(path), "/api/v1/services/%s", s->id);
	if (!request(s, &q, on_looked_up))
		step_later(s);
}

/* The gateway did not reach us: perhaps its end of the tunnel was started anew and knows neither our
 * session nor our address. */
static void shake_hands(struct service *s)
{
	struct rn_error err;

	if (s->app->tunnel && tunnel_probe(s->app->tunnel, &err) < 0)
		log_write(LOG_DEBUG, "%s", err.text);
}

/* The gateway's plain page has the status in its first line and the reason in its second. */
static void tell_refusal(struct rn_error *err, const struct agent_answer *answer)
{
	struct str rest = buf_str(&answer->body), line;
	bool fine = rest.len && str_cut(&rest, '\n', &line) && str_cut(&rest, '\n', &line) &&
		    line.len && line.len < 200;

	for (size_t i = 0; fine && i < line.len; i++)
		fine = line.ptr[i] >= ' ' && line.ptr[i] <= '~';
	if (fine)
		rn_fail(err, RN_EAWAY, "the gateway says: %.*s", STR_ARG(line));
	else
		rn_fail(err, RN_EAWAY, "the gateway answered the probe with status %d",
			answer->status);
}

static void on_probed(void *ctx, int rc, const struct agent_answer *answer,
		      const struct rn_error *why)
{
	struct service *s = ctx;
	struct rn_error err = *why;

	s->call = NULL;
	if (rc == 0 && answer->status == 204) {
		mark_up(s);
		if (!s->ending)
			timer_start(s->app->loop, &s->next, PROBE_EVERY_MS);
		return;
	}
	if (rc == 0) {
		tell_refusal(&err, answer);
		shake_hands(s);
	}
	mark_down(s, err.text);
	/* 403 for a port, 404 or 421 for a host that the gateway does not know. */
	if (s->shown && rc == 0 && answer->status != 503)
		look_up_start(s);
	else
		step_later(s);
}

static void probe_start(struct service *s)
{
	char path[256] = "/.rustronaut/probe";
	struct agent_request q = {.path = path, .timeout_ms = PROBE_TIMEOUT_MS};

	if (s->host[0])
		q.host = s->host;
	else
		snprintf(path, sizeof(path), "/.rustronaut/probe?service=%s", s->id);
	if (!request(s, &q, on_probed))
		step_later(s);
}

static void step(struct timer *t)
{
	struct service *s = container_of(t, struct service, next);

	if (!s->registered || (s->renew_at && clock_wall_s() >= s->renew_at))
		register_start(s);
	else
		probe_start(s);
}

/* ---- the tunnel ------------------------------------------------------------------------------ */

static void forget_step(struct service *s)
{
	timer_stop(s->app->loop, &s->next);
	agent_rest_cancel(s->call);
	s->call = NULL;
}

void service_tunnel_up(struct service *s)
{
	struct rn_error err;

	if (s->ending)
		return;
	if (carry_open(s, &err) == 0)
		step_now(s);
	else if (!s->id[0])
		app_service_ended(s->app, s, &err);
	else
		mark_down(s, err.text);
}

void service_tunnel_down(struct service *s, const struct rn_error *why)
{
	if (s->ending)
		return;
	carry_close(s);
	forget_step(s);
	/* The first start may fail for good: then the reason is the end. */
	if (!s->id[0] && is_final(why->code))
		app_service_ended(s->app, s, why);
	else
		mark_down(s, why->text);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_deleted(void *ctx, int rc, const struct agent_answer *answer,
		       const struct rn_error *why)
{
	struct service *s = ctx;
	struct rn_error err = *why;

	s->call = NULL;
	if (!rc)
		rc = agent_answer_check(answer, &err);
	if (rc && rc != RN_ENO) {
		struct rn_error told;

		rn_fail(&told, RN_EAWAY,
			"its name stays registered, though nothing serves it any more: %s; later: "
			"rn expose stop %s",
			err.text, s->asked.name);
		app_service_ended(s->app, s, &told);
		return;
	}
	app_service_ended(s->app, s, NULL);
}

static void delete_start(struct service *s)
{
	char path[256];
	struct agent_request q = {
		.method = "DELETE", .path = path, .timeout_ms = DELETE_TIMEOUT_MS};
	struct rn_error err;

	snprintf(path, sizeof(path), "/api/v1/services/%s", s->id);
	s->call = agent_rest_start(s->app->rest, s->app->loop, &q, on_deleted, s, &err);
	if (!s->call)
		app_service_ended(s->app, s, &err);
}

void service_end(struct service *s)
{
	bool registering = s->call && !s->registered;

	if (s->ending)
		return;
	s->ending = true;
	carry_close(s);
	if (registering)
		return; /* on_registered goes on: what the console has just made must go too */
	forget_step(s);
	if (s->id[0])
		delete_start(s);
	else
		app_service_ended(s->app, s, NULL);
}

/* ---- made and freed -------------------------------------------------------------------------- */

struct service *service_new(struct app *app, const struct asked *a, struct rn_error *err)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s) {
		rn_fail(err, RN_EOS, "no memory for a service");
		return NULL;
	}
	s->app = app;
	s->asked = *a;
	s->wait_ms = STEP_FIRST_MS;
	s->started_ms = loop_now_ms(app->loop);
	s->next.fn = step;
	buf_init(&s->record, REC_LINE_MAX);
	if (control_open(s, err) == 0)
		return s;
	free(s);
	return NULL;
}

void service_free(struct service *s)
{
	carry_close(s);
	forget_step(s);
	if (s->stopper)
		ctl_done(s->stopper);
	ctl_close(s->ctl);
	buf_free(&s->record);
	free(s);
}
