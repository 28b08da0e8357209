/* SPDX-License-Identifier: MIT
 *
 * wg_flood NS PER_S MS PORT [PUBLIC_KEY]
 *
 * A flood of handshake initiations from namespace NS to 192.0.2.2:PORT, each from another address
 * of 198.18.0.0/15. With PUBLIC_KEY their mac1 is right, so that only cookies tell them from good
 * ones; else they are noise. Ends by itself after MS; prints how many were sent.
 */
#include "load.h"

#include "wg/cookie.h"
#include "wg/crypto.h"

#define BATCH 50
#define MESSAGES 4096U
#define ADDRESSES 131072U
#define OUTSIDE 0xC6120000U /* 198.18.0.0 */

static struct noise_initiation *messages;
static struct sockaddr_in device = {.sin_family = AF_INET};

static void make_messages(const char *public_key)
{
	struct cookie_peer cookie = {.cookie_ns = UINT64_MAX};
	uint8_t key[32];
	messages = calloc(MESSAGES, sizeof(*messages));
	load_check(messages, "messages");
	random_bytes(messages, MESSAGES * sizeof(*messages));
	random_bytes(key, sizeof(key)); /* of nobody: what is made for it is noise here */
	if (public_key)
		load_check(base64_decode(key, sizeof(key), str_from(public_key), BASE64_STD),
			   "public key");
	for (size_t i = 0; i < MESSAGES; i++) {
		messages[i].type = NOISE_INITIATION;
		cookie_add_macs(&cookie, key, (uint8_t *)&messages[i], sizeof(*messages), 0);
	}
}

static struct outgoing {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control[BATCH];
} out;

/* Message AT of the flood takes place I. */
static __attribute__((noinline)) void put(size_t i, uint64_t at) /* inlined, it crashes gcc 12 */
{
	uint32_t ip = OUTSIDE + (uint32_t)(at * 2654435761U % ADDRESSES);
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(ip)};
	struct cmsghdr *c = &out.control[i].align;
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	out.iov[i] = (struct iovec){&messages[at % MESSAGES], sizeof(*messages)};
	out.msgs[i].msg_hdr = (struct msghdr){.msg_name = &device,
					      .msg_namelen = sizeof(device),
					      .msg_iov = &out.iov[i],
					      .msg_iovlen = 1,
					      .msg_control = c,
					      .msg_controllen = sizeof(out.control[i])};
}

static void send_batch(int fd, uint64_t at)
{
	for (size_t i = 0; i < BATCH; i++)
		put(i, at + i);
	(void)sendmmsg(fd, out.msgs, BATCH, 0);
}

int main(int argc, char **argv)
{
	struct addr any = {.in = {.sin_family = AF_INET}};
	if (argc < 5 || !secret_init()) {
		fputs("usage: wg_flood NS PER_S MS PORT [PUBLIC_KEY]\n", stderr);
		return 64;
	}
	uint64_t per_s = load_number(argv[2]), ns = load_number(argv[3]) * 1000000, sent = 0;
	device.sin_port = htons((uint16_t)load_number(argv[4]));
	device.sin_addr.s_addr = htonl(0xC0000202); /* 192.0.2.2 */
	make_messages(argc > 5 ? argv[5] : NULL);
	prctl(PR_SET_TIMERSLACK, 1000UL);
	int fd = load_socket(argv[1], &any, SOCK_DGRAM);
	load_check(bind(fd, &any.sa, addr_len(&any)) == 0, "bind");
	uint64_t start = clock_now_ns(), now = start;
	while (now - start < ns) {
		uint64_t due = (uint64_t)((double)per_s * (double)(now - start) / 1e9);
		while (sent + BATCH <= due) {
			send_batch(fd, sent);
			sent += BATCH;
		}
		load_sleep(300000);
		now = clock_now_ns();
	}
	printf("sent_per_s=%.0f\n", (double)sent * 1e9 / (double)(now - start));
	return 0;
}
