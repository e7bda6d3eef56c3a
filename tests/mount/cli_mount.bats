#!/usr/bin/env bats
# `pitr mount`, `pitr umount`, and the command line on a store that is mounted.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	echo '{"id":"1","n":1}' | pitr put orders
}

teardown() {
	pitr_teardown
}

mount_it() {
	pitr mount "$@" >"$WORK/mount.log" 2>&1 3>&- 4>&-
}

is_in() {
	[ "$(readlink "/proc/$1/cwd")" = "$2" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

@test "mount returns when the mount is there, umount when it is gone" {
	rmdir "$MNT"
	mount_it "$MNT"
	[ -f "$MNT/orders/1.json" ]
	pitr status | grep -qx "mounted   $MNT"
	[ "$(pitr status --json | jq -c .mounts)" = "[\"$MNT\"]" ]
	cd "$WORK"
	run --separate-stderr pitr umount "${MNT##*/}/"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ ! -e "$MNT/orders" ]
	pitr status | grep -qx "mounted   nowhere"
}

@test "mount passes its options on, and tells of failures" {
	mount_it "$MNT" -o ro,json=dynamodb
	[ "$(jq -c .n "$MNT/orders/1.json")" = '{"N":"1"}' ]
	run touch "$MNT/orders/2.json"
	[ "$status" -ne 0 ]
	run pitr mount "$MNT" 3>&- 4>&-
	[ "$status" -ne 0 ]
	pitr umount "$MNT"
	run pitr mount "$STORE" 3>&- 4>&-
	[ "$status" -ne 0 ]
	run "$PITR" --store "$WORK/nowhere" mount "$MNT" 3>&- 4>&-
	[ "$status" -ne 0 ]
	[[ "$output" == *"pitr init"* ]]
}

@test "umount of a mount in use says who uses it" {
	mount_it "$MNT"
	(cd "$MNT/orders" && exec sleep 60 3>&- 4>&-) &
	sleeper=$!
	eventually is_in "$sleeper" "$MNT/orders"
	run --separate-stderr pitr umount "$MNT"
	kill $sleeper
	wait $sleeper || true
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	# shellcheck disable=SC2154
	[[ "$stderr" == "pitr: $MNT could not be unmounted: something still uses it
  sleep (process $sleeper) is in $MNT/orders
"* ]]
	eventually pitr umount "$MNT"
}

@test "umount clears what a mount that was killed has left" {
	pitr_mount
	kill -KILL "$PITRFS_PID"
	wait "$PITRFS_PID" || true
	unset "PITR_MOUNTS[$MNT]"
	run ls "$MNT/orders"
	[ "$status" -ne 0 ]
	pitr umount "$MNT"
	pitr_mount
}

@test "get prints what the mounted file holds, byte for byte" {
	pitr put orders <<<'{"id":"a/b @\u00e9%.","z":[],"m":{"$$binary":{}},"b":{"$binary":"AAEC"},"n":1e2,"s":{"$stringSet":["y","x"]}}'
	pitr_mount
	for file in "$MNT"/orders/*.json; do
		name=$(basename "$file")
		pitr get "orders/$name" | cmp - "$file"
		pitr get "orders/$name@latest" | cmp - "$file"
	done
	[ "$(ls "$MNT/orders" | wc -l)" = 2 ]
	pitr_umount
	pitr_mount -o json=dynamodb
	for file in "$MNT"/orders/*.json; do
		pitr get "orders/$(basename "$file")" --dynamodb | cmp - "$file"
	done
}

@test "what the command line changes is seen in the mount, and the other way round" {
	pitr_mount
	[ "$(jq .n "$MNT/orders/1.json")" = 1 ]
	echo '{"id":"1","n":2}' | pitr put orders
	sleep 0.1
	[ "$(jq .n "$MNT/orders/1.json")" = 2 ]
	echo '{"n":3}' >"$MNT/orders/1.json"
	sleep 0.1
	[ "$(pitr get orders/1 | jq .n)" = 3 ]
	[ "$(pitr status --json | jq -c '[.writers, .pendingJournals, .tables[0].changes]')" = '[1,0,3]' ]
	pitr rm orders/1
	sleep 0.1
	[ ! -e "$MNT/orders/1.json" ]
	pitr delete-table --table-name orders >/dev/null
	sleep 0.1
	[ ! -e "$MNT/orders" ]
}
