#!/usr/bin/env bats
# Tables that are gone: what stays of them, for how long, and what a new table of the same name has to do with it.

bats_require_minimum_version 1.5.0
load ../support/mount

DAY=86400

# now SECONDS: moves the clock of the mount and of the command line there. What was closed has its time before.
now() {
	sync "$MNT"
	echo "$1"000000 >"$WORK/clock"
}

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo 1740830400000000 >"$PITR_CLOCK_FILE" # 2025-03-01T12:00:00Z
	pitr_setup
	pitr_mount -o "clock_file=$WORK/clock"
	cd "$MNT" || return
	mkdir orders kept
	echo '{"total":1}' >orders/1001.json
	now 1740832200 # 12:30
	echo '{"total":2}' >orders/1001.json
	echo '{"total":20}' >orders/1002.json
	now 1740834000 # 13:00
	rm -r orders
	now 1740835800 # 13:30
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

@test "a dropped table stands in every instant before its end, and in none after it" {
	listed . 'kept restore '
	listed @2025-03-01T12:45 'kept orders '
	listed @2025-03-01T12:45/orders '1001.json 1002.json '
	[ "$(total @2025-03-01T12:15/orders/1001.json)" = 1 ]
	[ "$(total @2025-03-01T12:45/orders/1001.json)" = 2 ]
	[ "$(jq .ItemCount @2025-03-01T12:45/orders/.table.json)" = 2 ]
	listed @2025-03-01T13:15 'kept '
	absent @2025-03-01T13:15/orders
	absent orders
	absent orders/@2025-03-01T12:45
}

@test "the system's backup is its last state, and the table can be copied back from there" {
	[ "$(ls @/backups/orders)" = 'orders$DeletedTableBackup' ]
	listed '@/backups/orders/orders$DeletedTableBackup' ''
	mkdir orders
	cp @2025-03-01T12:45/orders/*.json orders/
	[ "$(total orders/1002.json)" = 20 ]
}

@test "a table deleted with its items is in the system's backup with all of them" {
	echo '{"total":7}' >kept/1.json
	sync kept
	pitr delete-table --table-name kept >/dev/null
	eventually -t 30 absent kept
	listed '@/backups/kept/kept$DeletedTableBackup' '1.json '
	[ "$(total '@/backups/kept/kept$DeletedTableBackup/1.json')" = 7 ]
	[ "$(jq .ItemCount '@/backups/kept/kept$DeletedTableBackup/.table.json')" = 1 ]
	[[ "$(jq -r .Snapshot.Backup '@/backups/kept/kept$DeletedTableBackup/.table.json')" == */kept/backup/*-00000000 ]]
	cp -r '@/backups/kept/kept$DeletedTableBackup' restore/kept
	eventually -t 30 listed kept '1.json '
	ln -s '../@/backups/kept/kept$DeletedTableBackup' restore/again
	eventually -t 30 listed again '1.json '
	ln -s ../@2025-03-01T12:45/orders restore/orders
	eventually -t 30 listed orders '1001.json 1002.json '
	[ "$(total orders/1002.json)" = 20 ]
}

@test "a new table of the same name is another table" {
	mkdir orders
	echo '{"total":9}' >orders/1001.json
	now 1740837600 # 14:00
	[ "$(jq -r .TableId orders/.table.json)" != "$(jq -r .TableId @2025-03-01T12:45/orders/.table.json)" ]
	[ "$(total orders/@2025-03-01T13:45/1001.json)" = 9 ]
	[ "$(total @2025-03-01T13:45/orders/1001.json)" = 9 ]
	[ "$(total @2025-03-01T12:45/orders/1001.json)" = 2 ]
	absent orders/@2025-03-01T12:45
	told 'it can be seen from 2025-03-01T13:30:00'
	absent orders/1002.json@2025-03-01T12:45
	listed orders/@/backups ''
	mkdir orders/@/backups/mine
	[ "$(ls @/backups/orders | wc -l)" -eq 2 ]
	rm -r orders
	[ "$(total @2025-03-01T12:45/orders/1001.json)" = 2 ]
	[ "$(total @2025-03-01T13:45/orders/1001.json)" = 9 ]
	[ "$(total @/backups/orders/mine/1001.json)" = 9 ]
	[ "$(ls @/backups/orders | wc -l)" -eq 3 ]
}

@test "after 35 days nothing of it can be seen, but a backup made on demand stays" {
	mkdir orders
	echo '{"total":9}' >orders/1001.json
	mkdir orders/@/backups/mine
	now 1740837600 # 14:00
	rm -r orders
	listed @2025-03-01T13:45 'kept orders '
	now $((1740834000 + 35 * DAY - 60))
	[ "$(total @2025-03-01T12:45/orders/1001.json)" = 2 ]
	now $((1740837600 + 35 * DAY + 60))
	eventually -t 30 absent @2025-03-01T12:45/orders/1001.json
	eventually -t 30 absent @2025-03-01T12:45:01/orders
	absent @2025-03-01T13:45:01/orders
	listed @2025-03-01T13:45:02 ''
	eventually -t 30 listed @/backups/orders 'mine '
	[ "$(total @/backups/orders/mine/1001.json)" = 9 ]
}

@test "a table that keeps no history leaves none" {
	mkdir plain
	jq '.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus = "DISABLED"' plain/.table.json >"$WORK/table"
	cat "$WORK/table" >plain/.table.json
	echo '{"total":1}' >plain/1.json
	now 1740837600 # 14:00
	rm -r plain
	now 1740839400 # 14:30
	absent @2025-03-01T13:45/plain
	listed @2025-03-01T13:45 'kept '
	absent @/backups/plain
}
