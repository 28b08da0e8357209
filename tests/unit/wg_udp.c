/* SPDX-License-Identifier: MIT
 *
 * The outside of a tunnel over loopback: batches arrive whole and in order, whatever way they took,
 * and shedding a flood lets in what it must.
 */
#include "tap.h"

#include "wg/noise.h"
#include "wg/udp.h"

#include <poll.h>

#define BATCH 40U

static struct udp *from, *to;
static uint32_t received, bytes;
static bool in_order;

static void take(void *ctx, const struct wg_dgram *v, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++, received++) {
		bytes += v[i].len;
		in_order &= v[i].data[v[i].len - 1] == (uint8_t)received;
	}
}

static void receive(void)
{
	struct pollfd p = {.fd = to->fd4, .events = POLLIN};
	received = bytes = 0;
	in_order = true;
	while (poll(&p, 1, 50) > 0)
		while (udp_receive(to, to->fd4, take, NULL))
			;
}

static struct wg_endpoint there(void)
{
	struct wg_endpoint e = {.to.in = {.sin_family = AF_INET, .sin_port = htons(to->port)}};
	e.to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return e;
}

/* N messages of LEN bytes and TYPE; MAC2 is its last byte. Their last byte is their number if
 * NUMBERED. */
static void send_some(unsigned n, uint32_t type, uint32_t len, bool numbered, uint8_t mac2)
{
	static uint8_t room[BATCH * 1500];
	struct wg_endpoint at = there();
	struct wg_dgram v[BATCH];
	rn_assert(n <= BATCH);
	memset(room, 0, sizeof(room));
	for (unsigned i = 0; i < n; i++) {
		v[i] = (struct wg_dgram){room + (size_t)i * len, len, &at};
		memcpy(v[i].data, &type, sizeof(type));
		v[i].data[len - 1] = numbered ? (uint8_t)i : mac2;
	}
	udp_transmit(from, v, n);
}

static void check_batches(void)
{
	send_some(BATCH, NOISE_DATA, 1452, true, 0);
	receive();
	TAP_OK(received == BATCH && bytes == BATCH * 1452 && in_order,
	       "a batch arrives whole and in order");
	from->no_segment = true;
	send_some(BATCH, NOISE_DATA, 1452, true, 0);
	receive();
	TAP_OK(received == BATCH && bytes == BATCH * 1452 && in_order, "without segmentation, too");
}

static unsigned let_in(unsigned batches, uint32_t type, uint32_t len, uint8_t mac2)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < batches; i++) {
		send_some(BATCH, type, len, false, mac2);
		if (i % 4 != 3)
			continue;
		receive();
		sum += received;
	}
	return sum;
}

static void check_shedding(void)
{
	const uint32_t initiation = sizeof(struct noise_initiation),
		       response = sizeof(struct noise_response);
	udp_shed(to, true);
	unsigned n = let_in(24, NOISE_INITIATION, initiation, 0);
	printf("# %u of %u\n", n, 24 * BATCH);
	TAP_OK(n > 24 * BATCH / 16 && n < 24 * BATCH / 4, "of a flood one in 8 is let in");
	TAP_OK(let_in(4, NOISE_INITIATION, initiation, 1) == 4 * BATCH, "all that have a mac2");
	TAP_OK(let_in(4, NOISE_DATA, 1452, 0) == 4 * BATCH, "all data");
	TAP_OK(let_in(4, NOISE_RESPONSE, response, 0) == 4 * BATCH, "all responses");
	TAP_OK(let_in(4, NOISE_INITIATION, 40, 0) == 0, "none that is too short");
	udp_shed(to, false);
	TAP_OK(let_in(4, NOISE_INITIATION, initiation, 0) == 4 * BATCH,
	       "and all of them when it is over");
}

int main(void)
{
	struct rn_error err;
	from = udp_make();
	to = udp_make();
	if (!from || !to || udp_open(from, 0, 0, &err) || udp_open(to, 0, 0, &err) || to->fd4 < 0) {
		puts("1..0 # SKIP no UDP");
		return 0;
	}
	from->no_segment = true; /* as a flood comes: from many places */
	check_shedding();
	from->no_segment = false;
	check_batches();
	udp_free(from);
	udp_free(to);
	return tap_done();
}
