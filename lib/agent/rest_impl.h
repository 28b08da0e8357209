/* SPDX-License-Identifier: MIT
 *
 * Inside lib/agent only: a REST client and its calls.
 */
#ifndef RN_REST_IMPL_H
#define RN_REST_IMPL_H

#include "agent/agent.h"

#include <curl/curl.h>

struct agent_rest {
	char url[AGENT_URL_MAX];
	char via[AGENT_URL_MAX];      /* libcurl's CONNECT_TO entry: where every connection goes */
	bool via_always;	      /* not only for other hosts */
	char ca_file[AGENT_PATH_MAX]; /* or "" */
	bool unverified;
	char node[AGENT_NAME_MAX + 1];
	const struct auth_key *key;
	struct auth_key *own_key; /* freed with the client */
	CURL *easy;		  /* for blocking calls; keeps its connection */
	CURLM *multi;		  /* for calls in the loop */
	struct loop *loop;
	struct timer timeout, deliver;
	struct agent_call *calls;	  /* under way */
	struct agent_call *ended, **tail; /* to be delivered, oldest first */
};

struct agent_call {
	struct agent_rest *rest;
	struct agent_call *prev, *next;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct buf request; /* the body */
	struct agent_answer answer;
	char curl_text[CURL_ERROR_SIZE];
	agent_rest_fn *fn;
	void *ctx;
	CURLcode result;
	bool ended;
};

/* rest.c: a call ready for EASY; and what became of it. */
struct agent_call *rest_call_new(struct agent_rest *r, CURL *easy, const struct agent_request *q,
				 struct rn_error *err) must_check;
int rest_call_result(struct agent_call *c, struct rn_error *err) must_check;
void rest_call_free(struct agent_call *c); /* not its easy handle */
/* multi.c */
void rest_multi_free(struct agent_rest *r);

#endif
