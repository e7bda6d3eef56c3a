#!/usr/bin/env bats
# -o asof=T: the whole mount is the store at one instant, for tools that know nothing of "@".

bats_require_minimum_version 1.5.0
load ../support/mount

NOON=1740830400 # 2025-03-01T12:00:00Z
DAY=86400

now() {
	sync "$MNT"
	echo "$1"000000 >"$WORK/clock"
}

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo ${NOON}000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	EVIDENCE=$WORK/evidence
	mkdir "$EVIDENCE"
	pitr_mount -o "clock_file=$WORK/clock"
	cd "$MNT" || return
	mkdir orders dropped
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	for id in {1..40}; do
		echo "{\"total\":$id}" >orders/$id.json
	done
	mkdir visits/ann
	echo '{"x":1}' >visits/ann/17.json
	echo '{}' >dropped/a.json
	now $((NOON + 1800))
	rm -r dropped visits/ann
	echo '{"total":100}' >orders/1.json
	rm orders/2.json
	mkdir later
	now $((NOON + 3600))
}

teardown() {
	cd /
	pitr_teardown
}

# evidence T [OPTION...]: mounts the store as of T.
evidence() {
	local instant=$1
	shift
	cd /
	pitr_mount_at "$STORE" "$EVIDENCE" -o "asof=$instant,clock_file=$WORK/clock" "$@"
	cd "$MNT" || return
}

# not_mounted TEXT T: it says why.
not_mounted() {
	refused "$1" "$PITRFS" "$STORE" "$EVIDENCE" -f -o "asof=$2,clock_file=$WORK/clock"
}

listed() {
	[ "$(ls -A "$1" | tr '\n' ' ')" = "$2" ]
}

@test "it is what the store shows at that instant, and nothing besides" {
	local name
	evidence 2025-03-01T12:15
	diff -r "$EVIDENCE" @2025-03-01T12:15
	listed "$EVIDENCE" 'dropped orders visits '
	[ "$(jq .total "$EVIDENCE/orders/1.json")" = 1 ]
	[ "$(jq .x "$EVIDENCE/visits/ann/17.json")" = 1 ]
	for name in '@' @latest @2025-03-01 .pitr restore orders/@ orders/@latest orders/1.json@-1m later; do
		absent "$EVIDENCE/$name"
	done
	[ "$(stat -c %a "$EVIDENCE" "$EVIDENCE/orders" "$EVIDENCE/orders/1.json" | tr '\n' ' ')" = '500 500 400 ' ]
	[ "$(stat -c %Y "$EVIDENCE")" -eq $((NOON + 900)) ]
	for name in "$EVIDENCE/x" "$EVIDENCE/orders/1.json" "$EVIDENCE/orders/x"; do
		refused 'Read-only file system' touch "$name"
	done
	# Nothing that is done later is seen there.
	echo '{"total":7}' >orders/1.json
	rm -r visits
	mkdir more
	sync .
	listed "$EVIDENCE" 'dropped orders visits '
	[ "$(jq .total "$EVIDENCE/orders/1.json")" = 1 ]
	diff -r "$EVIDENCE" @2025-03-01T12:15
	grep -q " $EVIDENCE ro,.* $STORE@2025-03-01T12:15:00Z " /proc/self/mountinfo
	pitr status | grep -qF "$EVIDENCE  as of 2025-03-01T12:15:00Z"
}

@test "every form of an instant is found once, and refused with the reason when there is nothing" {
	local form
	for form in -45m @20250301T121500Z 1740831300 2025-03-01T13:15+01:00; do
		evidence "$form"
		[ "$(stat -c %Y "$EVIDENCE")" -eq $((NOON + 900)) ]
		pitr_umount "$EVIDENCE"
	done
	evidence latest
	listed "$EVIDENCE" 'later orders visits '
	echo '{"total":9}' >orders/1.json
	sync .
	sleep 0.1
	[ "$(jq .total "$EVIDENCE/orders/1.json")" = 100 ]
	pitr_umount "$EVIDENCE"
	not_mounted 'first can be from 2025-03-01T12:00:00' 2025-02-01
	not_mounted 'in the future' 2030-01-01
	not_mounted 'cannot read' yesterday
	not_mounted 'belong to tables' seq-1
	refused 'asof needs a value' "$PITRFS" "$STORE" "$EVIDENCE" -o asof
	for form in 1,ro bogus seq-1; do
		run -2 pitr mount "$WORK/new" --asof "$form"
		absent "$WORK/new"
	done
}

@test "reading costs one message a file, and nothing the second time" {
	evidence 2025-03-01T12:15 -o "count_file=$WORK/counts"
	count_messages
	[ "$(grep -r total "$EVIDENCE" | wc -l)" -eq 40 ]
	messages_at_most 12 READ 46
	[ "$(grep -r total "$EVIDENCE" | wc -l)" -eq 40 ]
	messages_at_most 4
}

@test "pitr mount makes one, and a store that nobody writes to is not touched" {
	local before
	cd /
	pitr_umount
	chmod -R a-w "$STORE"
	before=$(find "$STORE" -printf '%p %T@ %s\n' | sort)
	evidence 2025-03-01T12:15 -o nolock
	[ "$(find "$EVIDENCE" -name '[0-9]*.json' | wc -l)" -eq 41 ]
	[ "$(cat "$EVIDENCE"/orders/*.json | jq -s 'map(.total) | add')" -eq 820 ]
	pitr_umount "$EVIDENCE"
	[ "$(find "$STORE" -printf '%p %T@ %s\n' | sort)" = "$before" ]
	chmod -R u+w "$STORE"
	pitr mount "$EVIDENCE" --asof 2025-03-01T13:15 --tz +01:00 -o "clock_file=$WORK/clock" 3>&- 4>&-
	listed "$EVIDENCE" 'dropped orders visits '
	pitr umount "$EVIDENCE"
}

@test "tables that keep no history, or forgot it, are missing, and said to be" {
	pitr update-continuous-backups --table-name visits \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=false >/dev/null
	pitr gc >/dev/null
	evidence 2025-03-01T12:15
	grep -q 'not all tables are there' "$MOUNT_LOG"
	grep -q 'visits at 2025-03-01T12:15:00Z: that is before its window' "$MOUNT_LOG"
	listed "$EVIDENCE" 'dropped orders '
	diff -r "$EVIDENCE" @2025-03-01T12:15
	pitr_umount "$EVIDENCE"
	evidence 2025-03-01T12:15
	cat "$EVIDENCE/orders/1.json" >/dev/null
	now $((NOON + 40 * DAY))
	pitr gc >/dev/null
	eventually absent "$EVIDENCE/orders"
	pitr_umount "$EVIDENCE"
	not_mounted 'no table can be seen then' 2025-03-01T12:15
}

@test "a table that was being restored then is not there yet" {
	mkdir restore/half
	cp orders/@2025-03-01T12:15/.table.json restore/half/
	cp orders/@2025-03-01T12:15/1.json restore/half/
	now $((NOON + 5400))
	evidence 2025-03-01T13:15
	listed "$EVIDENCE" 'later orders visits '
	diff -r "$EVIDENCE" @2025-03-01T13:15
}
