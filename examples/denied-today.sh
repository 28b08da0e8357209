#!/bin/sh
# SPDX-License-Identifier: MIT
# For cron: who was refused most, from the gateway's access lines. Prints nothing when nobody was.
#
#   0 7 * * *  rn-proxy log | examples/denied-today.sh | mail -E -s 'refused' ops
set -eu
since=$(($(date +%s) - 86400))
rn-rec pick access -o at,decision,client,resource |
	awk -F '\t' -v since="$since" '$1 >= since && $2 == "deny" { sub(/:[0-9]+$/, "", $3); n[$3 "\t" $4]++ }
		END { for (k in n) print n[k] "\t" k }' |
	sort -rn | head -n 20
