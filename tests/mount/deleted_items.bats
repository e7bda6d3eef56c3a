#!/usr/bin/env bats
# @/deleted: the last state of each item that is gone.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr_mount
	mkdir "$MNT/orders"
	for i in 1001 1002 1003 1004; do
		echo "{\"total\":$i}" >"$MNT/orders/$i.json"
	done
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

listed() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ] || {
		ls "$1"
		return 1
	}
}

@test "what is gone is listed with its last state and the time it went; cp brings it back" {
	listed orders/@/deleted ""
	echo '{"total":7}' >orders/1002.json
	cp orders/1002.json orders/1003.json "$WORK/"
	rm orders/1003.json
	sleep 0.01
	rm orders/1002.json
	listed orders/@/deleted "1002.json 1003.json "
	[ "$(ls -t orders/@/deleted | tr '\n' ' ')" = "1002.json 1003.json " ]
	cmp orders/@/deleted/1002.json "$WORK/1002.json"
	[ "$(stat -c %s orders/@/deleted/1002.json)" = "$(stat -c %s "$WORK/1002.json")" ]
	[ "$(stat -c %y orders/@/deleted/1002.json)" = "$(stat -c %y orders/@/history/1002.json/*.deleted)" ]
	refused "Read-only" rm orders/@/deleted/1002.json
	refused "Read-only" cp "$WORK/1002.json" orders/@/deleted/1009.json
	(cd orders/@/deleted && cp 1002.json ../../)
	cmp orders/1002.json "$WORK/1002.json"
	listed orders/@/deleted "1003.json "
	eventually -t 1 absent orders/@/deleted/1002.json
	rm orders/1002.json
	listed orders/@/deleted "1002.json 1003.json "
	rsync -a orders/@/deleted/ "$WORK/rescued/"
	diff -r orders/@/deleted "$WORK/rescued"
	cp orders/@/deleted/* orders/
	listed orders/@/deleted ""
	[ "$(ls orders | wc -l)" = 4 ]
	listed @/deleted "orders "
	rm orders/1001.json
	diff -r @/deleted/orders orders/@/deleted
}

@test "it is seen within 100 ms by other mounts, read-only ones too" {
	mkdir "$WORK/ro"
	cd /
	pitr_mount_at "$STORE" "$WORK/ro" -o ro
	cd "$MNT"
	d=$WORK/ro/orders/@/deleted
	listed "$d" ""
	rm orders/1001.json
	eventually -t 1 listed "$d" "1001.json "
	pitr rm orders/1002
	eventually -t 1 listed "$d" "1001.json 1002.json "
	listed orders/@/deleted "1001.json 1002.json "
	cp orders/@/deleted/1001.json orders/
	eventually -t 1 listed "$d" "1002.json "
	[ "$(jq .total "$d/1002.json")" = 1002 ]
}

@test "extended attributes tell who removed it" {
	rm orders/1001.json
	cd /
	pitr_umount "$MNT"
	pitr_mount -o xattr
	f=$MNT/orders/@/deleted/1001.json
	[ "$(getfattr --only-values -n user.pitr.operation "$f")" = REMOVE ]
	[ "$(getfattr --only-values -n user.pitr.seq "$f")" = 5 ]
	getfattr --only-values -n user.pitr.author "$f" | jq -e '.process == "rm"'
}
