#!/usr/bin/env bats
# `pitr undo`: what is asked, what is told, what comes of it, also when it is killed. tests/unit/test_undo.c has the cases.

bats_require_minimum_version 1.5.0
load ../support/mount

# The store that every test begins with is made once.
setup_file() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR pitr_setup_store
	export PITR_CLOCK_FILE=$WORK/clock
	at 12:00:00
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	at 12:01:00
	put 1001 '{"price":10,"stock":1}'
	put 1002 '{"price":20,"stock":2}'
	put 1003 '{"price":30,"stock":3}'
	at 12:10:00
	PITR_REASON=deploy-42 put 1001 '{"price":0.1,"stock":1}'
	PITR_REASON=deploy-42 put 1004 '{"price":0.1,"stock":4}'
	PITR_REASON=deploy-42 pitr rm orders/1003
	at 12:20:00
	PITR_REASON=sale put 1002 '{"price":20,"stock":1}'
}

setup() {
	pitr_setup_store
	rm -r "$STORE"
	cp -r --sparse=always "$BATS_FILE_TMPDIR/store" "$STORE"
	cd "$WORK" || return
	export PITR_CLOCK_FILE=$WORK/clock
	at 12:20:00
}

teardown() {
	pitr_teardown
}

# at TIME: of 2025-03-01, from now on.
at() {
	echo "$(date -u -d "2025-03-01T$1Z" +%s)000000" >"$PITR_CLOCK_FILE"
}

put() {
	printf '%s' "$2" | pitr put "orders/$1"
}

# all [TABLE]: every item on a line, by key.
all() {
	pitr scan --table-name "${1:-orders}" |
		jq -cS '.Items[] | map_values(.S // (.N | tonumber))' | sort
}

window() {
	pitr undo --table orders --from 2025-03-01T12:10:00 --to 2025-03-01T12:15:00 "$@"
}

good='{"id":"1001","price":10,"stock":1}
{"id":"1002","price":20,"stock":1}
{"id":"1003","price":30,"stock":3}'
bad='{"id":"1001","price":0.1,"stock":1}
{"id":"1002","price":20,"stock":1}
{"id":"1004","price":0.1,"stock":4}'

@test "it is said where, or shown first" {
	run --separate-stderr -2 window
	[ -z "$output" ]
	# shellcheck disable=SC2154
	[[ $stderr == "pitr undo: where? --dry-run shows what would be done; then --into NEW makes a new table, --in-place changes orders"* ]]
	run -2 window --in-place --into fixed
	run -2 pitr undo --table orders --from 12:00 --in-place
	run -2 pitr undo --from -1h --to now --in-place
	run -2 pitr undo --table orders --from someday --to now --in-place
	run -2 window --in-place --where 'price <'
	[[ $output == *"--where price <: "*"column"* ]]
	run -2 window --in-place --by 'nobody=x'
	[[ $output == *"--by nobody=x: "* ]]
	run -2 window --in-place --op drop
	run -2 window --in-place --conflicts maybe
	run -2 window --in-place more
	run -1 pitr undo --table nowhere --from -1h --to now --in-place
	[[ $output == *"there is no table nowhere"* ]]
	run -1 pitr undo --table orders --from now --to -1h --dry-run
	[[ $output == *"the window ends before it begins"* ]]
	[ "$(all)" = "$bad" ]
}

@test "a dry run shows everything and does nothing" {
	run --separate-stderr -0 window --dry-run
	[ "$output" = "returns    1001.json
goes       1004.json
comes back 1003.json
orders, 2025-03-01T12:10:00Z to 2025-03-01T12:15:00Z: 3 changes chosen; nothing was done yet
  1 item comes back
  1 item returns to what it was
  1 item goes" ]
	[ -z "$stderr" ]
	[ "$(all)" = "$bad" ]
	[ "$(pitr status --json | jq '.tables[0].changes')" -eq 7 ]
}

@test "in place, in one commit, with a reason, and undone itself" {
	run -0 window --in-place
	[ "$output" = "orders, 2025-03-01T12:10:00Z to 2025-03-01T12:15:00Z: 3 changes chosen; undone
  1 item comes back
  1 item returns to what it was
  1 item goes" ]
	[ "$(all)" = "$good" ]
	grep -aq 'undo of orders from 2025-03-01T12:10:00Z to 2025-03-01T12:15:00Z' "$STORE/data.mdb"
	run -0 window --in-place
	[[ $output == *"3 items are as they were already"* ]]
	at 12:30:00
	PITR_REASON='INC-17' pitr undo --table orders --from seq-8 --to seq-10 --by 'undo of orders' --in-place
	grep -aq 'INC-17; undo of orders from change 8 to change 10 by undo of orders' "$STORE/data.mdb"
	[ "$(all)" = "$bad" ]
}

@test "into a new table: the present with the undo in it" {
	run -0 window --into orders-fixed
	[[ $output == *"undone in orders-fixed"* ]]
	[ "$(all)" = "$bad" ]
	[ "$(all orders-fixed)" = "$good" ]
	run -1 window --into orders-fixed
	[[ $output == *"Table already exists: orders-fixed"* ]]
	run -1 pitr undo --table orders --from 2025-03-01T12:16 --to 2025-03-01T12:17 --into nothing
	[[ $output == *"no change of orders was chosen in that window; nothing was not made"* ]]
	run -1 pitr describe-table --table-name nothing
	put 1009 '{"price":1,"stock":1}'
	[ "$(all orders-fixed)" = "$good" ]
}

@test "only what was chosen by author, expression and kind" {
	[ "$(window --dry-run --json --by reason=deploy-42 | tail -1 | jq .changes)" = 3 ]
	[ "$(window --dry-run --json --by reason=sale | tail -1 | jq .changes)" = 0 ]
	[ "$(window --dry-run --json --by reason=sale --by 'deploy-*' | tail -1 | jq .changes)" = 3 ]
	[ "$(window --dry-run --json --op remove --op insert | tail -1 | jq .changes)" = 2 ]
	[ "$(window --dry-run --json --where 'price < 1' | tail -1 | jq .changes)" = 2 ]
	[ "$(window --dry-run --json --where 'price < 1' --where 'stock > 2' | tail -1 | jq .changes)" = 1 ]
	window --in-place --where 'price < 1' --op modify
	[ "$(all)" = '{"id":"1001","price":10,"stock":1}
{"id":"1002","price":20,"stock":1}
{"id":"1004","price":0.1,"stock":4}' ]
}

@test "what was changed again is left alone, and told with its three states" {
	PITR_REASON=sale put 1001 '{"price":0.1,"stock":0}'
	run --separate-stderr -1 window --in-place
	[ "$stderr" = "pitr: 1 conflict was left as it is; --conflicts undo or merge decides it" ]
	[ "${lines[0]}" = "conflict   1001.json" ]
	[[ ${lines[1]} == "    changed again 2025-03-01T12:20:00.00000"*" by pitr put ("*"): sale" ]]
	[ "${lines[2]}" = '    before  {"id":"1001","price":10,"stock":1}' ]
	[ "${lines[3]}" = '    left    {"id":"1001","price":0.1,"stock":1}' ]
	[ "${lines[4]}" = '    now     {"id":"1001","price":0.1,"stock":0}' ]
	[ "$(all | head -1)" = '{"id":"1001","price":0.1,"stock":0}' ]
	[ "$(all | tail -1)" = '{"id":"1003","price":30,"stock":3}' ]
	window --in-place --conflicts merge
	[ "$(all | head -1)" = '{"id":"1001","price":10,"stock":0}' ]
	window --in-place --conflicts undo
	[ "$(all)" = "$good" ]
}

@test "as JSON, an object a line" {
	PITR_REASON=sale put 1001 '{"price":0.1,"stock":0}'
	run --separate-stderr -1 window --dry-run --json
	[ "${#lines[@]}" -eq 4 ]
	[ "$(jq -c '[.item, .action, .wasConflict, .firstChange, .lastChange, .before.price, .after.stock, .now.stock, .result.stock, .laterAuthor.reason, .author.reason]' <<<"${lines[0]}")" = \
		'["1001.json","conflict",false,4,4,10,1,0,0,"sale","deploy-42"]' ]
	[ "$(jq -c '[.item, .action, .before, .now.price, .result]' <<<"${lines[1]}")" = '["1004.json","remove",null,0.1,null]' ]
	[ "$(jq -c '[.item, .action, .after, .result.price]' <<<"${lines[2]}")" = '["1003.json","bringBack",null,30]' ]
	[ "${lines[3]}" = '{"table":"orders","from":"2025-03-01T12:10:00Z","to":"2025-03-01T12:15:00Z","dryRun":true,"changes":3,"broughtBack":1,"reverted":0,"removed":1,"decided":0,"unchanged":0,"conflicts":1}' ]
}

@test "large items in conflict are cut, unless all is wanted" {
	at 12:30:00
	put 1001 "{\"price\":0.1,\"note\":\"$(printf 'ä%.0s' {1..3000})\"}"
	run -1 --separate-stderr pitr undo --table orders --from 2025-03-01T12:05 --to 2025-03-01T12:15 --dry-run
	[ "${#output}" -lt 2000 ]
	[[ $output == *"... (60"*" bytes; -v shows all)"* ]]
	iconv -f UTF-8 <<<"$output" >/dev/null
	run -1 --separate-stderr pitr undo --table orders --from 2025-03-01T12:05 --to 2025-03-01T12:15 --dry-run -v
	[ "${#output}" -gt 3000 ]
}

@test "a restored table has no changes of its source to undo" {
	at 12:30:00
	pitr restore orders@2025-03-01T12:20:00 orders-fixed >/dev/null
	run -1 pitr undo --table orders-fixed --from 2025-03-01T12:05 --to 2025-03-01T12:15 --in-place
	[[ $output == *"it was restored at 2025-03-01T12:30:00"*"and has none from before"* ]]
	run -0 pitr undo --table orders-fixed --from 2025-03-01T12:05 --to now --in-place
}

@test "what is not kept any more can't be undone" {
	echo 1745000000000000 >"$PITR_CLOCK_FILE"
	run -1 window --in-place
	[[ $output == *"undo changes of orders from 2025-03-01T12:10:00Z on: they are not all kept any more; its history begins at 2025-03-14T18:13:20Z"* ]]
}

@test "an undo that is killed has happened or has not" {
	rm "$PITR_CLOCK_FILE"
	seq 2000 | sed 's/.*/{"id":"&","n":&}/' | pitr import --table many --key id --at 2025-03-01T09:15 -
	local delay items
	for delay in 0.1 0.2; do
		"$PITR" --store "$STORE" undo --table many --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op insert --in-place >log 2>&1 3>&- &
		sleep $delay
		kill -KILL $! || true
		wait $! || true
		items=$(pitr status --json | jq '.tables[] | select(.name == "many") | .items')
		echo "$items items after $delay seconds"
		[ "$items" -eq 2000 ] || [ "$items" -eq 0 ]
	done
	pitr undo --table many --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op insert --in-place
	[ "$(pitr status --json | jq '.tables[] | select(.name == "many") | .items')" -eq 0 ]
}

@test "a mount shows what was undone" {
	require_fuse
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	[ ! -e "$MNT/orders/1003.json" ]
	[ "$(jq .price "$MNT/orders/1001.json")" = 0.1 ]
	window --in-place
	eventually [ -e "$MNT/orders/1003.json" ]
	eventually [ ! -e "$MNT/orders/1004.json" ]
	[ "$(jq .price "$MNT/orders/1001.json")" = 10 ]
}
