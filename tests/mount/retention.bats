#!/usr/bin/env bats
# Retention in the background of a mount: what leaves the window goes, calmly; what is kept stays; nobody waits for it.

bats_require_minimum_version 1.5.0
load ../support/mount

DAY=86400
NOON=1740830400 # 2025-03-01T12:00:00Z

# now SECONDS: moves the clock of the mount and of the command line there. What was closed has its time before.
now() {
	sync "$MNT"
	echo "$1"000000 >"$WORK/clock"
}

# period TABLE DAYS: how far back its window reaches.
period() {
	jq ".PointInTimeRecoveryDescription.RecoveryPeriodInDays = $2" "$MNT/$1/.table.json" >"$WORK/table"
	cat "$WORK/table" >"$MNT/$1/.table.json"
}

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo ${NOON}000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	pitr_mount -o "clock_file=$WORK/clock"
	mkdir "$MNT/orders"
	period orders 1
	echo '{"total":1}' >"$MNT/orders/1001.json"
	echo '{"total":10}' >"$MNT/orders/1002.json"
	now $((NOON + 3600))
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

total() {
	jq .total "$1"
}

told() {
	tail -n 1 .pitr/errors.jsonl | jq -r .message | grep -qF -- "$1"
}

listed() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ]
}

# fails TEXT COMMAND...: it fails, and says so.
fails() {
	local text=$1 output
	shift
	if output=$("$@" 2>&1); then
		printf 'succeeded: %s\n' "$*"
		return 1
	fi
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

# Changes everything, and goes on to two days after noon.
leave_the_window() {
	echo '{"total":2}' >orders/1001.json
	rm orders/1002.json
	now $((NOON + 2 * DAY))
}

@test "what leaves the window is gone for good, and the reason is told" {
	listed orders/@2025-03-01T12:30 '1001.json 1002.json '
	[ "$(total orders/1001.json@2025-03-01T12:30)" = 1 ]
	[ "$(total @2025-03-01T12:30/orders/1001.json)" = 1 ]
	leave_the_window
	eventually -t 30 absent orders/@2025-03-01T12:30
	eventually -t 30 absent orders/1001.json@2025-03-01T12:30
	eventually -t 30 absent @2025-03-01T12:30/orders
	fails 'No such file' ls orders/@2025-03-01T12:30:01
	told 'that is before its window; it can be seen from 2025-03-02T12:00:00Z'
	[ "$(total orders/1001.json)" = 2 ]
	[ "$(total orders/@2025-03-02T12:30/1001.json)" = 2 ]
	listed orders/@2025-03-02T12:30 '1001.json '
	period orders 35
	fails 'No such file' ls orders/@2025-03-01T12:30:02
}

@test "what the kernel keeps of a state is not opened any more once another process has forgotten it" {
	cat orders/@2025-03-01T12:30/1001.json orders/@2025-03-01T12:30/1001.json >/dev/null
	leave_the_window
	pitr gc >/dev/null
	fails 'No such file' cat orders/@2025-03-01T12:30/1001.json
}

# hold_commits: compiles what keeps a process that preloads it in the middle of its commits, when the store tells their number and
# not yet what they hold, for as long as $HELD is there. Then $REACHED is, too.
hold_commits() {
	export HELD=$WORK/held REACHED=$WORK/reached
	cc -shared -fPIC -o "$WORK/held.so" -xc - <<-'END'
		#include <fcntl.h>
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		long syscall(long number, ...);
		ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
		{
			ssize_t written = syscall(SYS_pwrite64, fd, bytes, size, offset);
			if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) {
				close(open(getenv("REACHED"), O_CREAT | O_WRONLY, 0600));
				while (access(getenv("HELD"), F_OK) == 0)
					usleep(10000);
			}
			return written;
		}
		ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
		{
			return pwrite(fd, bytes, size, offset);
		}
	END
	touch "$HELD"
}

@test "what was looked at while a commit was on its way to the disk is looked at again" {
	cat orders/@2025-03-01T12:30/1001.json orders/@2025-03-01T12:30/1001.json >/dev/null
	leave_the_window
	hold_commits
	LD_PRELOAD=$WORK/held.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
		timeout 30 "$PITR" --store "$STORE" gc >/dev/null 3>&- &
	eventually -t 20 test -e "$REACHED"
	cat orders/@2025-03-01T12:30/1001.json >/dev/null || true
	rm "$HELD"
	wait $!
	fails 'No such file' cat orders/@2025-03-01T12:30/1001.json
}

@test "who stands in a state that is forgotten, or has a file of it open, is told so, and never sees a part of it" {
	(
		cd orders/@2025-03-01T12:30 || exit
		touch "$WORK/begun"
		until [ -e "$WORK/gone" ]; do sleep 0.1; done
		ls . >"$WORK/listing" 2>"$WORK/complaint" || true
		cat 1001.json >>"$WORK/listing" 2>>"$WORK/complaint" || true
	) 3>&- &
	eventually -t 30 ls "$WORK/begun"
	exec 5<orders/@2025-03-01T12:30/1002.json
	listed orders/@2025-03-01T12:30 '1001.json 1002.json '
	leave_the_window
	eventually -t 30 absent orders/@2025-03-01T12:30
	touch "$WORK/gone"
	wait $!
	run cat <&5
	exec 5<&-
	[[ $output == *'Stale file handle'* ]]
	cat "$WORK/complaint" "$WORK/listing"
	[ "$(grep -c 'Stale file handle\|No such file' "$WORK/complaint")" -eq 2 ]
	[ ! -s "$WORK/listing" ]
}

@test "a long listing that is overtaken fails rather than end" {
	local i
	for i in {1..600}; do
		echo '{"a":1}' >"orders/b$i.json"
	done
	now $((NOON + 7200))
	python3 - orders/@2025-03-01T13:30 "$WORK" <<-'END' &
		import os, sys, time
		with os.scandir(sys.argv[1]) as entries:
		    names = [next(entries).name]
		    open(sys.argv[2] + "/begun", "w").close()
		    while not os.path.exists(sys.argv[2] + "/gone"):
		        time.sleep(0.05)
		    try:
		        names += [entry.name for entry in entries]
		        result = str(len(names))
		    except OSError as error:
		        result = os.strerror(error.errno)
		open(sys.argv[2] + "/result", "w").write(result)
	END
	eventually -t 30 ls "$WORK/begun"
	rm -r orders/b1*.json
	leave_the_window
	eventually -t 30 absent orders/@2025-03-01T13:30
	touch "$WORK/gone"
	wait $!
	cat "$WORK/result"
	grep -qE '^(Stale file handle|602)$' "$WORK/result"
}

@test "backups, holds and restored tables keep their states" {
	ln -s ../orders/@2025-03-01T12:15 restore/shared
	rm orders/1002.json
	mkdir orders/@/backups/one
	now $((NOON + 7200))
	echo '{"total":1.5}' >orders/1001.json
	now $((NOON + 10800))
	pitr hold add orders@2025-03-01T14:30 --name audit --reason 'an auditor' >/dev/null
	echo '{"total":20}' >orders/1002.json
	now $((NOON + 14400))
	listed orders/@2025-03-01T15:30 '1001.json 1002.json '
	leave_the_window
	eventually -t 30 absent orders/@2025-03-01T15:30
	listed orders/@/backups/one '1001.json '
	[ "$(total orders/@/backups/one/1001.json)" = 1 ]
	[ "$(total orders/@2025-03-01T14:30/1001.json)" = 1.5 ]
	listed orders/@20250301T143000Z '1001.json '
	[ "$(total shared/1001.json)" = 1 ]
	[ "$(total shared/1002.json)" = 10 ]
	rmdir orders/@/backups/one
	pitr hold release audit >/dev/null
	eventually -t 30 absent orders/@2025-03-01T14:30
	mkdir orders/@/backups/two
	[ "$(total orders/@/backups/two/1001.json)" = 2 ]
	listed shared '1001.json 1002.json '
}

@test "a read-only mount lets go of what another mount forgets" {
	READER=$WORK/reader
	mkdir "$READER"
	cd / || return
	pitr_mount_at "$STORE" "$READER" -o "ro,clock_file=$WORK/clock"
	cd "$MNT" || return
	listed "$READER/orders/@2025-03-01T12:30" '1001.json 1002.json '
	[ "$(total "$READER/@2025-03-01T12:30/orders/1001.json")" = 1 ]
	leave_the_window
	eventually -t 30 absent "$READER/orders/@2025-03-01T12:30"
	eventually -t 30 absent "$READER/@2025-03-01T12:30/orders"
	eventually -t 30 listed "$READER/@2025-03-01T12:30" ''
	[ "$(total "$READER/orders/1001.json")" = 2 ]
}

@test "settings of a window are written into .table.json, and what turns off loses its past at once" {
	[ "$(jq -c '.PointInTimeRecoveryDescription | [.PointInTimeRecoveryStatus, .RecoveryPeriodInDays]' orders/.table.json)" = '["ENABLED",1]' ]
	echo '{"total":2}' >orders/1001.json
	now $((NOON + 3700))
	[ "$(total orders/@2025-03-01T12:30/1001.json)" = 1 ]
	jq '.PointInTimeRecoveryDescription = {PointInTimeRecoveryStatus: "DISABLED"}' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	[ "$(jq -r .PointInTimeRecoveryDescription.PointInTimeRecoveryStatus orders/.table.json)" = DISABLED ]
	now $((NOON + 3800))
	eventually -t 30 absent orders/@2025-03-01T12:30
	fails 'No such file' ls orders/@2025-03-01T12:30:01
	jq '.PointInTimeRecoveryDescription = {PointInTimeRecoveryStatus: "ENABLED"}' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	now $((NOON + 3900))
	fails 'No such file' ls orders/@2025-03-01T12:30:02
	told 'it can be seen from 2025-03-01T13:03:20Z'
	[ "$(total orders/1001.json)" = 2 ]
}

@test "new tables have what the store's settings say" {
	local recovery='.PointInTimeRecoveryDescription | [.PointInTimeRecoveryStatus, .RecoveryPeriodInDays]'
	mkdir first
	[ "$(jq -c "$recovery" first/.table.json)" = '["ENABLED",35]' ]
	pitr settings --pitr 7 >/dev/null
	mkdir week
	[ "$(jq -c "$recovery" week/.table.json)" = '["ENABLED",7]' ]
	pitr settings --pitr off >/dev/null
	mkdir plain
	[ "$(jq -c "$recovery" plain/.table.json)" = '["DISABLED",null]' ]
	[ "$(jq -c "$recovery" first/.table.json)" = '["ENABLED",35]' ]
	echo '{"total":1}' >plain/1.json
	now $((NOON + 3700))
	echo '{"total":2}' >plain/1.json
	now $((NOON + 3800))
	fails 'No such file' ls plain/@-1m
	told 'that is before its window'
}

@test "a reader of a table without history reads to its end what it has opened" {
	jq '.PointInTimeRecoveryDescription = {PointInTimeRecoveryStatus: "DISABLED"}' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	python3 -c 'import json; print(json.dumps({"id": "big", "text": "a" * 350000}))' >orders/big.json
	sync orders
	size=$(stat -c %s orders/big.json)
	exec 5<orders/big.json
	head -c 4096 <&5 >"$WORK/read"
	python3 -c 'import json; print(json.dumps({"id": "big", "text": "b" * 350000}))' | pitr put orders
	sleep 0.2
	cat <&5 >>"$WORK/read"
	exec 5<&-
	[ "$(stat -c %s "$WORK/read")" -eq "$size" ]
	[ "$(tr -d -c b <"$WORK/read" | wc -c)" -le 1 ]
}

@test "of two mounts one forgets, and the other goes on when it ends" {
	OTHER=$WORK/other
	mkdir "$OTHER"
	cd / || return
	pitr_mount_at "$STORE" "$OTHER" -o "clock_file=$WORK/clock"
	pitr_umount "$MNT"
	cd "$OTHER" || return
	listed orders/@2025-03-01T12:30 '1001.json 1002.json '
	echo '{"total":2}' >orders/1001.json
	sync orders
	echo $((NOON + 2 * DAY))000000 >"$WORK/clock"
	eventually -t 30 absent orders/@2025-03-01T12:30
	[ "$(total orders/1001.json)" = 2 ]
	cd / || return
}
