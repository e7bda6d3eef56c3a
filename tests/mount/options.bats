#!/usr/bin/env bats
# Options, what is refused as a mount point, going into the background, and the end by signals and by umount.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	echo '{"id":"1001","total":1,"tags":{"$stringSet":["a","b"]}}' | pitr put orders
}

teardown() {
	pitr_teardown
}

is_mounted() {
	grep -q " $MNT .* - fuse.pitrfs $STORE " /proc/self/mountinfo
}

is_unmounted() {
	! is_mounted
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# Runs pitrfs as a user would; it leaves a process behind, whose number is then in $daemon.
background() {
	"$PITRFS" "$STORE" "$MNT" "$@" 3>&- 4>&-
	daemon=$(pgrep -f "^$PITRFS $STORE $MNT")
}

@test "help and version" {
	run -0 "$PITRFS" --help
	[[ $output == usage:* ]]
	run -0 "$PITRFS" -h
	run -0 "$PITRFS" -V
	[[ $output == pitrfs* ]]
}

@test "wrong usage is status 2, with a message" {
	run -2 "$PITRFS"
	run -2 "$PITRFS" "$STORE"
	run -2 "$PITRFS" "$STORE" "$MNT" more
	run -2 "$PITRFS" "$STORE" "$MNT" -x
	run -2 "$PITRFS" "$STORE" "$MNT" -o colour=blue
	[[ $output == *"unknown option: -o colour"* ]]
	run -2 "$PITRFS" "$STORE" "$MNT" -o json=xml
	[[ $output == *"json=plain or json=dynamodb"* ]]
	run -2 "$PITRFS" "$STORE" "$MNT" -o uid=me
	run -2 "$PITRFS" "$STORE" "$MNT" -o umask=9
	run -2 "$PITRFS" "$STORE" "$MNT" -o nolock
	run -2 "$PITRFS" "$STORE" "$MNT" -o tz
	is_unmounted
}

@test "what cannot be mounted is status 1, with a message, in the foreground and in the background" {
	local flag
	for flag in -f ''; do
		run -1 "$PITRFS" "$WORK/none" "$MNT" $flag
		[[ $output == *"$WORK/none"*"No such file"* ]]
		run -1 "$PITRFS" "$WORK" "$MNT" $flag
		run -1 "$PITRFS" "$WORK/home" "$MNT" $flag
		[[ $output == *"pitr"* ]]
		run -1 "$PITRFS" "$STORE" "$WORK/none" $flag
		[[ $output == *"mount point $WORK/none: No such file"* ]]
		touch "$WORK/file"
		run -1 "$PITRFS" "$STORE" "$WORK/file" $flag
		[[ $output == *"not a directory"* ]]
		run -1 "$PITRFS" "$STORE" "$MNT" $flag -o tz=Atlantis/City
		[[ $output == *Atlantis* ]]
	done
	is_unmounted
}

@test "the store is no mount point for itself, nor is what is in it or around it" {
	mkdir "$STORE/inside"
	run -1 "$PITRFS" "$STORE" "$STORE"
	[[ $output == *itself* ]]
	run -1 "$PITRFS" "$STORE" "$STORE/inside"
	[[ $output == *inside* ]]
	run -1 "$PITRFS" "$STORE" "$WORK"
	[[ $output == *"would hide it"* ]]
	ln -s "$STORE" "$WORK/link"
	run -1 "$PITRFS" "$STORE" "$WORK/link"
	run -1 "$PITRFS" "$WORK/link/" "$STORE/inside/.."
	rmdir "$STORE/inside"
}

@test "a second mount at the same place is refused" {
	pitr_mount
	run -1 "$PITRFS" "$STORE" "$MNT"
	[[ $output == *"mounted at $MNT already"* ]]
	[ "$(jq .total "$MNT/orders/1001.json")" = 1 ]
}

@test "it goes into the background when the mount answers, and umount ends it" {
	background
	is_mounted
	[ "$(jq .total "$MNT/orders/1001.json")" = 1 ]
	echo '{"total":2}' >"$MNT/orders/1001.json"
	[ "$(readlink "/proc/$daemon/fd/1")" = /dev/null ]
	[ "$(readlink "/proc/$daemon/cwd")" = / ]
	fusermount3 -u "$MNT"
	eventually is_gone "$daemon"
	is_unmounted
	[ "$(pitr get orders/1001 | jq .total)" = 2 ]
	[ -z "$(ls "$STORE/journal" 2>/dev/null)" ]
}

@test "signals end it cleanly, with everything committed" {
	local signal
	for signal in TERM INT HUP; do
		pitr_mount
		for i in {1..50}; do echo "{\"n\":$i}" >"$MNT/orders/$signal$i.json"; done
		kill -$signal "$PITRFS_PID"
		unset "PITR_MOUNTS[$MNT]"
		pitr_reap "$PITRFS_PID" 20 || { cat "$MOUNT_LOG" && false; }
		is_unmounted
		[ "$(pitr get "orders/${signal}50" | jq .n)" = 50 ]
		no_sanitizer_finding "$WORK/mount-$PITRFS_PID.log"
	done
	[ "$(pitr status --json | jq .tables[0].items)" = 151 ]
}

@test "ro changes nothing, and shows the past as well" {
	pitr_mount -o ro
	grep -q " $MNT ro," /proc/self/mountinfo
	local command
	for command in "touch $MNT/orders/x" "rm $MNT/orders/1001.json" "mkdir $MNT/table" "touch $MNT/orders/1001.json"; do
		run -1 $command
		[[ $output == *"Read-only file system"* ]]
	done
	[ "$(stat -c %a "$MNT" "$MNT/orders" "$MNT/orders/1001.json" | tr '\n' ' ')" = '500 500 400 ' ]
	[ "$(jq .total "$MNT/orders/1001.json" "$MNT/orders/@latest/1001.json" | tr '\n' ' ')" = '1 1 ' ]
	[ "$(ls -A "$MNT/orders")" = $'.table.json\n1001.json' ]
	cat "$MNT/.pitr/errors.jsonl"
	ls "$MNT/.pitr/rejected"
	run -2 ls "$MNT/orders/@2001-01-01"
	echo '{"id":"1002","total":2}' | pitr put orders
	eventually -t 1 test -e "$MNT/orders/1002.json"
	listed() { [ "$(ls "$MNT/orders" | wc -l)" -eq 2 ]; }
	eventually -t 1 listed
	echo '{"id":"1001","total":25}' | pitr put orders
	changed() { [ "$(jq .total "$MNT/orders/1001.json")" = 25 ]; }
	eventually -t 1 changed
}

@test "nolock reads a store on read-only media, and touches no file of it" {
	chmod -R a-w "$STORE"
	find "$STORE" -type f -printf '%p %s %T@\n' | sort >"$WORK/before"
	pitr_mount -o ro,nolock
	[ "$(jq .total "$MNT/orders/1001.json" "$MNT/orders/@latest/1001.json" | tr '\n' ' ')" = '1 1 ' ]
	pitr_umount
	find "$STORE" -type f -printf '%p %s %T@\n' | sort | diff "$WORK/before" -
	chmod -R u+w "$STORE"
}

@test "json=dynamodb shows and takes the form of the AWS API" {
	pitr_mount -o json=dynamodb
	[ "$(jq -c . "$MNT/orders/1001.json")" = '{"id":{"S":"1001"},"tags":{"SS":["a","b"]},"total":{"N":"1"}}' ]
	[ "$(stat -c %s "$MNT/orders/1001.json")" -eq "$(wc -c <"$MNT/orders/1001.json")" ]
	echo '{"total":{"N":"5"}}' >"$MNT/orders/1002.json"
	sync "$MNT/orders"
	[ "$(pitr get orders/1002 | jq -c .)" = '{"id":"1002","total":5}' ]
	run -1 bash -c "cat <<<'{\"total\":5}' >'$MNT/orders/1003.json'"
	[ "$(jq -c .total "$MNT/orders/@latest/1002.json")" = '{"N":"5"}' ]
}

@test "tz is how times without a zone are read" {
	pitr_mount -o tz=Pacific/Kiritimati
	sleep 1
	before=$(TZ=Pacific/Kiritimati date +%Y-%m-%dT%H:%M:%S)
	[ "$(jq .total "$MNT/orders/@$before/1001.json")" = 1 ]
	run -2 ls "$MNT/orders/@$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)"
}

@test "uid, gid and umask say whose files they are" {
	pitr_mount -o uid=1234,gid=4321,umask=027
	[ "$(stat -c '%a %u %g' "$MNT/orders")" = '750 1234 4321' ]
	[ "$(stat -c '%a %u %g' "$MNT/orders/1001.json")" = '640 1234 4321' ]
	[ "$(stat -c '%a' "$MNT/orders/@latest/1001.json")" = 440 ]
}

@test "allow_other lets other users in, as far as the modes go" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chmod 755 "$WORK" "$(dirname "$WORK")" "$(dirname "$(dirname "$WORK")")" "$(dirname "$(dirname "$(dirname "$WORK")")")"
	pitr_mount
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups cat "$MNT/orders/1001.json"
	pitr_umount
	pitr_mount -o allow_other
	[ "$(stat -c %a "$MNT" "$MNT/orders/1001.json" | tr '\n' ' ')" = '755 644 ' ]
	setpriv --reuid 65534 --regid 65534 --clear-groups cat "$MNT/orders/1001.json"
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups touch "$MNT/orders/x"
	[[ $output == *"Permission denied"* ]]
	pitr_umount
	pitr_mount -o allow_other,umask=077
	run ! setpriv --reuid 65534 --regid 65534 --clear-groups cat "$MNT/orders/1001.json"
}

@test "xattr tells about the version" {
	pitr_mount -o xattr
	echo '{"total":2}' >"$MNT/orders/1001.json"
	getfattr -d "$MNT/orders/1001.json" >"$WORK/attributes"
	grep -qx 'user.pitr.operation="MODIFY"' "$WORK/attributes"
	grep -qx 'user.pitr.seq="2"' "$WORK/attributes"
	grep -q '^user.pitr.time="20.*Z"$' "$WORK/attributes"
	[ "$(getfattr --only-values -n user.pitr.author "$MNT/orders/1001.json" | jq -r .by)" = mount ]
	[ "$(getfattr --only-values -n user.pitr.operation "$MNT/orders/@seq-1/1001.json")" = INSERT ]
	pitr_umount
	pitr_mount
	run -1 getfattr -d "$MNT/orders/1001.json"
	[[ $output == *"not supported"* ]]
}

@test "as mount(8) and fstab start it" {
	background -o rw,user,noauto,nofail,_netdev,x-systemd.automount,dev,suid,noexec,noatime,comment=x
	is_mounted
	grep " $MNT " /proc/self/mountinfo | grep -q noexec
	[ "$(findmnt -no FSTYPE "$MNT")" = fuse.pitrfs ]
	umount "$MNT"
	eventually is_gone "$daemon"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	mount -t fuse "$PITRFS#$STORE" "$MNT" -o ro 3>&- 4>&-
	is_mounted
	[ "$(jq .total "$MNT/orders/1001.json")" = 1 ]
	umount "$MNT"
}

@test "a mount whose process died is recognised" {
	pitr_mount
	kill -KILL "$PITRFS_PID"
	unset "PITR_MOUNTS[$MNT]"
	pitr_reap "$PITRFS_PID" 10 || true
	run -1 "$PITRFS" "$STORE" "$MNT"
	[[ $output == *"fusermount3 -u"* ]]
	fusermount3 -u "$MNT"
	pitr_mount
	[ "$(jq .total "$MNT/orders/1001.json")" = 1 ]
}

@test "debugging shows requests and answers" {
	pitr_mount -d
	ls "$MNT" >/dev/null
	grep -q LOOKUP "$MOUNT_LOG" || grep -q READDIR "$MOUNT_LOG"
}
