#!/usr/bin/env bats
# `pitr drill`: what it tells, and that nothing of it is left, also when it was interrupted. tests/unit/test_drill.c has it find
# restores that are wrong.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	pitr_prepare
	pitr incident | head -1500 | pitr import --table orders -
	printf '{"pk":"x","sk":%d,"n":1}\n' {1..50} | pitr import --table visits --key pk:S,sk:N -
}

setup() {
	pitr_setup_store
	cd "$WORK" || return
}

teardown() {
	pitr_teardown
}

tables() {
	pitr list-tables | jq -c .TableNames
}

@test "all restores are right, and nothing of them is left" {
	run --separate-stderr -0 pitr drill --times 2
	[ "${#lines[@]}" -eq 5 ]
	[[ ${lines[0]} == TABLE*INSTANT*ITEMS*SHARED*COPIED*COMPARED*REPLAYED* ]]
	[ "$(grep -c '^orders .* right$' <<<"$output")" -eq 2 ]
	[ "$(grep -c '^visits .* right$' <<<"$output")" -eq 2 ]
	[ "$(tables)" = '["orders","visits"]' ]
	[ "$(pitr list-backups | jq -c .BackupSummaries)" = '[]' ]
	[ "$(pitr gc --dry-run --json | jq -c '[.versions, .lives, .expired, .deletedTables]')" = '[0,0,0,0]' ]
	[ "$(pitr status --json | jq '.tables[] | select(.name == "orders") | .changes')" -eq 1500 ]
}

@test "tables without history are passed over" {
	pitr update-continuous-backups --table-name visits \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=false >/dev/null
	run --separate-stderr -0 pitr drill --times 1
	[ "${#lines[@]}" -eq 2 ]
	# shellcheck disable=SC2154
	[[ $stderr == *"visits keeps no history"* ]]
	run -1 pitr drill visits
	[[ $output == *"visits keeps no history"* ]]
}

@test "one table, as JSON, the same instants again" {
	pitr drill orders --times 2 --seed 7 --json >first
	pitr drill orders --times 2 --seed 7 --json >second
	[ "$(wc -l <first)" -eq 2 ]
	jq -c '[.table, .instant, .change, .items, .isRight]' first >told
	jq -c '[.table, .instant, .change, .items, .isRight]' second | diff told -
	jq -e '.isRight and .copyUs > 0 and .shareUs > 0 and .replayUs > 0 and .sharedAndCopiedDiffer == 0 and .faults == 0' first
	change=$(head -1 first | jq .change)
	[ "$(pitr scan --table-name orders --at "seq-$change" --select COUNT | jq .Count)" = "$(head -1 first | jq .items)" ]
	run -1 pitr drill nowhere
	run -2 pitr drill --times 0
	run -2 pitr drill --times many
}

# What a drill was killed over. Fails when it was over before.
interrupt() {
	"$PITR" --store "$STORE" drill orders --times 1000 >log 2>&1 3>&- &
	eventually test -e "$STORE/drill.lock"
	eventually has_temporary
	kill -"$1" $!
	wait $! && return 1
	return 0
}
has_temporary() {
	grep -aq drill-orders-share "$STORE/data.mdb" && [ "$(tables)" != '["orders","visits"]' ]
}

@test "an interrupted drill cleans up, and of a killed one the next does, or gc" {
	interrupt INT
	[ "$(tables)" = '["orders","visits"]' ]
	for clean in 'drill visits --times 1' gc; do
		interrupt KILL
		pitr $clean
		[ "$(tables)" = '["orders","visits"]' ]
		[ "$(pitr list-backups | jq -c .BackupSummaries)" = '[]' ]
		[ "$(pitr gc --dry-run --json | jq -c '[.versions, .lives, .deletedTables]')" = '[0,0,0]' ]
	done
}

@test "one drill at a time" {
	exec 8>>"$STORE/drill.lock"
	flock 8
	run -1 pitr drill
	[[ $output == *"another one is running"* ]]
	pitr gc
	flock -u 8
	pitr drill visits --times 1
}
