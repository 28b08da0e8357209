/* SPDX-License-Identifier: MIT
 *
 * A peer has up to three sessions: the one to send with, the one before it (packets may still be on
 * their way), and the next one, which we answered to and which is not confirmed by a packet yet.
 */
#include "wg/state.h"

uint32_t wg_index_pick(struct wg_device *dev)
{
	uint32_t index;

	do
		wg_random(dev, &index, sizeof(index));
	while (!index || wg_index_find(&dev->index, index));
	return index;
}

uint64_t wg_session_lost(const struct wg_session *s)
{
	return s->received ? s->replay.newest + 1 - s->received : 0;
}

void wg_session_forget(struct wg_device *dev, struct wg_session **s)
{
	if (!*s)
		return;
	(*s)->peer->rx_packets += (*s)->received;
	(*s)->peer->rx_lost += wg_session_lost(*s);
	wg_index_remove(&dev->index, (*s)->index);
	wg_replay_clear(&(*s)->replay, &dev->ring_pool);
	wg_pool_put(&dev->session_pool, *s);
	*s = NULL;
}

void wg_sessions_forget(struct wg_device *dev, struct wg_peer *peer)
{
	wg_session_forget(dev, &peer->current);
	wg_session_forget(dev, &peer->previous);
	wg_session_forget(dev, &peer->next);
}

/* As initiator we hold a response, so the peer has the session already and we may send with it. */
static void enter_as_initiator(struct wg_device *dev, struct wg_peer *peer, struct wg_session *s)
{
	wg_session_forget(dev, &peer->previous);
	if (peer->next) { /* both sides initiated: the peer may be sending with that one */
		peer->previous = peer->next;
		peer->next = NULL;
		wg_session_forget(dev, &peer->current);
	} else {
		peer->previous = peer->current;
	}
	peer->current = s;
}

static void enter_as_responder(struct wg_device *dev, struct wg_peer *peer, struct wg_session *s)
{
	wg_session_forget(dev, &peer->next);
	wg_session_forget(dev, &peer->previous);
	peer->next = s;
}

struct wg_session *wg_session_new(struct wg_device *dev, struct wg_peer *peer,
				  const struct noise_keys *keys, bool initiator)
{
	struct wg_session *s = wg_pool_get(&dev->session_pool);

	if (!s)
		return NULL;
	if (!wg_index_add(&dev->index, keys->local_index, WG_INDEX_SESSION, s)) {
		wg_pool_put(&dev->session_pool, s);
		return NULL;
	}
	s->peer = peer;
	s->born_ns = dev->now_ns;
	s->index = keys->local_index;
	s->remote = keys->remote_index;
	s->initiator = initiator;
	s->can_send = s->can_receive = true;
	memcpy(s->send_key, keys->send, sizeof(s->send_key));
	memcpy(s->receive_key, keys->receive, sizeof(s->receive_key));
	if (initiator)
		enter_as_initiator(dev, peer, s);
	else
		enter_as_responder(dev, peer, s);
	return s;
}

bool wg_session_confirm(struct wg_device *dev, struct wg_session *s)
{
	struct wg_peer *peer = s->peer;

	if (s != peer->next)
		return false;
	wg_session_forget(dev, &peer->previous);
	peer->previous = peer->current;
	peer->current = s;
	peer->next = NULL;
	return true;
}
