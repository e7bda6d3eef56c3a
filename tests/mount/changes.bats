#!/usr/bin/env bats
# @/changes: the change log by the hour, of a table and of the whole store, read in any way a file can be read.

bats_require_minimum_version 1.5.0
load ../support/mount

DAY=86400
NOON=1740830400 # 2025-03-01T12:00:00Z

# now SECONDS: moves the clock of the mounts and of the command line there. What was closed has its time before.
now() {
	sync "$MNT"
	echo "$1"000000 >"$WORK/clock"
}

setup() {
	FOLLOWERS=()
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo ${NOON}000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	pitr_mount -o "clock_file=$WORK/clock"
	mkdir "$MNT/orders" "$MNT/users"
	cd "$MNT" || return
}

teardown() {
	cd /
	exec 5<&- 6<&- 7<&-
	if [ ${#FOLLOWERS[@]} -gt 0 ]; then
		kill "${FOLLOWERS[@]}" || true
		wait "${FOLLOWERS[@]}" || true
	fi
	pitr_teardown
}

# mount_read_only STORE: a second time, or another one, at $WORK/ro.
mount_read_only() {
	mkdir "$WORK/ro"
	cd /
	pitr_mount_at "$1" "$WORK/ro" -o "ro,clock_file=$WORK/clock"
	cd "$MNT" || return
}

# Changes in three hours, in both tables, several at a time.
change_things() {
	for id in 1 2 3 4 5 6; do
		echo "{\"total\":$id,\"text\":\"$(printf '%*s' $((id * 40)) x)\"}" >orders/$id.json
		echo '{}' >users/$id.json
	done
	now $((NOON + 3700))
	echo '{"total":10}' >orders/1.json
	rm users/1.json orders/2.json
	now $((NOON + 3 * 3600))
	echo '{"total":11}' >orders/1.json
	sync "$MNT"
}

stands() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ]
}

# read_in_pieces FILE: however it is read, it is the same bytes.
read_in_pieces() {
	local whole=$WORK/whole size block
	cat "$1" >"$whole"
	size=$(stat -c %s "$1")
	[ "$(wc -c <"$whole")" = "$size" ]
	for block in 509 4097 $((size - 1)); do
		dd if="$1" bs="$block" status=none | cmp - "$whole"
	done
	for block in 1 $((size / 2)) $((size - 1)); do
		tail -c "$block" "$1" | cmp - <(tail -c "$block" "$whole")
		dd if="$1" bs=13 count=5 iflag=skip_bytes skip="$block" status=none |
			cmp - <(tail -c +$((block + 1)) "$whole" | head -c 65)
	done
	cmp <(tail -n 5 "$1") <(tail -n 5 "$whole")
	[ "$(grep -c . "$1")" = "$(wc -l <"$whole")" ]
	cp "$1" "$WORK/copy"
	cmp "$WORK/copy" "$whole"
	jq -e . "$whole" >/dev/null
}

@test "each hour with changes is a file of records, of a table and of all tables by time" {
	stands orders/@/changes ''
	stands @/changes ''
	change_things
	stands orders/@/changes '2025-03-01T12.jsonl 2025-03-01T13.jsonl 2025-03-01T15.jsonl '
	stands users/@/changes '2025-03-01T12.jsonl 2025-03-01T13.jsonl '
	stands @/changes '2025-03-01T12.jsonl 2025-03-01T13.jsonl 2025-03-01T15.jsonl '
	for name in 2025-03-01T14.jsonl 2025-03-01T12 2025-03-01T12.json 2025-03-01T1.jsonl 2025-03-01T24.jsonl 2025-03-01t12.jsonl; do
		[ ! -e "orders/@/changes/$name" ]
	done
	[ "$(jq -c '[.eventName, .dynamodb.Keys.id.S, .dynamodb.OldImage.total.N, .dynamodb.NewImage.total.N]' \
		orders/@/changes/2025-03-01T13.jsonl)" = '["MODIFY","1","1","10"]
["REMOVE","2","2",null]' ]
	[ "$(jq -r '.author.process' orders/@/changes/2025-03-01T13.jsonl | tail -n 1)" = rm ]
	[ "$(stat -c %Y orders/@/changes/2025-03-01T13.jsonl)" = $((NOON + 3700)) ]
	[ "$(jq -s 'map(.dynamodb.ApproximateCreationDateTime) | . == sort' @/changes/2025-03-01T12.jsonl)" = true ]
	for hour in 12 13 15; do
		sort @/changes/2025-03-01T$hour.jsonl |
			cmp - <(cat {orders,users}/@/changes/2025-03-01T$hour.jsonl 2>/dev/null | sort)
	done
	run cp /etc/hostname orders/@/changes/2025-03-01T12.jsonl
	[ "$status" -eq 1 ]
}

@test "sizes are true, and any piece is the piece of the whole" {
	change_things
	mount_read_only "$STORE"
	for mount in "$MNT" "$WORK/ro"; do
		for file in "$mount"/orders/@/changes/2025-03-01T12.jsonl "$mount"/@/changes/2025-03-01T1[25].jsonl; do
			read_in_pieces "$file"
		done
	done
	rmdir users 2>/dev/null || rm -r users
	sync "$MNT"
	grep -q '"id":{"S":"6"}.*table/users/' @/changes/2025-03-01T12.jsonl
}

# follows FILE: what tail has followed is what it is.
follows() {
	cmp "$WORK/followed-$1" "$MNT/orders/@/changes/2025-03-01T12.jsonl"
}

@test "the file of the hour grows under those who follow it" {
	echo '{"total":1}' >orders/1.json
	sync "$MNT"
	mount_read_only "$STORE"
	for mount in mnt ro; do
		tail -c +1 -s 0.05 -f "$WORK/$mount/orders/@/changes/2025-03-01T12.jsonl" >"$WORK/followed-$mount" 3>&- &
		FOLLOWERS+=($!)
	done
	for total in 2 3 4; do
		eventually follows mnt
		eventually follows ro
		echo "{\"total\":$total}" >orders/1.json
		sync "$MNT"
		size=$(stat -c %s orders/@/changes/2025-03-01T12.jsonl)
		sleep 0.1
		[ "$(stat -c %s orders/@/changes/2025-03-01T12.jsonl)" -ge "$size" ]
		for mount in mnt ro; do
			file=$WORK/$mount/orders/@/changes/2025-03-01T12.jsonl
			[ "$(stat -c %s "$file")" = "$(wc -c <"$file")" ]
			[ "$(tail -n 1 "$file" | jq -r .dynamodb.NewImage.total.N)" = $total ]
		done
		pitr put orders <<<"{\"id\":\"p\",\"total\":$total}" >/dev/null
		sleep 0.1
		for mount in mnt ro; do
			[ "$(wc -l <"$WORK/$mount/orders/@/changes/2025-03-01T12.jsonl")" = $((total * 2 - 1)) ]
			[ "$(wc -l <"$WORK/$mount/@/changes/2025-03-01T12.jsonl")" = $((total * 2 - 1)) ]
		done
	done
	eventually follows mnt
	eventually follows ro
}

@test "an hour whose beginning leaves the window is another file, and its old readers are told" {
	jq '.PointInTimeRecoveryDescription.RecoveryPeriodInDays = 1' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	for id in 1 2 3 4 5; do
		now $((NOON + id * 60))
		echo "{\"total\":$id}" >orders/$id.json
	done
	now $((NOON + 7200))
	echo '{}' >orders/6.json
	sync "$MNT"
	mount_read_only "$STORE"
	# A piece of it is in the kernel's cache already.
	for mount in mnt ro; do
		file=$WORK/$mount/orders/@/changes/2025-03-01T12.jsonl
		[ "$(wc -l <"$file")" = 5 ]
	done
	exec 5<orders/@/changes/2025-03-01T12.jsonl
	now $((NOON + DAY + 150))
	# Each of these fails, or is read anew; what comes is never a part of a line.
	sleep 0.1
	for mount in mnt ro; do
		file=$WORK/$mount/orders/@/changes/2025-03-01T12.jsonl
		eventually three_lines "$file"
		[ "$(stat -c %s "$file")" = "$(wc -c <"$file")" ]
	done
	exec 6<orders/@/changes/2025-03-01T12.jsonl 7<"$WORK/ro/orders/@/changes/2025-03-01T12.jsonl"
	head -c 100 <&6 >/dev/null
	head -c 100 <&7 >/dev/null
	now $((NOON + DAY + 200))
	sleep 0.1
	stale 6
	exec 5<&- 6<&- 7<&-
	eventually two_lines orders/@/changes/2025-03-01T12.jsonl
	now $((NOON + DAY + 4000))
	eventually stands orders/@/changes '2025-03-01T14.jsonl '
	[ ! -e orders/@/changes/2025-03-01T12.jsonl ]
}

three_lines() {
	[ "$(jq -c .dynamodb.NewImage.total.N "$1" | tr -d '\n')" = '"3""4""5"' ]
}

two_lines() {
	[ "$(jq -c .dynamodb.NewImage.total.N "$1" | tr -d '\n')" = '"4""5"' ]
}

# stale DESCRIPTOR: reading it fails, and says why.
stale() {
	local output
	if output=$(cat <&"$1" 2>&1); then
		printf 'was read: %s\n' "$output"
		return 1
	fi
	[[ $output == *'Stale file handle'* ]]
}

@test "what is read there can be imported, and is the same table" {
	change_things
	sync "$MNT"
	cat orders/@/changes/*.jsonl >"$WORK/all"
	pitr_store "$WORK/other"
	"$PITR" --store "$WORK/other" import --table orders "$WORK/all" 2>/dev/null
	cmp <(pitr scan --table-name orders | jq -Sc '.Items | sort') \
		<("$PITR" --store "$WORK/other" scan --table-name orders | jq -Sc '.Items | sort')
	mount_read_only "$WORK/other"
	cmp <(cat "$WORK"/ro/orders/@/changes/*.jsonl | jq -Sc .dynamodb) <(jq -Sc .dynamodb "$WORK/all")
}

@test "who reads an hour of the store while a past is imported into it is told" {
	change_things
	exec 5<@/changes/2025-03-01T12.jsonl 6<orders/@/changes/2025-03-01T12.jsonl
	head -c 100 <&5 >/dev/null
	head -c 100 <&6 >/dev/null
	printf '{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}},"SequenceNumber":"1"}}\n' \
		$((NOON + 1)) | pitr import --table older - 2>/dev/null
	stale 5
	cat <&6 >/dev/null
	jq -e . @/changes/2025-03-01T12.jsonl | grep -q table/older/
}
