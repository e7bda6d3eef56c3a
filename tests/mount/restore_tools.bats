#!/usr/bin/env bats
# Restoring with the tools one has, of tables with and without sort key, in both forms of items.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	seq 1 60 | sed 's/.*/{"id":"!&","who":"c&","n":&e1,"tags":{"$stringSet":["a","&"]}}/' |
		pitr import --table orders --key id - 2>/dev/null
	for who in ann bob 'c d'; do
		for number in 1 2 3 10 -4; do
			echo "{\"who\":\"$who\",\"n\":$number,\"page\":\"$who $number\"}"
		done
	done | pitr import --table visits --key who:S,n:N - 2>/dev/null
	ITEMS=@seq-50
	VISITS=@seq-12
}

teardown() {
	cd /
	pitr_teardown
}

begin() {
	pitr_mount "$@"
	cd "$MNT" || return
}

same() {
	diff -r -x .table.json "$1" "$2" && [ "$(jq -c .KeySchema "$1/.table.json")" = "$(jq -c .KeySchema "$2/.table.json")" ]
}

# restored TABLE STATE ITEMS
restored() {
	same "$2" "$1" && [ "$(jq -r '"\(.TableStatus) \(.Restore.ItemsCopied) \(.Restore.ItemsExpected)"' "$1/.table.json")" = "ACTIVE $3 $3" ]
}

nothing_refused() {
	[ ! -s .pitr/errors.jsonl ] || {
		cat .pitr/errors.jsonl
		return 1
	}
}

by_every_tool() {
	cp -r "$1" restore/by-cp
	cp -a "$1" restore/by-cp-a
	rsync -a "$1/" restore/by-rsync
	mkdir restore/by-tar
	tar c -C "$1" . | tar x -C restore/by-tar
	python3 -c 'import shutil, sys; shutil.copytree(sys.argv[1], "restore/by-python")' "$1"
	for way in cp cp-a rsync tar python; do
		echo "$way"
		restored "by-$way" "$1" "$2"
	done
	nothing_refused
	[ -z "$(ls restore)" ]
}

@test "a table comes back by cp, rsync, tar and a script" {
	begin
	by_every_tool orders/$ITEMS 50
}

@test "a table with sort key comes back by cp, rsync, tar and a script" {
	begin
	by_every_tool visits/$VISITS 12
}

@test "items in DynamoDB's form are restored alike" {
	begin -o json=dynamodb
	cp -r visits/$VISITS restore/by-cp
	rsync -a visits/$VISITS/ restore/by-rsync
	cp -r orders/$ITEMS restore/orders-cp
	rsync -a orders/$ITEMS/ restore/orders-rsync
	restored by-cp visits/$VISITS 12
	restored by-rsync visits/$VISITS 12
	restored orders-cp orders/$ITEMS 50
	restored orders-rsync orders/$ITEMS 50
	mkdir restore/one
	cp visits/$VISITS/ann/1.json restore/one/
	cmp visits/ann/1.json one/ann/1.json
	nothing_refused
}

@test "one partition comes back, however it is copied" {
	begin
	cp -r visits/$VISITS/ann restore/by-cp
	cp -a "visits/$VISITS/c d" restore/spaced
	rsync -a visits/$VISITS/ann restore/by-rsync/
	rsync -a visits/$VISITS/ann/ restore/by-rsync-in/
	mkdir restore/below restore/by-tar restore/in-tar restore/single
	cp -r visits/$VISITS/ann restore/below/
	tar c -C visits/$VISITS ann | tar x -C restore/by-tar
	tar c -C visits/$VISITS/ann . | tar x -C restore/in-tar
	cp visits/$VISITS/ann/2.json visits/ann/3.json@seq-12 restore/single/
	for way in by-cp by-rsync by-rsync-in below by-tar in-tar; do
		echo "$way"
		diff -r visits/$VISITS/ann "$way/ann"
		[ "$(ls "$way")" = ann ]
		[ "$(jq -c .KeySchema "$way/.table.json")" = "$(jq -c .KeySchema visits/.table.json)" ]
	done
	diff -r "visits/$VISITS/c d" 'spaced/c d'
	[ "$(ls single/ann | tr '\n' ' ')" = '2.json 3.json ' ]
	nothing_refused
}

@test "a directory that is nobody's partition is refused with a reason" {
	begin
	mkdir restore/fixed
	run -1 mkdir restore/fixed/nobody
	tail -n 1 .pitr/errors.jsonl | grep -q 'no sort key'
}

@test "old versions come back under their own names" {
	begin
	echo '{"who":"new"}' >'orders/!1.json'
	mkdir restore/old
	cp "orders/!1.json@seq-50" "orders/!2.json@seq-50" restore/old/
	cmp "orders/$ITEMS/!1.json" 'old/!1.json'
	cmp "orders/$ITEMS/!2.json" 'old/!2.json'
	[ "$(ls old | wc -l)" -eq 2 ]
}

@test "a backup comes back by cp and rsync" {
	begin
	mkdir visits/@/backups/before
	rm -r visits/bob
	cp -r visits/@/backups/before restore/by-cp
	cp -r visits/@/backups/before restore/
	rsync -a visits/@/backups/before/ restore/by-rsync
	for way in by-cp before by-rsync; do
		restored "$way" visits/@/backups/before 15
		[[ "$(jq -r .Restore.SourceBackupArn "$way/.table.json")" == */backup/* ]]
	done
	rm -r visits
	cp -r @/backups/visits/before restore/visits
	[ "$(find visits -name '*.json' ! -name '.*' | wc -l)" -eq 15 ]
}

@test "a table's state in a snapshot of the whole store, and a live table, are copied too" {
	begin
	at=$(jq -r .Snapshot.Instant visits/$VISITS/.table.json)
	cp -r "@${at%Z}/visits" restore/earlier
	same "@${at%Z}/visits" earlier
	cp -r visits restore/now
	same visits now
	rm -r visits
	cp -r "@${at%Z}/visits" restore/
	same "@${at%Z}/visits" visits
	nothing_refused
}

@test "an item is copied within the mount piece by piece, read back, and written on" {
	begin
	mkdir copies restore/pieces
	python3 - "orders/$ITEMS" <<-'END'
		import os, sys
		def whole(source, target, piece):
		    read, write = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR | os.O_CREAT)
		    while os.copy_file_range(read, write, piece): pass
		    os.close(read)
		    return write
		state = sys.argv[1]
		for target in "copies", "restore/pieces":
		    os.close(whole(state + "/!1.json", target + "/!1.json", 7))
		    os.close(whole(state + "/!2.json", target + "/!2.json", 1 << 20))
		write = whole(state + "/!3.json", "copies/!3.json", 1 << 20)
		assert os.pread(write, 1 << 20, 0) == open(state + "/!3.json", "rb").read()
		assert os.fstat(write).st_size == os.stat(state + "/!3.json").st_size
		os.ftruncate(write, 0)
		os.pwrite(write, b'{"note":"else"}', 0)
		os.close(write)
	END
	for target in copies pieces; do
		cmp "orders/$ITEMS/!1.json" "$target/!1.json"
		cmp "orders/$ITEMS/!2.json" "$target/!2.json"
	done
	[ "$(jq -r .note 'copies/!3.json')" = else ]
	# Under another key it is refused, and kept.
	run -1 cp "orders/$ITEMS/!4.json" 'copies/!5.json'
	cmp "orders/$ITEMS/!4.json" .pitr/rejected/*
	[ "$(ls copies | wc -l)" -eq 3 ]
}

@test "rm -r drops a table of partitions in progress" {
	begin
	mkdir restore/fixed
	cp -r visits/$VISITS/.table.json visits/$VISITS/ann restore/fixed/
	[ "$(find restore/fixed -name '[0-9-]*.json' | wc -l)" -eq 5 ]
	rm -r restore/fixed
	[ -z "$(ls restore)" ]
	[ "$(pitr list-tables | jq -c .TableNames)" = '["orders","visits"]' ]
	[ "$(pitr list-backups | jq '.BackupSummaries | length')" -eq 0 ]
}

@test "keys are found for what rsync brings before the description" {
	pitr create-table --table-name people --attribute-definitions AttributeName=mail,AttributeType=S \
		--key-schema AttributeName=mail,KeyType=HASH --billing-mode PAY_PER_REQUEST >/dev/null
	begin
	for name in '!a' '#b' c d; do echo '{"n":1}' >"people/$name.json"; done
	rsync -a people/@latest/ restore/folk
	restored folk people/@latest 4
}
