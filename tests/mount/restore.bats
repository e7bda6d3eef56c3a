#!/usr/bin/env bats
# restore/: tables in progress, what becomes of them, and links that restore at once.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	seq 1 40 | sed 's/.*/{"id":"&","customer":"c&","total":&}/' | pitr import --table orders --key id - 2>/dev/null
	T=@seq-30
	pitr_mount
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

# same STATE TABLE: item for item.
same() {
	diff -r -x .table.json "$1" "$2" && [ "$(jq -c .KeySchema "$1/.table.json")" = "$(jq -c .KeySchema "$2/.table.json")" ]
}

absent() {
	[ ! -e "$1" ] && [ ! -L "$1" ]
}

lists() {
	[ "$(ls "$1" | tr '\n' ' ')" = "$2" ]
}

status_of() {
	jq -r '"\(.TableStatus) \(.Restore.ItemsCopied) \(.Restore.ItemsExpected)"' "$1/.table.json"
}

# Half of the items, and the description that says there are more.
begin_copy() {
	mkdir "restore/$1"
	cp orders/$T/.table.json orders/$T/1*.json "restore/$1/"
}

# refused WORDS...: the last refusal says so.
refused() {
	local word message
	message=$(tail -n 1 .pitr/errors.jsonl | jq -r '"\(.error) \(.path) \(.message)"')
	for word; do
		[[ $message == *"$word"* ]] || {
			echo "not told: $word; but: $message"
			return 1
		}
	done
}

@test "what is in progress stands in restore/ only, and tells how far it is" {
	lists . 'orders restore '
	begin_copy fixed
	lists restore 'fixed '
	lists . 'orders restore '
	absent fixed
	absent @latest/fixed
	[ "$(status_of restore/fixed)" = 'CREATING 11 30' ]
	[ "$(jq -r '"\(.Restore.SourceTable) \(.Restore.Way)"' restore/fixed/.table.json)" = 'orders copy' ]
	[ "$(pitr describe-table --table-name fixed | jq -r .Table.TableStatus)" = CREATING ]
	run -1 mkdir fixed
	refused EEXIST fixed 'rm -r restore/fixed'
	cp orders/$T/2*.json orders/$T/3*.json orders/$T/[4-8].json restore/fixed/
	[ "$(status_of restore/fixed)" = 'CREATING 29 30' ]
	absent fixed
	cp orders/$T/9.json restore/fixed/
	same orders/$T fixed
	[ "$(status_of fixed)" = 'ACTIVE 30 30' ]
	lists . 'fixed orders restore '
	lists restore ''
	# Its past begins with it.
	at=$(jq -r .Snapshot.Instant orders/$T/.table.json)
	absent "fixed/@${at%Z}"
	absent fixed/@seq-29
	refused ENOENT fixed/@seq-29 'still being restored'
	same orders/$T fixed/@seq-30
	same orders/$T fixed/@latest
	[ "$(jq -r .TableStatus fixed/@latest/.table.json)" = ACTIVE ]
}

@test "a copy that was interrupted is finished by running it again" {
	begin_copy one
	begin_copy two
	begin_copy three
	mkdir restore/four
	begin_copy $T
	cd / && pitr_umount && pitr_mount && cd "$MNT"
	lists restore 'four one restored-seq-30 three two '
	run -1 cp -r orders/@seq-29 restore/one
	refused EEXIST restore/one/@seq-29 'choose another name'
	cp -r orders/$T restore/one
	same orders/$T one
	rsync -a orders/$T/ restore/two/
	same orders/$T two
	tar c -C orders/$T . | tar x -C restore/three
	same orders/$T three
	cp -r orders/$T restore/four
	same orders/$T four
	cp -r orders/$T restore/
	same orders/$T restored-seq-30
	lists restore ''
	# The items were not written anew.
	[ "$(pitr status --json | jq '.tables[] | select(.name == "one") | .changes')" -eq 30 ]
}

@test "rm -r drops what is in progress, and nothing that is restored" {
	begin_copy fixed
	rm -r restore/fixed
	absent restore/fixed
	absent fixed
	cp -r orders/$T restore/fixed
	run -1 rm -r restore/fixed
	refused EPERM restore/fixed 'stands at the root'
	same orders/$T fixed
	eventually absent restore/fixed
	run -1 rmdir restore
}

@test "an existing table is never overwritten" {
	echo '{"note":"mine"}' >orders/1.json
	run -1 cp -r orders/$T restore/orders
	refused EEXIST restore/orders 'choose another name'
	run -1 ln -s ../orders/$T restore/orders
	run -1 mkdir restore/orders
	run -23 rsync -a orders/$T/ restore/orders/ || [ "$status" -ne 0 ]
	[ "$(jq -r .note orders/1.json)" = mine ]
	# What was restored is written to at the root, not by the old way.
	begin_copy fixed
	run ! cp orders/@seq-40/40.json restore/fixed/
	refused EINVAL restore/fixed/40.json 'no such item'
	cp -r orders/$T restore/fixed
	lists restore ''
	run ! cp orders/@seq-40/40.json restore/fixed/
	refused EEXIST restore/fixed/40.json 'write to fixed/ itself'
	echo '{"late":true}' >"$WORK/late.json"
	run ! cp "$WORK/late.json" restore/fixed/5.json
	run -1 rm restore/fixed/6.json
	sleep 2.2
	absent restore/fixed
	same orders/$T fixed
	run -1 ln -sf ../orders/$T restore/fixed
	lists . 'fixed orders restore '
}

@test "a link restores the whole table at once" {
	mkdir orders/@/backups/before
	local form number=0
	for form in ../orders/$T orders/$T ../orders/$T/ "$MNT/orders/$T" ./../orders/../orders/$T; do
		number=$((number + 1))
		ln -s "$form" "restore/link-$number"
		[ "$(readlink "restore/link-$number")" = "../link-$number" ]
		[ "$(ls "link-$number" | wc -l) $(ls "restore/link-$number/" | wc -l)" = '30 30' ]
	done
	for form in ../orders ../orders/ ../@latest/orders ../orders/@/backups/before ../@/backups/orders/before; do
		number=$((number + 1))
		ln -s "$form" "restore/link-$number"
		[ "$(ls "link-$number" | wc -l)" -eq 40 ]
	done
	lists restore ''
	same orders/$T link-1
	same orders link-9
	[ "$(jq -r .Restore.Way link-1/.table.json)" = share ]
	[[ "$(jq -r .Restore.SourceBackupArn link-9/.table.json)" == *:table/orders/backup/* ]]
	# Both live apart.
	echo '{"total":0}' >link-1/1.json
	rm link-1/2.json orders/3.json
	same orders/$T link-2
	[ "$(jq .total orders/1.json)" -eq 1 ]
	[ -e orders/2.json ]
	[ -e link-1/3.json ]
	run -1 rm restore/link-2
	refused EPERM restore/link-2 'delete-table'
	same orders/$T link-2
	rm -r link-2
	eventually absent restore/link-2
}

@test "a link to a snapshot under its own name" {
	ln -s ../orders/$T restore/
	[ "$(readlink restore/$T)" = ../restored-seq-30 ]
	same orders/$T restored-seq-30
	run -1 ln -s ../orders/$T restore/
	at=$(jq -r .Snapshot.Instant orders/@seq-40/.table.json)
	ln -s "../orders/@${at%Z}" restore/
	[ "$(readlink "restore/@${at%Z}")" = "../restored-$(tr : - <<<"${at%Z}")" ]
	# What is written relative to now is named after the instant it means.
	ls -d restored-* >"$WORK/before"
	echo '{"total":0}' >orders/1.json
	cp -r orders/@latest restore/
	same orders "$(ls -d restored-* | comm -13 "$WORK/before" -)"
	echo '{"total":-1}' >orders/1.json
	ln -s ../orders/@latest restore/latest
	same orders latest
}

@test "links to anything else are refused, and say what is meant" {
	local form
	for form in ../orders/@2030-01-01 ../orders/1.json ../orders/$T/1.json /etc/passwd ../@latest .. ../.. ../orders/@; do
		run -1 ln -s "$form" restore/fixed
		absent restore/fixed
	done
	run -1 ln -s ../nothing restore/fixed
	refused ENOENT restore/fixed '../orders/@2025-03-01T12:30:00'
	run -1 ln -s ../orders/$T restore/no
	refused EINVAL restore/no 'length greater than or equal to 3'
	run -1 ln -s ../orders/$T fixed
	run -1 ln -s 1.json orders/2.lnk
	lists . 'orders restore '
}

@test "single items and a handful of them make a table of the source's keys" {
	mkdir restore/one
	cp orders/$T/7.json restore/one/
	lists one '7.json '
	mkdir restore/some
	cp orders/$T/1?.json restore/some/
	lists some "$(seq 10 19 | sed 's/$/.json/' | tr '\n' ' ')"
	# The session goes on for a moment, for those who copy one by one.
	for id in 20 21 22; do
		cp "orders/$id.json@seq-30" restore/some/
	done
	[ "$(ls some | wc -l)" -eq 13 ]
	[ "$(jq -r .TableStatus some/.table.json)" = ACTIVE ]
	sleep 2.2
	run -1 cp orders/$T/23.json restore/some/
	[ "$(ls some | wc -l)" -eq 13 ]
	# Nothing in it, nothing to be whole.
	mkdir restore/none
	lists restore 'none '
	absent none
}

@test "what was written by hand finds its keys, or has id" {
	pitr create-table --table-name people --attribute-definitions AttributeName=mail,AttributeType=S \
		--key-schema AttributeName=mail,KeyType=HASH --billing-mode PAY_PER_REQUEST >/dev/null
	mkdir restore/folk restore/other
	bash -c 'echo "{\"mail\":\"a@b.org\",\"name\":\"A\"}" >restore/folk/a@b.org.json'
	lists folk 'a@b.org.json '
	[ "$(jq -r .KeySchema[0].AttributeName folk/.table.json)" = mail ]
	bash -c 'echo "{\"name\":\"B\"}" >restore/other/b.json'
	[ "$(jq -c . other/b.json)" = '{"id":"b","name":"B"}' ]
}

@test "two mounts see a restore alike" {
	mkdir "$WORK/other"
	pitr_mount_at "$STORE" "$WORK/other"
	begin_copy fixed
	eventually lists "$WORK/other/restore" 'fixed '
	[ "$(status_of "$WORK/other/restore/fixed")" = 'CREATING 11 30' ]
	run -1 mkdir "$WORK/other/fixed"
	# The one finishes what the other began.
	cp -r "$WORK/other/orders/$T" "$WORK/other/restore/fixed"
	eventually same orders/$T fixed
	eventually lists restore ''
	cd / && pitr_umount "$WORK/other"
}

@test "the table at the root and the way it came are one" {
	cat >"$WORK/copy.bash" <<-END
		cp -r orders/$T restore/fixed
		touch "$WORK/copied"
		read -r go <"$WORK/go"
		touch -d 2020-01-01 restore/fixed && chmod 700 restore/fixed
	END
	mkfifo "$WORK/go"
	bash -c "mkdir restore/open; . '$WORK/copy.bash'; :" &
	eventually test -e "$WORK/copied"
	ls restore/fixed fixed >/dev/null
	echo '{"total":0}' >fixed/1.json
	rm fixed/2.json
	eventually grep -q '"total": 0' restore/fixed/1.json
	eventually absent restore/fixed/2.json
	echo go >"$WORK/go"
	wait $!
	lists restore 'open '
}

@test "the description may come last, and be of an empty table" {
	mkdir restore/last
	python3 - "orders/$T" restore/last <<-'END'
		import os, shutil, sys
		names = [name for name in os.listdir(sys.argv[1]) if name != ".table.json"]
		for name in names + [".table.json"]:
		    shutil.copyfile(os.path.join(sys.argv[1], name), os.path.join(sys.argv[2], name))
	END
	same orders/$T last
	[ "$(status_of last)" = 'ACTIVE 30 30' ]
	pitr create-table --table-name empty --attribute-definitions AttributeName=k,AttributeType=N \
		--key-schema AttributeName=k,KeyType=HASH --billing-mode PAY_PER_REQUEST >/dev/null
	cp -r empty/@latest restore/nothing
	same empty/@latest nothing
	lists restore ''
}
