/* SPDX-License-Identifier: MIT */
#include "agent/bundle.h"

void bundle_path(char out[static 160], const char *node, bool sig)
{
	snprintf(out, 160, "/api/v1/bundles/%s.rn%s", node, sig ? ".minisig" : "");
}

int bundle_fetch(struct bundle *b, struct agent_rest *r, const char *node, struct rn_error *err)
{
	char path[160];
	int rc;

	buf_clear(&b->text);
	buf_clear(&b->sig);
	bundle_path(path, node, false);
	rc = agent_rest_records(r, &(struct agent_request){.path = path}, &b->text, err);
	if (rc)
		return rc;
	bundle_path(path, node, true);
	return agent_rest_records(r, &(struct agent_request){.path = path}, &b->sig, err);
}
