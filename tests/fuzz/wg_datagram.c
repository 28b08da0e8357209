/* SPDX-License-Identifier: MIT
 *
 * Datagrams to an engine with a live session. Input is a list of steps: what, length, bytes. Bytes
 * go in raw, or as changes to messages that were genuine, or as the plain text that the peer itself
 * encrypts. Only the last may be delivered, and only from and to the right addresses.
 */
#include "../unit/wg_sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct sim_flight of_type[NOISE_DATA + 1]; /* a genuine message of each */
	bool sealed; /* the step that runs is the peer's own encryption */
} state;

static bool keep(struct sim *s, struct sim_flight *f)
{
	(void)s;
	if (f->data[0] <= NOISE_DATA)
		state.of_type[f->data[0]] = *f;
	return true;
}

static void on_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	uint8_t from[4], to[4];

	(void)ctx;
	rn_assert(state.sealed && n == 1);
	sim_ip(from, 0);
	sim_ip(to, 1);
	rn_assert(v->data[0] >> 4 == 4 && v->len >= 20);
	rn_assert(!memcmp(v->data + 12, from, 4) && !memcmp(v->data + 16, to, 4));
}

static const struct wg_ops ops = {sim_on_send,	on_deliver, sim_on_refuse,
				  sim_on_event, sim_wall,   sim_on_random};

static void input(struct sim *s, uint8_t *bytes, size_t len)
{
	struct wg_endpoint from = {.to = s->nodes[0].at};
	struct wg_dgram d = {bytes, (uint32_t)len, &from};

	wg_input_udp(s->nodes[1].dev, &d, 1, s->now_ns);
}

/* A message that was genuine, with IN over it; its mac1 is right, which anybody can do. */
static void change(struct sim *s, enum noise_type type, const uint8_t *in, size_t len)
{
	struct sim_flight f = state.of_type[type];
	struct cookie_peer none = {.cookie_ns = UINT64_MAX};

	for (size_t i = 0; i + 1 < len; i += 2)
		f.data[in[i] % MAX(f.len, 1U)] ^= in[i + 1];
	if (type == NOISE_INITIATION || type == NOISE_RESPONSE)
		cookie_add_macs(&none, s->nodes[1].public_key, f.data, f.len, s->now_ns);
	input(s, f.data, f.len);
}

/* The peer sends IN, whatever it is. */
static void seal(struct sim *s, const uint8_t *in, size_t len)
{
	struct wg_session *session = sim_peer(s, 0, 1)->current;
	uint8_t room[WG_HEAD + 256 + WG_TAIL];
	struct noise_data head;

	if (!session)
		return;
	head = (struct noise_data){NOISE_DATA, session->remote, session->send_counter++};
	memcpy(room, &head, sizeof(head));
	memcpy(room + WG_HEAD, in, len);
	wg_aead_seal(s->nodes[0].dev->aead, session->send_key, head.counter, room + WG_HEAD, len);
	state.sealed = true;
	input(s, room, WG_HEAD + len + WG_TAG_LEN);
	state.sealed = false;
}

static void step(struct sim *s, uint8_t what, const uint8_t *in, size_t len)
{
	uint8_t raw[256];

	switch (what % 8) {
	case 0:
		memcpy(raw, in, len);
		input(s, raw, len);
		break;
	case 1:
	case 2:
	case 3:
		change(s, what % 8, in, len);
		break;
	case 4:
		if (len >= 2 &&
		    in[1]) /* changed at least once; it was delivered before, so also if undone */
			change(s, NOISE_DATA, in, len);
		break;
	case 5:
		seal(s, in, len);
		break;
	case 6:
		s->now_ns += (len ? in[0] : 1U) * NS_PER_S;
		wg_timers(s->nodes[1].dev, s->now_ns);
		break;
	default:
		sim_send(s, 1, 0, SIM_PACKET_MIN); /* so that it initiates, too */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim *s = sim_new(1, 2);

	memset(&state, 0, sizeof(state));
	s->tap = keep;
	sim_join(s, 0, 1);
	sim_send(s, 0, 1, SIM_PACKET_MIN);
	sim_run(s, NS_PER_S);
	rn_assert(s->nodes[1].delivered == 1 && !s->bad);
	s->nodes[1].dev->ops = &ops;
	while (size >= 2) {
		size_t len = MIN(data[1], size - 2);

		step(s, data[0], data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
	sim_free(s);
	return 0;
}
