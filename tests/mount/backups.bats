#!/usr/bin/env bats
# Backups as directories: @/backups of a table and of the root, made by mkdir, deleted by rmdir, seen by everybody.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"total":1}' >"$MNT/orders/1001.json"
	echo '{"total":2}' >"$MNT/orders/1002.json"
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

total() {
	jq .total "$1"
}

is_total() {
	[ "$(total "$2")" = "$1" ]
}

told() {
	tail -n 1 .pitr/errors.jsonl | jq -r .message | grep -qF -- "$1"
}

# soon COMMAND...: within 100 ms, and what a busy machine takes longer for a check.
soon() {
	eventually -t 1 "$@"
}

listed() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ]
}

@test "mkdir makes a backup of the table as it is, and it stays so" {
	mkdir orders/@/backups/pre-release
	echo '{"total":3}' >orders/1001.json
	rm orders/1002.json
	listed orders/@/backups 'pre-release '
	listed orders/@/backups/pre-release '1001.json 1002.json '
	[ "$(total orders/@/backups/pre-release/1001.json)" = 1 ]
	[ "$(total orders/1001.json)" = 3 ]
	[ "$(ls -A orders/@/backups/pre-release | head -n 1)" = .table.json ]
	[ "$(jq .ItemCount orders/@/backups/pre-release/.table.json)" = 2 ]
	[ "$(jq -r .Snapshot.Backup orders/@/backups/pre-release/.table.json)" = "$(pitr list-backups --table-name orders | jq -r '.BackupSummaries[0].BackupArn')" ]
	cp orders/@/backups/pre-release/1002.json orders/
	[ "$(total orders/1002.json)" = 2 ]
	cd /
	pitr_umount
	pitr_mount -o ro
	cd "$MNT" || return
	listed orders/@/backups/pre-release '1001.json 1002.json '
	[ "$(total orders/@/backups/pre-release/1001.json)" = 1 ]
}

@test "what was closed just before is in it, and its time is when it was made" {
	local before after
	before=$(date +%s)
	for i in {1..50}; do
		echo "{\"total\":$i}" >"orders/a$i.json"
	done
	mkdir orders/@/backups/now
	after=$(date +%s)
	[ "$(ls orders/@/backups/now | wc -l)" -eq 52 ]
	[ "$(stat -c %Y orders/@/backups/now)" -ge "$before" ]
	[ "$(stat -c %Y orders/@/backups/now)" -le "$after" ]
	[ "$(stat -c %Y orders/@/backups)" -le "$after" ]
}

@test "partitions are in it, too" {
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	mkdir visits/ann
	echo '{"x":1}' >visits/ann/17.json
	mkdir visits/@/backups/first
	rm -r visits/ann
	[ "$(jq .x visits/@/backups/first/ann/17.json)" = 1 ]
	[ "$(cd visits/@/backups/first && find . | sort | tr '\n' ' ')" = '. ./.table.json ./ann ./ann/17.json ' ]
	cp -r visits/@/backups/first/ann visits/
	[ "$(jq .x visits/ann/17.json)" = 1 ]
}

@test "rmdir deletes a backup though it shows items, and only that one" {
	mkdir orders/@/backups/one orders/@/backups/two
	refused 'File exists' mkdir orders/@/backups/one
	ls orders/@/backups/one >/dev/null
	rmdir orders/@/backups/one
	listed orders/@/backups 'two '
	absent orders/@/backups/one
	refused 'No such file' rmdir orders/@/backups/one
	mkdir orders/@/backups/one
	listed orders/@/backups 'two one ' || listed orders/@/backups 'one two '
}

@test "a backup is restored by cp and by ln, like any instant" {
	mkdir orders/@/backups/one
	rm orders/1001.json
	cp -r orders/@/backups/one restore/copied
	ln -s ../orders/@/backups/one restore/linked
	ln -s ../@/backups/orders/one restore/linked-too
	for table in copied linked linked-too; do
		eventually listed $table '1001.json 1002.json '
		[ "$(total $table/1001.json)" = 1 ]
		[ "$(jq -r .Restore.SourceBackupArn $table/.table.json)" = "$(pitr list-backups --table-name orders | jq -r '.BackupSummaries[0].BackupArn')" ]
	done
	rmdir orders/@/backups/one
	[ "$(total linked/1001.json)" = 1 ]
}

@test "nothing else can be changed there" {
	local command
	mkdir orders/@/backups/one
	for command in 'touch orders/@/x' 'mkdir orders/@/x' 'rmdir orders/@/backups' 'touch orders/@/backups/x' \
		'mv orders/@/backups/one orders/@/backups/two' 'mv orders/@/backups orders/@/x' 'ln -s x orders/@/backups/x' \
		'rm orders/@/backups/one/1001.json' 'mkdir orders/@/backups/one/x' 'touch orders/@/backups/one/1001.json' \
		'mkdir @/x' 'mkdir @/backups/other' 'mkdir @/backups/orders/two' 'rmdir @/backups/orders' 'rmdir orders/@' \
		'mv orders/1001.json orders/@/backups/1001.json'; do
		echo "$command"
		# shellcheck disable=SC2086
		refused 'Read-only file system' $command
	done
	refused 'File exists' mkdir orders/@
	refused 'Invalid argument' mkdir orders/@/backups/x
	told 'have length greater than or equal to 3'
	refused 'Invalid argument' mkdir 'orders/@/backups/a b c'
	listed orders/@/backups 'one '
	listed orders/@/backups/one '1001.json 1002.json '
	refused 'No such file' ls orders/@/nothing
	refused 'No such file' ls orders/@/backups/nothing
	refused 'No such file' ls @/backups/nothing
	refused 'No such file' ls orders/@latest/@
}

@test "@ is not listed, but what stands in it is" {
	mkdir orders/@/backups/one
	[ "$(find orders/@ @ -maxdepth 1 -name backups | wc -l)" -eq 2 ]
	[ "$(find . -name '*@*' | wc -l)" -eq 0 ]
	[ "$(find . -name one | wc -l)" -eq 0 ]
	[ "$(find @/backups | sort | tr '\n' ' ')" = '@/backups @/backups/orders @/backups/orders/one @/backups/orders/one/.table.json @/backups/orders/one/1001.json @/backups/orders/one/1002.json ' ]
	[ "$(find orders/@ orders/@/backups -maxdepth 1 -type d -printf '%i\n' | sort -u | wc -l)" -eq "$(($(ls orders/@ | wc -l) + 2))" ]
}

@test "the root has the backups of all tables, also of those that are gone, and of the system" {
	mkdir people
	echo '{}' >people/ann.json
	mkdir people/@/backups/people-1 orders/@/backups/orders-1
	listed @/backups 'orders people '
	listed @/backups/orders 'orders-1 '
	rm -r orders
	listed @/backups 'orders people '
	[ "$(ls @/backups/orders | sort | tr '\n' ' ')" = 'orders$DeletedTableBackup orders-1 ' ]
	[ "$(total @/backups/orders/orders-1/1002.json)" = 2 ]
	refused 'Operation not permitted' rmdir '@/backups/orders/orders$DeletedTableBackup'
	told 'User is not allowed to delete the system backup'
	mkdir orders
	echo '{"total":9}' >orders/1001.json
	mkdir orders/@/backups/orders-1
	listed orders/@/backups 'orders-1 '
	[ "$(total orders/@/backups/orders-1/1001.json)" = 9 ]
	soon is_total 9 @/backups/orders/orders-1/1001.json # the name was another backup's
	[ "$(find @/backups/orders -name 'orders-1*' | wc -l)" -eq 2 ]
	old=$(find @/backups/orders -name 'orders-1~*' -printf '%f\n')
	[ "$(total "@/backups/orders/$old/1001.json")" = 1 ]
	rmdir "@/backups/orders/$old" @/backups/people/people-1
	[ "$(ls @/backups | tr '\n' ' ')" = 'orders ' ]
	listed people/@/backups ''
	soon absent @/backups/people
}

@test "backups made and deleted by others come and go, also in a read-only mount that keeps its listings" {
	OTHER=$WORK/other
	READER=$WORK/reader
	mkdir "$OTHER" "$READER"
	cd /
	pitr_mount_at "$STORE" "$OTHER"
	pitr_mount_at "$STORE" "$READER" -o ro
	cd "$MNT" || return
	for mount in "$OTHER" "$READER"; do
		listed "$mount/orders/@/backups" ''
		listed "$mount/@/backups" ''
		refused 'No such file' stat "$mount/orders/@/backups/one"
	done
	mkdir orders/@/backups/one
	for mount in "$OTHER" "$READER"; do
		soon listed "$mount/orders/@/backups" 'one '
		soon listed "$mount/@/backups" 'orders '
		soon stat "$mount/orders/@/backups/one/1001.json"
		soon listed "$mount/@/backups/orders/one" '1001.json 1002.json '
	done
	refused 'Read-only file system' mkdir "$READER/orders/@/backups/two"
	refused 'Read-only file system' rmdir "$READER/orders/@/backups/one"
	rmdir orders/@/backups/one
	for mount in "$OTHER" "$READER"; do
		soon listed "$mount/orders/@/backups" ''
		soon absent "$mount/orders/@/backups/one"
		soon absent "$mount/@/backups/orders"
	done
	mkdir "$OTHER/orders/@/backups/one"
	soon stat orders/@/backups/one/1001.json
	echo '{"total":5}' >orders/1001.json
	rmdir orders/@/backups/one
	mkdir orders/@/backups/one
	soon eval '[ "$(total "$OTHER/orders/@/backups/one/1001.json")" = 5 ]'
}

@test "what the command line makes and deletes comes and goes" {
	local arn
	listed orders/@/backups ''
	pitr create-backup --table-name orders --backup-name nightly >"$WORK/json"
	soon listed orders/@/backups 'nightly '
	arn=$(jq -r .BackupDetails.BackupArn "$WORK/json")
	echo '{"total":5}' >orders/1001.json
	sync orders
	pitr create-backup --table-name orders --backup-name nightly >/dev/null
	soon eval '[ "$(total orders/@/backups/nightly/1001.json)" = 5 ]'
	[ "$(ls orders/@/backups | wc -l)" -eq 2 ]
	[ "$(total "orders/@/backups/nightly~${arn##*/}/1001.json")" = 1 ]
	pitr delete-backup --backup-arn "$arn" >/dev/null
	soon listed orders/@/backups 'nightly '
	mkdir orders/@/backups/mine
	[ "$(pitr list-backups --table-name orders | jq -r '[.BackupSummaries[].BackupName] | sort | join(" ")')" = 'mine nightly' ]
	rmdir orders/@/backups/mine
	[ "$(pitr list-backups --table-name orders | jq '.BackupSummaries | length')" -eq 1 ]
}

@test "a held table is kept, and rmdir says by what" {
	pitr hold add orders --name legal --reason 'case 4711' >/dev/null
	refused 'Operation not permitted' rmdir orders
	told 'while the hold legal is on it: case 4711'
	rm orders/*.json
	refused 'Operation not permitted' rmdir orders
	pitr hold release legal >/dev/null
	rmdir orders
	absent orders
}

@test "a protected table is kept, and rmdir says why" {
	jq '.DeletionProtectionEnabled = true' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	refused 'Operation not permitted' rmdir orders
	told "can't be deleted while DeletionProtectionEnabled"
	refused 'Operation not permitted' rm -r orders
	[ -e orders/.table.json ]
	listed orders/@/backups ''
}
