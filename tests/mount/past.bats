#!/usr/bin/env bats
# Past instants: every written form, contents that never change, nothing that can be changed, nothing that is listed.

bats_require_minimum_version 1.5.0
load ../support/mount

# A table of three changes at known times: 1001 inserted at 12:00:00 and modified at 12:30:00.5, 1002 in between.
setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo 1740834000000000 >"$PITR_CLOCK_FILE" # 13:00
	pitr_setup
	cat >"$WORK/changes.jsonl" <<-'END'
		{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1740830400,"SequenceNumber":"1","Keys":{"id":{"S":"1001"}},"NewImage":{"id":{"S":"1001"},"total":{"N":"1"}}}}
		{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1740831000,"SequenceNumber":"2","Keys":{"id":{"S":"1002"}},"NewImage":{"id":{"S":"1002"},"total":{"N":"10"}}}}
		{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":1740832200.5,"SequenceNumber":"3","Keys":{"id":{"S":"1001"}},"NewImage":{"id":{"S":"1001"},"total":{"N":"2"}}}}
	END
	pitr import --table orders "$WORK/changes.jsonl"
	pitr_mount -o "clock_file=$WORK/clock"
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

# total PATH: of the item there.
total() {
	jq .total "$1"
}

told() {
	tail -n 1 .pitr/errors.jsonl | grep -qF -- "$1"
}

@test "every written form of an instant means what the table says" {
	local form
	for form in 2025-03-01T12:30:00 2025-03-01T12:30:00Z 2025-03-01T13:30:00+01:00 20250301T123000Z 2025-03-01T123000Z \
		2025-03-01T12:30 1740832200 1740832200.4 2025-03-01T12:30:00.499999 -30m -29m60s -1800s seq-2; do
		echo "@$form"
		[ "$(total "orders/@$form/1001.json")" = 1 ]
		[ "$(total "orders/1001.json@$form")" = 1 ]
		[ "$(ls "orders/@$form" | tr '\n' ' ')" = '1001.json 1002.json ' ]
	done
	for form in 2025-03-01T12:30:00.5 1740832200.5 1740832201 -29m latest seq-3 2025-03-01T12:45; do
		[ "$(total "orders/@$form/1001.json")" = 2 ]
		[ "$(total "orders/1001.json@$form")" = 2 ]
	done
	for form in 2025-03-01T12:00:00 earliest seq-1 -1h 1740830400; do
		[ "$(ls "orders/@$form")" = 1001.json ]
		run -2 ls "orders/1002.json@$form"
	done
}

@test "the whole store is there at an instant, too" {
	[ "$(ls @2025-03-01T12:30:00)" = orders ]
	[ "$(total @2025-03-01T12:30:00/orders/1001.json)" = 1 ]
	[ "$(total @latest/orders/1001.json)" = 2 ]
	[ "$(total @-30m/orders/1001.json)" = 1 ]
	[ "$(ls @2025-03-01T12:00:00/orders)" = 1001.json ]
	[ -z "$(ls @2025-03-01)" ]
	run -2 ls @seq-2
	run -2 ls @2025-03-01T12:30:00/@2025-03-01T12:00:00
	run -2 ls @2025-03-01T12:30:00/orders/@2025-03-01T12:00:00
	run -2 ls orders/@2025-03-01T12:30:00/@latest
}

@test "zone-less forms are of the zone asked for" {
	cd /
	pitr_umount
	pitr_mount -o "clock_file=$WORK/clock,tz=Europe/Berlin"
	cd "$MNT" || return
	[ "$(total orders/@2025-03-01T13:30:00/1001.json)" = 1 ]
	[ "$(total orders/@2025-03-01T12:30:00Z/1001.json)" = 1 ]
	[ "$(total orders/@2025-03-01T13:30:01/1001.json)" = 2 ]
}

@test "instants outside the window, and what is no instant, do not exist, and the reason is told" {
	local form
	for form in 2025-03-01T11:59:59 2025-03-01T13:00:01 2031-01-01 seq-0 seq-4 nonsense 123 2025-02-30 2025-13-01; do
		echo "@$form"
		run -2 ls "orders/@$form"
		[[ $output == *"No such file"* ]]
		told "orders/@$form"
		run -2 ls "orders/1001.json@$form"
	done
	run -2 ls orders/@2025-03-01T11:59:59
	grep -F 2025-03-01T12:00:00Z .pitr/errors.jsonl | grep -qF 'orders/@2025-03-01T11:59:59'
	before=$(wc -l <.pitr/errors.jsonl)
	run -2 ls orders/@nonsense orders/@nonsense
	[ "$(wc -l <.pitr/errors.jsonl)" -eq "$before" ]
	run -2 ls missing.json@-1h orders/@ @
}

@test "after now there is nothing, and when now comes it is there" {
	run -2 ls orders/@2025-03-01T13:00:01
	echo 1740834002000000 >"$WORK/clock"
	[ "$(total orders/@2025-03-01T13:00:01/1001.json)" = 2 ]
}

@test "an instant that was shown never changes, whatever the clock does" {
	ls orders/@2025-03-01T13:00:00 >/dev/null
	echo 1740830000000000 >"$WORK/clock"
	echo '{"total":3}' >orders/1001.json
	[ "$(total orders/1001.json)" = 3 ]
	[ "$(total orders/@2025-03-01T13:00:00/1001.json)" = 2 ]
	[ "$(total orders/@20250301T130000Z/1001.json)" = 2 ]
	[ "$(total orders/@latest/1001.json)" = 3 ]
}

@test "a relative instant stays what it is while it is used, and @latest follows the changes" {
	before=$(stat -c %Y orders/@-15m)
	[ "$before" -eq 1740833100 ]
	echo 1740834005000000 >"$WORK/clock"
	[ "$(stat -c %Y orders/@-15m)" -eq "$before" ]
	[ "$(total orders/@latest/1001.json)" = 2 ]
	echo '{"total":3}' >orders/1001.json
	[ "$(total orders/@latest/1001.json)" = 3 ]
	[ "$(stat -c %Y orders/@-15m)" -eq "$before" ]
	sleep 10.5
	[ "$(stat -c %Y orders/@-15m)" -eq $((before + 5)) ]
}

@test "nothing in the past can be changed" {
	local past command
	for past in orders/@2025-03-01T12:30:00 @2025-03-01T12:30:00/orders; do
		for command in "touch $past/1001.json" "rm $past/1001.json" "cp /dev/null $past/1001.json" "mkdir $past/x" \
			"mv $past/1001.json $past/1003.json" "mv $past/1001.json orders/1003.json" "mv orders/1001.json $past/1003.json" \
			"chmod 600 $past/1001.json" "truncate -s 0 $past/1001.json" "ln -s x $past/x" "rmdir $past" \
			"rm $past/.table.json" "touch $past/new.json" "sed -i s/1/2/ $past/1001.json" "mv $past orders/x" "touch $past"; do
			echo "$command"
			run ! $command
			[[ $output == *"Read-only file system"* ]]
		done
	done
	run -1 touch orders/1001.json@seq-1
	[[ $output == *"Read-only file system"* ]]
	run -1 mkdir orders/@2030-01-01
	[[ $output == *"Read-only file system"* ]]
	[ "$(total orders/@2025-03-01T12:30:00/1001.json)" = 1 ]
	[ "$(pitr status --json | jq '.tables[0].changes')" -eq 3 ]
}

@test "no program that walks the tree meets an instant" {
	ls orders/@2025-03-01T12:30:00 @2025-03-01T12:30:00 orders/1001.json@-30m >/dev/null
	[ "$(find . | sort | tr '\n' ' ')" = '. ./orders ./orders/.table.json ./orders/1001.json ./orders/1002.json ./restore ' ]
	[ "$(find . -name '*@*' | wc -l)" -eq 0 ]
	[[ "$(ls -aR)" != *@* ]]
	[ "$(grep -rl total . | sort | tr '\n' ' ')" = './orders/1001.json ./orders/1002.json ' ]
}

@test "sizes, times and modes are those of the version" {
	[ "$(stat -c '%Y %a' orders/@2025-03-01T12:45/1001.json)" = '1740832200 400' ]
	[ "$(stat -c '%y %z' orders/@2025-03-01T12:45/1001.json | grep -o '\.500000000' | wc -l)" -eq 2 ]
	[ "$(stat -c '%Y %a' orders/@2025-03-01T12:45)" = '1740833100 500' ]
	[ "$(stat -c '%Y %a' @2025-03-01T12:45)" = '1740833100 500' ]
	[ "$(stat -c %Y orders/@seq-2)" -eq 1740831000 ]
	[ "$(stat -c %Y orders/@latest)" -eq 1740832200 ]
	local file
	for file in orders/@2025-03-01T12:30:00/{1001.json,1002.json,.table.json} orders/{1001.json,.table.json}; do
		[ "$(stat -c %s "$file")" -eq "$(wc -c <"$file")" ]
		[ "$(stat -c %s "$file")" -eq "$(cat "$file" | wc -c)" ]
	done
	[ "$(jq .ItemCount orders/@seq-1/.table.json)" = 1 ]
	[ "$(jq .ItemCount orders/@latest/.table.json)" = 2 ]
}

@test "inode numbers are distinct between views, the same in every mount, and grow as a directory is listed" {
	numbers() {
		stat -c '%i %n' orders orders/{.table.json,1001.json,1002.json} orders/@seq-{2,3} orders/@seq-{2,3}/{.table.json,1001.json,1002.json}
	}
	numbers >"$WORK/numbers"
	[ "$(cut -d' ' -f1 "$WORK/numbers" | sort -u | wc -l)" -eq 12 ]
	ls -fi orders/@seq-2 | awk '$2 !~ /^\.\.?$/ { print $1 }' >"$WORK/listed"
	sort -n "$WORK/listed" | diff - "$WORK/listed"
	stat -c %i orders/@seq-2/{.table.json,1001.json,1002.json} | diff - "$WORK/listed"
	cd /
	pitr_umount
	pitr_mount -o ro
	cd "$MNT" || return
	numbers | diff - "$WORK/numbers"
}

@test "two instants differ by what changed between them, for diff -r" {
	run -1 diff -rq --exclude=.table.json orders/@seq-1 orders/@seq-3
	[ "$output" = $'Files orders/@seq-1/1001.json and orders/@seq-3/1001.json differ\nOnly in orders/@seq-3: 1002.json' ]
	diff -r --exclude=.table.json orders/@seq-3 orders
	diff -r orders/@2025-03-01T12:30:00 orders/@20250301T123000Z
	cp -r orders/@seq-2 "$WORK/copy"
	diff -r orders/@seq-2 "$WORK/copy"
	rsync -a orders/@seq-2/ "$WORK/copy"
	[ -z "$(rsync -ai --omit-dir-times orders/@seq-2/ "$WORK/copy")" ]
}

@test "an item comes back by cp from the past" {
	cp orders/@2025-03-01T12:30:00/1001.json orders/
	[ "$(total orders/1001.json)" = 1 ]
	cp orders/1001.json@seq-3 orders/1001.json
	[ "$(total orders/1001.json)" = 2 ]
	rm orders/1002.json
	cp orders/1002.json@seq-3 orders/1002.json
	[ "$(total orders/1002.json)" = 10 ]
}

@test "partitions in the past have their items and single items have their instants" {
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	rm "$WORK/clock"
	eventually ls visits
	mkdir visits/ann
	echo '{"page":"/"}' >visits/ann/1.json
	echo '{"page":"/x"}' >visits/ann/1.json
	echo '{"page":"/"}' >visits/ann/2.json
	rm -r visits/ann
	[ -z "$(ls visits)" ]
	[ "$(ls visits/@seq-1)" = ann ]
	last=$(pitr status --json | jq '.tables[] | select(.name == "visits") | .changes')
	local seq files=
	for ((seq = 1; seq <= last; seq++)); do
		files+=$(find "visits/@seq-$seq" -name '[0-9]*.json' | wc -l)
	done
	[[ $files =~ ^0*1+2+1+0+$ ]]
	[ -z "$(ls "visits/@seq-$last")" ]
	mkdir visits/ann
	[ "$(jq -r .page "visits/ann/1.json@seq-$((last - 3))")" = /x ]
	run -2 ls visits/ann/@latest
	run -2 ls visits/ann@latest
}

@test "a table that is gone is there before its end" {
	rm "$WORK/clock"
	before=$(date -u +%Y-%m-%dT%H:%M:%S.%6N)
	rm -r orders
	[ ! -e orders ]
	[ "$(ls "@$before/orders" | wc -l)" -eq 2 ]
	[ "$(total "@$before/orders/1001.json")" = 2 ]
	mkdir orders
	[ "$(total "@$before/orders/1001.json")" = 2 ]
	run -2 ls "orders/@$before"
}
