#!/usr/bin/env bats
# How many messages restoring by copying costs: none of them carries data.

bats_require_minimum_version 1.5.0
load ../support/mount

ITEMS=1000

setup() {
	pitr_setup
	seq 1 $ITEMS | sed 's/.*/{"id":"&","customer":"c&","total":&,"note":"nothing to be said about this one"}/' |
		pitr import --table orders --key id - 2>/dev/null
	pitr_mount -o "count_file=$WORK/counts"
	cd "$MNT" || return
	ls -l orders/@seq-$ITEMS >/dev/null
	count_messages
}

teardown() {
	cd /
	pitr_teardown
}

# at_most [KIND N]...: what came in since the last count; anything not named at most 60 times, a second of looking
# restore/ up again and again.
at_most() {
	messages_at_most 60 "$@"
}

carries_no_data() {
	jq -e '(.READ // 0) == 0 and (.WRITE // 0) == 0' "$WORK/since" >/dev/null
}

@test "restoring by cp costs seven messages an item, and carries no data" {
	cp -r orders/@seq-$ITEMS restore/fixed
	at_most LOOKUP $ITEMS CREATE $ITEMS OPEN $ITEMS COPY_FILE_RANGE $ITEMS FLUSH $ITEMS RELEASE $((2 * ITEMS)) FORGET $ITEMS
	carries_no_data
	diff -r -x .table.json orders/@seq-$ITEMS fixed
}

@test "copying items back into the table carries no data either" {
	mkdir more
	cp orders/@seq-$ITEMS/*.json more/
	at_most LOOKUP $((4 * ITEMS)) CREATE $ITEMS OPEN $ITEMS COPY_FILE_RANGE $ITEMS FLUSH $ITEMS RELEASE $((2 * ITEMS)) \
		FORGET $((2 * ITEMS)) GETATTR $ITEMS
	carries_no_data
	diff -r -x .table.json orders/@seq-$ITEMS more
	count_messages
	cp orders/@seq-$ITEMS/*.json more/
	count_messages
	jq -c . "$WORK/since"
	carries_no_data
	[ "$(pitr status --json | jq '.tables[] | select(.name == "more") | .changes')" -eq $ITEMS ]
}

@test "restoring by a link costs a handful of messages" {
	ln -s ../orders/@seq-$ITEMS restore/fixed
	at_most
	jq -e '[.[]] | add < 30' "$WORK/since" >/dev/null
	carries_no_data
	diff -r -x .table.json orders/@seq-$ITEMS fixed
}
