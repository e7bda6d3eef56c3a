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
