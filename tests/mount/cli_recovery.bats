#!/usr/bin/env bats
# The verbs of recovery for people: restore, backup, hold, settings, du, gc. The clock stands still, and is moved.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup_store
	unset PITR_REASON PITR_TZ
	export PITR_CLOCK_FILE=$WORK/clock
	clock 2025-03-01T12:00:00
	cd "$WORK" || return
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
}

teardown() {
	pitr_teardown
}

# clock INSTANT: what the time is from now on, in every process.
clock() {
	echo "$(date -ud "$1Z" +%s)000000" >"$PITR_CLOCK_FILE"
}

# put ID N: an item of orders.
put() {
	echo "{\"n\":$2}" | pitr put "orders/$1"
}

# One item at 12:01, changed and joined by another at 12:02, gone at 12:03.
make_history() {
	clock 2025-03-01T12:01:00
	put a 1
	clock 2025-03-01T12:02:00
	put a 2
	put b 2
	clock 2025-03-01T12:03:00
	pitr rm orders/a
}

# expect STATUS STDOUT STDERR, after `run --separate-stderr`.
expect() {
	# shellcheck disable=SC2154
	printf 'status %s\nstdout: %s\nstderr: %s\n' "$status" "$output" "$stderr"
	[ "$status" -eq "$1" ] && [ "$output" = "$2" ] && [ "$stderr" = "$3" ]
}

# value TABLE/ID [--at T]: the item's n, "-" when there is none.
value() {
	pitr get "$@" 2>/dev/null | jq -r .n | grep . || echo -
}

is() {
	[ "$1" = "$2" ] || {
		printf 'is      %s\nexpected %s\n' "$1" "$2"
		return 1
	}
}

# --- restore ---------------------------------------------------------------------------------------------------------

@test "restore: a state of a table, at once, and both live apart" {
	make_history
	run --separate-stderr pitr restore orders@2025-03-01T12:02:30 fixed
	[ "$status" -eq 0 ]
	is "$output" ""
	[[ "$stderr" == "fixed: 2 items, as orders was at 2025-03-01T12:02:30 (change 3); "* ]]
	is "$(value fixed/a) $(value fixed/b)" "2 2"
	pitr rm fixed/b
	echo '{"n":7}' | pitr put fixed/a
	is "$(value fixed/a) $(value fixed/b) $(value orders/a) $(value orders/b)" "7 - - 2"
	is "$(value orders/a --at 2025-03-01T12:01:30)" 1

	pitr restore orders/@2025-03-01T12:01:30/ first
	is "$(value first/a) $(value first/b)" "1 -"
	pitr restore orders now
	is "$(value now/a) $(value now/b)" "- 2"
	clock 2025-03-01T12:04:00
	pitr restore fixed@-0s again
	is "$(value again/a)" 7
}

@test "restore: what is refused, and why" {
	make_history
	run --separate-stderr pitr restore orders@2025-03-01T12:02:30 orders
	expect 1 "" "pitr: Table already exists: orders"
	run --separate-stderr pitr restore orders@2025-02-01 fixed
	expect 1 "" "pitr: orders at 2025-02-01T00:00:00Z: that is before its window; it can be seen from 2025-03-01T12:00:00Z to 2025-03-01T12:03:00Z"
	run --separate-stderr pitr restore nothing@2025-03-01T12:01 fixed
	[ "$status" -eq 1 ]
	run --separate-stderr pitr restore orders@2025-03-01T12:01 'bad name'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"Value 'bad name' at 'targetTableName' failed"* ]]
	run --separate-stderr pitr restore --accept orders
	expect 1 "" "pitr: orders is not being restored; \`pitr restore --list\` names the tables that are"
	run --separate-stderr pitr restore --list
	expect 0 "" "nothing is being restored"
	run --separate-stderr pitr restore --list --json
	expect 0 '{"restoring":[]}' ""
	for wrong in "orders@2025" "@2025-03-01 x" "orders@ fixed" "--list --accept orders" "orders fixed --json" "--backup orders/x"; do
		# shellcheck disable=SC2086
		run --separate-stderr pitr restore $wrong
		printf '%s: %s\n' "$wrong" "$stderr"
		[ "$status" -eq 2 ]
	done
	is "$(pitr list-tables | jq -c .TableNames)" '["orders"]'
}

@test "restore: a table that was deleted, as it was before its end" {
	make_history
	clock 2025-03-01T12:10:00
	pitr delete-table --table-name orders >/dev/null
	clock 2025-03-01T12:20:00
	pitr restore orders@2025-03-01T12:02:30 back
	is "$(value back/a) $(value back/b)" "2 2"
}

@test "restore: a copy that is in progress is listed, told by status, and can be accepted" {
	require_fuse
	make_history
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	mkdir "$MNT/restore/part"
	cp "$MNT/orders/@2025-03-01T12:02:30/.table.json" "$MNT/restore/part/"
	cp "$MNT/orders/@2025-03-01T12:02:30/b.json" "$MNT/restore/part/"
	eventually one_of_two
	is "$(pitr restore --list --json | jq -c '.restoring[0] | [.name, .source, .at]')" \
		'["part","orders","2025-03-01T12:02:30Z"]'
	pitr restore --list | grep -q '^part  *orders  *2025-03-01T12:02:30  *1  *2 '
	pitr status | grep -q '^part .*being restored: 1 of 2$'
	pitr restore --accept part
	is "$(pitr restore --list --json)" '{"restoring":[]}'
	is "$(value part/a) $(value part/b)" "- 2"
	pitr_umount
}

one_of_two() {
	is "$(pitr status --json | jq -c '.tables[] | select(.name == "part") | .restore | [.items, .expected]')" '[1,2]'
}

# --- backup ----------------------------------------------------------------------------------------------------------

@test "backup: made of now or of an instant, listed, restored, deleted" {
	make_history
	arn=$(pitr backup create orders pre-release)
	[[ "$arn" == arn:aws:dynamodb:*:table/orders/backup/017*-* ]]
	pitr backup create orders@2025-03-01T12:01:30 early >/dev/null
	is "$(pitr backup list --json | jq -c '.backups[] | [.table, .name, .type, .items]')" \
		'["orders","early","USER",1]
["orders","pre-release","USER",1]'
	pitr backup list orders | grep -q '^orders  *early  *2025-03-01T12:01:30  *1  .*it is deleted$'
	run --separate-stderr pitr backup list nothing
	expect 0 "" "no backups"

	pitr restore --backup orders/early one
	is "$(value one/a)" 1
	pitr restore --backup "$arn" two
	is "$(value two/a) $(value two/b)" "- 2"

	pitr backup delete orders/early
	pitr backup delete "$arn"
	is "$(pitr backup list --json)" '{"backups":[]}'
	run --separate-stderr pitr backup delete orders/early
	expect 1 "" "pitr: there is no backup orders/early; \`pitr backup list\` names those there are"
	run --separate-stderr pitr restore --backup early three
	expect 1 "" "pitr: early does not name a backup: write TABLE/NAME, or its ARN"
	for wrong in "" "frob" "create orders" "create orders x y" "delete" "list a b"; do
		# shellcheck disable=SC2086
		run --separate-stderr pitr backup $wrong
		[ "$status" -eq 2 ]
	done
}

@test "backup: one and the same name twice, and the system's of a deleted table" {
	make_history
	pitr backup create orders same >/dev/null
	clock 2025-03-01T12:05:00
	put c 3
	pitr backup create orders same >/dev/null
	pitr delete-table --table-name orders >/dev/null
	pitr backup list --json >json
	is "$(jq -r '.backups[] | select(.type == "USER") | .name' json | sort | sed 's/~.*/~ID/')" $'same\nsame~ID'
	is "$(jq -c '.backups[] | select(.type == "SYSTEM") | [.name, .expires[:19], .isTableDeleted]' json)" \
		'["orders$DeletedTableBackup","2025-04-05T12:05:00",true]'
	pitr restore --backup orders/same newest
	is "$(value newest/c)" 3
	pitr restore --backup "orders/$(jq -r '.backups[] | .name | select(contains("~"))' json)" older
	is "$(value older/b) $(value older/c)" "2 -"
	# shellcheck disable=SC2016
	pitr restore --backup 'orders/orders$DeletedTableBackup' last
	is "$(value last/c)" 3
	# shellcheck disable=SC2016
	run --separate-stderr pitr backup delete 'orders/orders$DeletedTableBackup'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"not allowed to delete the system backup"* ]]
}

# --- hold ------------------------------------------------------------------------------------------------------------

@test "hold: added, listed, released; a held table can't be deleted" {
	make_history
	pitr hold add orders@2025-03-01T12:01:30 --name q1 --reason 'the auditor' --until 90d
	PITR_REASON=case-4711 pitr hold add orders --name legal --reason 'case "4711"'
	pitr hold list --json >json
	is "$(jq -c '.holds | sort_by(.name) | .[] | [.name, .table, .isWholeTable, .at, .until, .reason]' json)" \
		'["legal","orders",true,null,null,"case \"4711\""]
["q1","orders",false,"2025-03-01T12:01:30Z","2025-05-30T12:03:00Z","the auditor"]'
	is "$(jq -r '.holds[] | select(.name == "legal") | .author.reason' json)" case-4711
	pitr hold list >text
	grep -q '^q1  *orders  *at  *2025-03-01T12:01:30  *2025-05-30T12:03:00  *the auditor$' text
	grep -q '^legal .* it is released  *case "4711"$' text
	run --separate-stderr pitr delete-table --table-name orders
	[ "$status" -eq 1 ]
	[[ "$stderr" == *legal* || "$stderr" == *q1* ]]
	pitr hold release legal
	pitr hold release q1
	pitr delete-table --table-name orders >/dev/null
	run --separate-stderr pitr hold list
	expect 0 "" "no holds"
}

@test "hold: what is refused" {
	pitr hold add orders --name one --reason r
	run --separate-stderr pitr hold add orders --name one --reason r
	expect 1 "" "pitr: there is a hold named one already; release it first"
	run --separate-stderr pitr hold add orders --name two --reason r --until 2025-02-28
	expect 1 "" "pitr: the hold two would have ended already"
	run --separate-stderr pitr hold add nothing --name two --reason r
	expect 1 "" "pitr: there is no table nothing; \`pitr list-tables\` names those there are"
	run --separate-stderr pitr hold release two
	[ "$status" -eq 1 ]
	for wrong in "" "frob" "add" "add orders --name x" "add orders --reason x" "release" "list x" \
		"add orders --name x --reason y --until nonsense" "add orders --name x --reason y --until -5m"; do
		# shellcheck disable=SC2086
		run --separate-stderr pitr hold $wrong
		printf '%s: %s\n' "$wrong" "$stderr"
		[ "$status" -eq 2 ]
	done
	is "$(pitr hold list --json | jq -c '[.holds[].name]')" '["one"]'
}

# --- settings --------------------------------------------------------------------------------------------------------

# recovery_of TABLE: what status tells of its settings.
recovery_of() {
	pitr status --json | jq -c --arg name "$1" '.tables[] | select(.name == $name) | [.pointInTimeRecovery, .periodDays]'
}

@test "settings: what tables get that are made from now on" {
	is "$(pitr settings --json)" '{"pointInTimeRecovery":true,"periodDays":35}'
	pitr settings --pitr 7 | grep -q '^pitr  on, 7 days '
	pitr restore orders week
	is "$(recovery_of week)" '[true,7]'
	pitr settings --pitr off | grep -q '^pitr  off '
	pitr restore orders none
	is "$(recovery_of none)" '[false,null]'
	pitr settings --pitr on | grep -q '^pitr  on, 7 days '
	pitr settings --pitr forever | grep -q '^pitr  on, forever '
	is "$(pitr settings --json)" '{"pointInTimeRecovery":true,"forever":true}'
	pitr restore orders ever
	is "$(recovery_of ever)" '[true,null]'
	is "$(recovery_of orders)" '[true,35]'
	for wrong in "--pitr 0" "--pitr 36" "--pitr 7d" "--pitr=" "x"; do
		# shellcheck disable=SC2086
		run --separate-stderr pitr settings $wrong
		[ "$status" -eq 2 ]
	done
}

# --- du --------------------------------------------------------------------------------------------------------------

@test "du: living, past and pinned bytes, and dollars" {
	make_history
	pitr backup create orders pre >/dev/null
	pitr restore orders@2025-03-01T12:02:30 fixed
	pitr du --json >json
	is "$(jq -c '.tables[] | [.name, .items, .itemBytes, .versions, .lives, .backups, .holds, .restoredTables]' json)" \
		'["fixed",2,12,0,0,0,0,0]
["orders",1,6,4,2,1,0,1]'
	jq -e '.tables[1] | .liveBytes > 0 and .historyBytes > .liveBytes and .pinnedBytes == 0' json
	jq -e '(.tables | map(.liveBytes) | add) == .total.liveBytes and .fileBytes >= .usedBytes' json
	jq -e '.tables[1].dynamodbDollarsPerMonth | .storage > 0 and .backups > 0 or .total == 0' json
	pitr du >text
	grep -q '^orders  *1  *6 B ' text
	grep -q '^total  *3  *18 B ' text
	is "$(pitr du orders | grep -c '^total')" 0
	run --separate-stderr pitr du nothing
	expect 1 "" "pitr: there is no table nothing; \`pitr list-tables\` names those there are"

	clock 2025-04-20T12:00:00
	put b 3
	jq -e '.tables[1].pinnedBytes > 0' <(pitr du --json)
	pitr delete-table --table-name orders >/dev/null
	is "$(pitr du --json | jq -c '.tables[] | [.name, .isDeleted, .items, .liveBytes]' | tail -1)" '["orders",true,0,0]'
	pitr du | grep -q '^orders  *0 .* deleted$'
}

# --- gc --------------------------------------------------------------------------------------------------------------

@test "gc: forgets what has left the window, and nothing that a hold needs" {
	make_history
	pitr hold add orders@2025-03-01T12:01:30 --name q1 --reason r
	clock 2025-04-20T12:00:00
	put b 3
	pitr gc --dry-run --json >foreseen
	is "$(pitr gc --dry-run --table orders --json)" "$(cat foreseen)"
	is "$(jq -c '[.isDryRun, .versions > 0, .bytes > 0]' foreseen)" '[true,true,true]'
	before=$(pitr du orders --json | jq .tables[0].versions)
	pitr gc --json >collected
	is "$(jq -c .isDryRun collected)" false
	after=$(pitr du orders --json | jq .tables[0].versions)
	[ "$after" -lt "$before" ]
	is "$(jq .versions foreseen)" "$((before - after))"
	is "$(value orders/a --at 2025-03-01T12:01:30) $(value orders/b)" "1 3"
	run --separate-stderr pitr get orders/b --at 2025-03-01T12:02:30
	[ "$status" -eq 1 ]
	is "$(pitr gc --json | jq -c '[.versions, .bytes]')" '[0,0]'
	pitr hold release q1
	pitr gc | grep -q '^forgot: '
	run --separate-stderr pitr get orders/a --at 2025-03-01T12:01:30
	[ "$status" -eq 1 ]
	run --separate-stderr pitr gc --table orders
	[ "$status" -eq 2 ]
}
