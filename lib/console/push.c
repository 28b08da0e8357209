/* SPDX-License-Identifier: MIT
 *
 * A new bundle to a gateway's management port, so that it is there at once. The gateway checks the
 * signature, so the way needs no trust; a gateway that does not take it pulls it later.
 */
#include "console/inner.h"

#include <curl/curl.h>

#define CONNECT_MS 300
#define TOTAL_MS 2000

static size_t ignore(char *data, size_t size, size_t n, void *ctx)
{
	(void)data;
	(void)ctx;
	return size * n;
}

static CURLcode post(CURL *curl, const char *url, struct str body, struct curl_slist *headers)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	return curl_easy_perform(curl);
}

static struct curl_slist *make_headers(struct str sig)
{
	char text[BASE64_SIZE(MINISIGN_SIG_MAX)], line[sizeof(text) + 32];
	struct curl_slist *list, *more;

	if (sig.len > MINISIGN_SIG_MAX)
		return NULL;
	base64_encode(text, sig.ptr, sig.len, BASE64_STD);
	snprintf(line, sizeof(line), "Rustronaut-Signature: %s", text);
	list = curl_slist_append(NULL, line);
	more = list ? curl_slist_append(list, "Content-Type: text/x-rn") : NULL;
	if (more)
		more = curl_slist_append(list, "Expect:"); /* no 100-continue round trip */
	if (!more)
		curl_slist_free_all(list);
	return more;
}

bool push_bundle(const char *management, struct str bundle, struct str sig)
{
	struct curl_slist *headers = make_headers(sig);
	CURL *curl = headers ? curl_easy_init() : NULL;
	char url[HOST_MAX + 32];
	long status = 0;

	snprintf(url, sizeof(url), "http://%s/v1/push", management);
	if (curl && post(curl, url, bundle, headers) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (status / 100 != 2)
		log_event(LOG_INFO,
			  status ? "the gateway refused the pushed bundle"
				 : "the gateway does not answer; it will pull",
			  "management", management, NULL);
	return status / 100 == 2;
}
