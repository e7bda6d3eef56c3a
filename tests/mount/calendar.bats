#!/usr/bin/env bats
# The calendar in @/: days, hours and seconds with changes, of a table and of the whole store.

bats_require_minimum_version 1.5.0
load ../support/mount

NOON=1740830400 # 2025-03-01T12:00:00Z

# now SECONDS: moves the clock of the mount and of the command line there. What was closed has its time before.
now() {
	sync "$MNT"
	echo "$1" | sed 's/\.\|$/000000/; s/^\(.*\)000000\([0-9]\{6\}\)$/\1\2/' >"$WORK/clock"
}

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo ${NOON}000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	pitr_mount -o "clock_file=$WORK/clock"
	cd "$MNT" || return
	mkdir orders users
}

teardown() {
	cd /
	pitr_teardown
}

# Three days, two of them with two hours or more.
change_things() {
	now $((NOON + 1800))
	echo '{"total":1}' >orders/1.json
	now $((NOON + 1805))
	echo '{"total":2}' >orders/1.json
	now $((NOON + 3 * 3600))
	echo '{"total":3}' >orders/1.json
	echo '{}' >users/ann.json
	now $((NOON + 2 * 86400))
	echo '{"total":4}' >orders/1.json
	now $((NOON + 3 * 86400))
	echo '{}' >users/bob.json
	now $((NOON + 4 * 86400))
}

# mount_reader: the store a second time, read-only, at $WORK/reader.
mount_reader() {
	mkdir "$WORK/reader"
	cd /
	pitr_mount_at "$STORE" "$WORK/reader" -o "ro,clock_file=$WORK/clock"
	cd "$MNT" || return
}

listed() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ]
}

# The calendar's part of a "@".
days() {
	[ "$(find "$1" -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort | tr '\n' ' ')" = "$2" ]
}

# stands PATH: something whose name begins so is listed.
stands() {
	find "${1%/*}" -maxdepth 1 -name "${1##*/}*" | grep -q .
}

at() {
	[ "$(TZ=UTC stat -c %y "$1")" = "$2 +0000" ]
}

@test "a table's days, hours and instants are those with changes" {
	local name hour=orders/@/2025-03-01/12
	days orders/@ ''
	change_things
	days orders/@ '2025-03-01 2025-03-03 '
	listed orders/@/2025-03-01 '12 15 '
	listed $hour '@2025-03-01T12:30:00 @2025-03-01T12:30:05 '
	listed orders/@/2025-03-03/12 '@2025-03-03T12:00:00 '
	days users/@ '2025-03-01 2025-03-04 '
	[ "$(jq .total $hour/@2025-03-01T12:30:00/1.json)" = 1 ]
	[ "$(jq .total $hour/@2025-03-01T12:30:05/1.json)" = 2 ]
	at orders/@ '2025-03-03 12:00:00.000000000'
	at orders/@/2025-03-01 '2025-03-01 15:00:00.000000000'
	at $hour '2025-03-01 12:30:05.000000000'
	at $hour/@2025-03-01T12:30:00 '2025-03-01 12:30:00.000000000'
	# Any instant of the hour is found, in any form, and no other.
	[ "$(jq .total $hour/@2025-03-01T12:30:04.999999/1.json)" = 1 ]
	[ "$(jq .total $hour/@20250301T124500Z/1.json)" = 2 ]
	listed $hour/@2025-03-01T12:00 ''
	for name in $hour/@2025-03-01T13:00 $hour/@2025-03-01T11:59:59 $hour/@-1m $hour/@latest $hour/@seq-1 $hour/x \
		orders/@/2025-03-02 orders/@/2025-3-1 orders/@/20250301 orders/@/2025-03-01/13 orders/@/2025-03-01/1x \
		orders/@/2025-03-01/24 orders/@/2025-03-01/@2025-03-01 users/@/2025-03-01/12; do
		absent "$name"
	done
	jq -r .path .pitr/errors.jsonl | grep -Fqx "$hour/@2025-03-01T11:59:59"
	[ "$(find orders/@/20* -mindepth 1 -maxdepth 2 -type d -printf '%i\n' | sort -u | wc -l)" -eq 7 ]
	for name in orders/@ orders/@/2025-03-01 $hour; do
		refused 'Read-only file system' mkdir "$name/more"
		refused 'Read-only file system' touch "$name/more"
	done
	refused 'Read-only file system' rmdir orders/@/2025-03-01
	refused 'Read-only file system' rmdir $hour
	refused 'Read-only file system' rmdir $hour/@2025-03-01T12:30:00
}

@test "the root's calendar is that of all tables, dropped ones too, and leads to the whole store" {
	local hour
	change_things
	rm -r users
	days @ '2025-03-01 2025-03-03 2025-03-04 2025-03-05 '
	listed @/2025-03-01 '12 15 '
	# Both changes were made in one second.
	[ "$(ls @/2025-03-01/15 | wc -l)" -eq 1 ]
	hour=$(echo @/2025-03-01/15/@2025-03-01T15:00:00*)
	listed "$hour" 'orders users '
	[ "$(jq .total "$hour/orders/1.json")" = 3 ]
	listed "$hour/users" 'ann.json '
	absent @/2025-03-01/15/@2025-03-01T14:59:59
	diff -r @/2025-03-01/15/@2025-03-01T15:01 @2025-03-01T15:01
}

@test "times are UTC, whatever forms without a zone mean elsewhere" {
	change_things
	cd /
	pitr_umount
	pitr_mount -o "clock_file=$WORK/clock,tz=Asia/Tokyo"
	cd "$MNT"
	days orders/@ '2025-03-01 2025-03-03 '
	listed orders/@/2025-03-01 '12 15 '
	[ "$(jq .total orders/@/2025-03-01/12/@2025-03-01T12:30:00/1.json)" = 1 ]
	[ "$(jq .total orders/@2025-03-01T21:30:00/1.json)" = 1 ]
}

@test "what changes now stands there at once, in every mount" {
	mount_reader
	for at in "$NOON" $((NOON + 1)) $((NOON + 3600)) $((NOON + 86400)); do
		now "$at"
		echo "{\"total\":$at}" >orders/1.json
		name=$(date -u -d "@$at" +%Y-%m-%d/%H/@%Y-%m-%dT%H:%M:)
		stands "orders/@/$name"
		stands "@/$name"
		eventually -t 1 stands "$WORK/reader/orders/@/$name"
		eventually -t 1 stands "$WORK/reader/@/$name"
	done
	days "$WORK/reader/orders/@" '2025-03-01 2025-03-02 '
}

@test "what is forgotten leaves it" {
	change_things
	mount_reader
	days "$WORK/reader/orders/@" '2025-03-01 2025-03-03 '
	pitr update-continuous-backups --table-name orders \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=3 >/dev/null
	days orders/@ '2025-03-03 '
	absent orders/@/2025-03-01
	absent orders/@/2025-03-01/12/@2025-03-01T12:30:00
	eventually -t 1 days "$WORK/reader/orders/@" '2025-03-03 '
}

@test "an instant of it is restored by cp and by ln" {
	local instant=orders/@/2025-03-01/12/@2025-03-01T12:30:00
	change_things
	cp -r $instant restore/copied
	ln -s ../$instant restore/linked
	cp $instant/1.json orders/
	[ "$(jq .total orders/1.json)" = 1 ]
	for table in copied linked; do
		eventually listed $table '1.json '
		[ "$(jq .total $table/1.json)" = 1 ]
	done
	refused 'Invalid argument' ln -s ../orders/@/2025-03-01/12 restore/wrong
	tail -n 1 .pitr/errors.jsonl | jq -r .message | grep -q 'one whole table'
}

# change SECONDS N: a Streams record.
change() {
	printf '{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"n":{"N":"%s"}},"SequenceNumber":"%s"}}\n' "$1" "$2" "$1"
}

@test "a day that was imported between others is listed, also by who has listed before" {
	change 1738404000 1 | pitr import --table first - 2>/dev/null
	echo '{}' >orders/1.json
	sync orders
	mount_reader
	days "$WORK/reader/@" '2025-02-01 2025-03-01 '
	change 1739181600 1 | pitr import --table second - 2>/dev/null
	# Both early notices can cross a listing under way: then the one a second later mends it.
	eventually -t 3 days "$WORK/reader/@" '2025-02-01 2025-02-10 2025-03-01 '
	[ "$(jq .n "$WORK"/reader/@/2025-02-10/10/@*/second/a.json)" = 1 ]
}

@test "an hour of many seconds is listed in pieces, each instant once" {
	local hour=records/@/2025-02-01/10
	for i in {0..299}; do
		change $((1738404000 + i)) "$i"
	done | pitr import --table records - 2>/dev/null
	eventually test -d records
	ls -U $hour >"$WORK/listed"
	sort -c "$WORK/listed"
	[ "$(uniq "$WORK/listed" | wc -l)" -eq 300 ]
	[ "$(ls -l $hour | tail -n 1 | sed 's/.*@//')" = 2025-02-01T10:04:59 ]
	[ "$(jq .n $hour/@2025-02-01T10:04:10/a.json)" = 250 ]
	[ "$(find $hour -maxdepth 1 -newermt '2025-02-01 10:04:49 UTC' | wc -l)" -eq 11 ]
}
