#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A real browser, driven through WebDriver by curl, without script: refused, logged in, through, out.

load ../bats/helper

# wd METHOD PATH [JSON]: one WebDriver command; its value on standard output.
wd() {
	curl -sS --max-time 30 -X "$1" "http://127.0.0.1:$DRIVER$2" ${3:+-H 'Content-Type: application/json' -d "$3"} |
		jq -r '.value | if type == "object" and has("error") then error(.error + ": " + .message) else . end'
}
at() { wd "$1" "/session/$SESSION$2" "${3:-}"; }
go() { at POST /url "$(jq -n --arg url "$1" '{url: $url}')" >/dev/null; }
find_css() { at POST /element "$(jq -n --arg css "$1" '{using: "css selector", value: $css}')" | jq -r 'to_entries[0].value'; }
text_of() { at GET "/element/$(find_css "$1")/text"; }
click() { at POST "/element/$(find_css "$1")/click" '{}' >/dev/null; }
type_into() { at POST "/element/$(find_css "$1")/value" "$(jq -n --arg text "$2" '{text: $text}')" >/dev/null; }
# shows CSS TEXT: the page has it by now
shows() { [[ $(text_of "$1" 2>&1) == *"$2"* ]]; }

open_browser() { # with script off, names of *.localhost being this machine in every browser
	SESSION=$(wd POST /session "$(jq -n --arg dir "$T/profile" '{capabilities: {alwaysMatch: {
		acceptInsecureCerts: true,
		"goog:chromeOptions": {
			args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
				"--disable-background-networking", "--disable-component-update", "--user-data-dir=" + $dir],
			prefs: {"profile.managed_default_content_settings.javascript": 2}}}}}')" | jq -r .sessionId)
	[ -n "$SESSION" ]
}

setup() {
	[ "$(id -u)" -eq 0 ] || [ -w /dev/net/tun ] || skip "needs root or an openable /dev/net/tun"
	rn_setup
	local https site
	https=$(free_port) site=$(free_port) DRIVER=$(free_port)
	APP=https://app.gateway.localhost:$https
	rn-console init gateway.localhost --address 127.0.0.1 --https-port "$https" --http-port "$(free_port)" \
		--wg-port "$(free_port)" --management-port "$(free_port)" >/dev/null
	mkdir "$T/site"
	echo "<h1>the service itself</h1><noscript><p id=plain>no script</p></noscript>" >"$T/site/index.html"
	start site busybox httpd -f -p "127.0.0.1:$site" -h "$T/site"
	rn-console import >/dev/null <<-END
		resource=app listen=https host=app.gateway.localhost auth=login
		target=app-1 resource=app address=127.0.0.1:$site
		policy=app-org effect=allow from=org to=resource:app
	END
	rn-console publish >/dev/null
	start_ready node rn-node run gateway
	start driver env HOME="$T" chromedriver --port="$DRIVER"
	wait_for curl -fsS "http://127.0.0.1:$DRIVER/status"
	open_browser
}
teardown() {
	[ -z "${SESSION:-}" ] || wd DELETE "/session/$SESSION" >/dev/null || true
	[ -z "${T:-}" ] || timeout 5 rn-wg down gateway >/dev/null 2>&1 || true
	rn_teardown
}

@test "refused, then logged in, then through, then out again" {
	go "$APP/"
	shows h1 "Not allowed"
	shows p.status 403
	click a.go
	wait_for shows h1 "Log in"
	type_into '#user' owner
	type_into '#password' "not the password"
	click button
	wait_for shows .bad "Name or password is wrong."
	type_into '#password' "$(<"$RN_CONSOLE_DIR/owner.password")"
	click button
	wait_for shows h1 "the service itself"
	[ "$(at GET /url)" = "$APP/" ]
	shows '#plain' "no script"
	go "$APP/.rustronaut/logout"
	wait_for shows h1 "Logged out"
	click a.go
	wait_for shows h1 "Not allowed"
}
