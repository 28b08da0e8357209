/* SPDX-License-Identifier: MIT
 *
 * lwIP's headers, whose warnings are not ours.
 */
#ifndef RN_WG_LWIP_H
#define RN_WG_LWIP_H

#pragma GCC system_header

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/ip6_addr.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>

#endif
