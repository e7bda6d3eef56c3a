#!/usr/bin/env bats
# What the kernel is given before it asks: of items that change, never anything but the newest.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	pitr_prepare
	seq -f %04g 1 600 | sed 's/.*/{"id":"&","n":1,"note":"nothing to be said"}/' |
		pitr import --table orders --key id - 2>/dev/null
	seq -f %04g 1 300 | sed 's/.*/{"pk":"a","id":"&","n":1}/' |
		pitr import --table visits --key pk,id - 2>/dev/null
	# Versions younger than that are read past the kernel's cache.
	sleep 2
}

setup() {
	pitr_setup
}

teardown() {
	pitr_teardown
}

# begin [OPTION...]: a fresh mount, nothing of it read.
begin() {
	pitr_mount -o "count_file=$WORK/counts" "$@"
	ls -l "$MNT/orders" "$MNT/visits/a" >/dev/null
	count_messages
}

# stored: how many items the kernel has taken since the last count.
stored() {
	count_messages
	jq '.STORED // 0' "$WORK/since"
}

# n ID...: what the mount tells of these orders.
n() {
	local id
	for id in "$@"; do jq .n "$MNT/orders/$id.json"; done | paste -sd' '
}

all_stored() {
	count_messages
	[ "$(jq '.STORED // 0' "$WORK/last")" -ge "$1" ]
}

says() {
	[ "$(jq -r "$1" "$2")" = "$3" ]
}

@test "reading in order stores what comes next, listing and reading here and there nothing" {
	begin -o ro
	find "$MNT" -ls >/dev/null
	n 0500 0100 0420 0333 0017 0555 0250 >/dev/null
	[ "$(stored)" -eq 0 ]
	[ "$(cat "$MNT"/orders/0*.json | jq .n | paste -sd+ | bc)" -eq 600 ]
	[ "$(stored)" -gt 100 ]
}

@test "what the kernel has is not stored again, on a writable mount too" {
	begin
	cat "$MNT"/orders/0*.json >/dev/null
	eventually all_stored 300
	sleep 0.2
	count_messages
	cat "$MNT"/orders/0*.json >/dev/null
	[ "$(stored)" -lt 200 ]
}

@test "what is given to the kernel is what would be read, in both forms and partitions" {
	local form
	for form in plain dynamodb; do
		begin -o "ro,json=$form"
		cat "$MNT"/orders/0*.json "$MNT"/visits/a/*.json "$MNT"/orders/@latest/0*.json >"$WORK/ahead"
		[ "$(stored)" -gt 100 ]
		pitr_umount
		begin -o "ro,json=$form"
		for file in "$MNT"/orders/0*.json "$MNT"/visits/a/*.json "$MNT"/orders/@latest/0*.json; do echo "$file"; done |
			tac | xargs cat | cksum >"$WORK/backwards"
		pitr_umount
		begin -o "ro,json=$form"
		cat "$MNT"/orders/0*.json >/dev/null
		for file in "$MNT"/orders/0*.json "$MNT"/visits/a/*.json "$MNT"/orders/@latest/0*.json; do echo "$file"; done |
			tac | xargs cat | cksum | cmp - "$WORK/backwards"
		pitr_umount
		rm "$WORK/last"
	done
}

@test "what another process changes takes the place of what was stored" {
	local option
	for option in ro rw; do
		begin -o "$option"
		cat "$MNT/orders/0001.json" >/dev/null
		eventually all_stored 100
		echo "{\"n\":\"$option\"}" | pitr put orders/0002
		echo "{\"n\":\"$option\",\"more\":\"$(seq 1 99)\"}" | tr '\n' ' ' | pitr put orders/0003
		pitr rm orders/0004
		eventually says .n "$MNT/orders/0002.json" "$option"
		eventually says .n "$MNT/orders/0003.json" "$option"
		eventually absent "$MNT/orders/0004.json"
		pitr put orders/0004 <<<'{"n":1}'
		eventually says .n "$MNT/orders/0004.json" 1
		pitr_umount
		rm "$WORK/last"
	done
}

@test "what is written here takes the place of what was stored, and what is open for writing is not stored" {
	begin
	# Opened, and cut: until it is closed others see the old version.
	exec 5>"$MNT/orders/0003.json"
	cat "$MNT/orders/0001.json" >/dev/null
	eventually all_stored 100
	[ "$(n 0002 0003 0004)" = "1 1 1" ]
	echo '{"n":5}' >&5
	exec 5>&-
	echo '{"n":6,"note":"longer than what was stored before, which ends earlier"}' >"$MNT/orders/0002.json"
	echo '{"n":7}' >"$MNT/orders/new" && mv "$MNT/orders/new" "$MNT/orders/0004.json"
	[ "$(n 0002 0003 0004)" = "6 5 7" ]
	rm "$MNT/orders/0005.json"
	echo '{"n":8}' >"$MNT/orders/0005.json"
	[ "$(n 0005)" = 8 ]
	sleep 2.2
	[ "$(n 0002 0003 0004 0005)" = "6 5 7 8" ]
}

@test "a mount that ends while it stores ends well" {
	local how files reader
	for how in "fusermount3 -uz $MNT" "kill -TERM"; do
		begin -o ro
		files=("$MNT"/orders/*.json)
		cat "${files[@]}" >/dev/null 2>&1 3>&- &
		reader=$!
		[[ $how == fusermount3* ]] || how+=" $PITRFS_PID"
		$how
		unset "PITR_MOUNTS[$MNT]"
		wait $reader || true
		pitr_reap "$PITRFS_PID" 30
		no_sanitizer_finding "$WORK/mount-$PITRFS_PID.log"
		rm "$WORK/last"
	done
}
