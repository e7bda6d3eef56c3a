#!/usr/bin/env bats
# What is different between two instants: @/diff/T1..T2/ in tables and at the root, and `pitr diff`.

bats_require_minimum_version 1.5.0
load ../support/mount

# Flat: at 12:00 a1, a2, a3, a4; 12:10 a1 changed; 12:20 a2 removed; 12:30 b1 inserted, a3 changed and changed back; 12:40 a4 removed and
# inserted as it was. Sorted, with the same times: p/x and p/y; p/x changed; q/z inserted; p/y removed.
line() { # EVENT EPOCH SEQ KEY ATTRIBUTES
	local keys=$4 image=""
	[ "$1" = REMOVE ] || image=",\"NewImage\":{$4${5:+,$5}}"
	printf '{"eventName":"%s","dynamodb":{"ApproximateCreationDateTime":%s,"SequenceNumber":"%s","Keys":{%s}%s}}\n' "$1" "$2" "$3" "$keys" "$image"
}
flat() { line "$1" "$2" "$3" "\"id\":{\"S\":\"$4\"}" "${5-}"; }
sorted() { line "$1" "$2" "$3" "\"id\":{\"S\":\"$4\"},\"s\":{\"N\":\"$5\"}" "${6-}"; }

setup_file() {
	export PITR_CLOCK_FILE=$BATS_FILE_TMPDIR/clock
	echo 1740834000000000 >"$PITR_CLOCK_FILE" # 13:00
	WORK=$BATS_FILE_TMPDIR
	pitr_prepare
	{
		flat INSERT 1740830400 1 a1 '"n":{"N":"1"},"tags":{"SS":["x","y"]}'
		flat INSERT 1740830400 2 a2 '"n":{"N":"2"}'
		flat INSERT 1740830400 3 a3 '"n":{"N":"3"}'
		flat INSERT 1740830400 4 a4 '"n":{"N":"4"}'
		flat MODIFY 1740831000 5 a1 '"n":{"N":"12345678901234567890123456789012345678"},"tags":{"SS":["x"]}'
		flat REMOVE 1740831600 6 a2
		flat INSERT 1740832200 7 b1 '"n":{"N":"5"}'
		flat MODIFY 1740832200 8 a3 '"n":{"N":"9"}'
		flat MODIFY 1740832200 9 a3 '"n":{"N":"3"}'
		flat REMOVE 1740832800 10 a4
		flat INSERT 1740832800 11 a4 '"n":{"N":"4"}'
	} >"$WORK/flat.jsonl"
	{
		sorted INSERT 1740830400 1 p 1 '"n":{"N":"1"}'
		sorted INSERT 1740830400 2 p 2 '"n":{"N":"1"}'
		sorted MODIFY 1740831000 3 p 1 '"n":{"N":"2"}'
		sorted INSERT 1740831600 4 q 3 '"n":{"N":"1"}'
		sorted REMOVE 1740832200 5 p 2
	} >"$WORK/sorted.jsonl"
	pitr import --table orders "$WORK/flat.jsonl"
	pitr import --table events --key id,s "$WORK/sorted.jsonl"
}

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo 1740834000000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	BEFORE=2025-03-01T12:05 AFTER=2025-03-01T12:50
}

teardown() {
	cd /
	pitr_teardown
}

mounted() {
	pitr_mount -o "clock_file=$WORK/clock"
	cd "$MNT" || return
}

sizes_are_true() {
	local file
	while read -r file; do
		[ "$(stat -c %s "$file")" = "$(wc -c <"$file")" ] || return 1
	done < <(find "$1" -type f)
}

told() {
	tail -n 1 .pitr/errors.jsonl | grep -qF -- "$1"
}

@test "what was added, removed and changed stands in directories" {
	local listed diff=orders/@/diff/$BEFORE..$AFTER
	mounted
	[ "$(find "$diff" -type f -printf '%P\n' | sort | tr '\n' ' ')" = 'added/b1.json changed/a1.json removed/a2.json summary.json ' ]
	[ -z "$(ls orders/@/diff)" ]
	listed=(orders/@/di*)
	[ "${listed[*]}" = orders/@/diff ]
	sizes_are_true "$diff"
	jq -e '.added == 1 and .removed == 1 and .changed == 1 and .changes == 7 and .from.seq == 4 and .to.time == "2025-03-01T12:50:00Z"' "$diff/summary.json"
	cmp "$diff/added/b1.json" "orders/b1.json"
	cmp "$diff/removed/a2.json" "orders/a2.json@$BEFORE"
	[ "$(stat -c %Y "$diff/removed/a2.json")" = 1740831600 ]
	[ "$(stat -c %Y "$diff/changed/a1.json")" = 1740831000 ]
	[ "$(stat -c %Y "$diff")" = 1740833400 ]
	run -1 touch "$diff/added/new.json"
	run -1 rm "$diff/added/b1.json"
	# Backwards.
	[ "$(ls "orders/@/diff/$AFTER..$BEFORE/added")" = a2.json ]
	[ "$(ls "orders/@/diff/$AFTER..$BEFORE/removed")" = b1.json ]
	[ "$(ls "orders/@/diff/$AFTER..$AFTER")" = "$(printf 'added\nchanged\nremoved\nsummary.json')" ]
	[ -z "$(find "orders/@/diff/$AFTER..$AFTER" -name 'a*.json')" ]
}

@test "a changed item is told before, after and as a patch" {
	local diff file=orders/@/diff/$BEFORE..$AFTER/changed/a1.json
	mounted
	jq -r '.before' "$file" | diff - <(jq . "orders/a1.json@$BEFORE")
	jq -e '.key == {"id":"a1"} and .last.op == "MODIFY" and .last.seq == 5 and .last.time == "2025-03-01T12:10:00Z" and .last.author.by == "import"' "$file"
	grep -qF '"n": 12345678901234567890123456789012345678' "$file"
	jq -ec '.patch | map([.op, .path])' "$file" | grep -qxF '[["replace","/n"],["replace","/tags"]]'
	# Laid out as jq does, but for long numbers and the author's line.
	diff <(sed 's/[0-9]\{30,\}/1/;/"author"/d' "$file") <(jq . "$file" | sed 's/1\.2.*e+37/1/;/"author": {/,/^    }/d')
	dd if="$file" bs=7 status=none | cmp - "$file"
	# Partitions are directories.
	diff=events/@/diff/$BEFORE..$AFTER
	[ "$(find "$diff" -type f -printf '%P\n' | sort | tr '\n' ' ')" = 'added/q/3.json changed/p/1.json removed/p/2.json summary.json ' ]
	sizes_are_true "$diff"
	run -2 ls "$diff/added/p"
	run -2 ls "$diff/changed/p/2.json"
	[ "$(jq .n "$diff/changed/p/1.json" 2>/dev/null; jq -c '[.before.n, .after.n]' "$diff/changed/p/1.json")" = "$(printf 'null\n[1,2]')" ]
}

@test "tools copy out of it, and bring back what went" {
	local diff=orders/@/diff/$BEFORE..$AFTER
	mounted
	rsync -a "$diff/" "$WORK/copy/"
	diff -r "$diff" "$WORK/copy"
	cp -r "$diff" "$WORK/copy2"
	diff -r "$WORK/copy" "$WORK/copy2"
	tar -C "$diff" -cf - . | tar -C "$WORK" -tf - | grep -q changed/a1.json
	grep -rl '"n": 2' "$diff" | grep -q removed/a2.json
	run -1 cat orders/a2.json
	cp -r "$diff/removed/." orders/
	[ "$(jq .n orders/a2.json)" = 2 ]
	cp -r "events/@/diff/$BEFORE..$AFTER/removed/." events/
	[ "$(jq .n events/p/2.json)" = 1 ]
	cp -r "$diff/removed" restore/gone
	eventually test -e gone/a2.json
}

@test "instants have every form, and wrong ones are told" {
	local form
	mounted
	for form in @$BEFORE..@$AFTER 1740830700..1740833400 -55m..-10m seq-4..seq-11 seq-4..latest 2025-03-01T13:05+01:00..-600s; do
		echo "$form"
		[ "$(ls "orders/@/diff/$form/changed")" = a1.json ]
		[ "$(ls "orders/@/diff/$form/added")" = b1.json ]
	done
	[ "$(ls orders/@/diff/seq-1..earliest/added | tr '\n' ' ')" = 'a2.json a3.json a4.json ' ]
	run -2 ls orders/@/diff/nonsense
	told 'T1..T2'
	run -2 ls "orders/@/diff/$BEFORE..2026-01-01"
	told '2026'
	run -2 ls "orders/@/diff/2020-01-01..$BEFORE"
	told window
	run -2 ls "@/diff/seq-1..$BEFORE"
}

@test "a relative instant keeps its meaning while in use" {
	mounted
	[ -z "$(ls orders/@/diff/-10m..-0s/added)" ]
	echo '{"n":1}' >orders/c1.json
	echo 1740834001000000 >"$WORK/clock"
	[ -z "$(ls orders/@/diff/-10m..-0s/added)" ]
	[ "$(ls orders/@/diff/-10m..latest/added)" = c1.json ]
	[ "$(ls orders/@/diff/-10m1s..-0s/added)" = c1.json ]
}

@test "what came before the last change stands still for the process that copies out of it, and its files are the same for all" {
	mounted
	python3 - <<-'PY'
	import os, subprocess, time
	place = "orders/@/diff/-55m..latest/removed"
	for name in os.listdir(place):
	    before = os.stat(f"{place}/{name}")
	    open("orders/c1.json", "w").write('{"n":%d}' % time.monotonic_ns())
	    os.stat("orders/c1.json")
	    time.sleep(0.03)
	    subprocess.run(["ls", place])
	    with open(f"{place}/{name}") as file:
	        assert os.path.samestat(before, os.fstat(file.fileno())), name
	        open(f"orders/{name}", "w").write(file.read())
	PY
	[ "$(jq .n orders/a2.json)" -eq 2 ]
	[ -z "$(ls orders/@/diff/-55m..latest/removed)" ]
	[ "$(ls orders/@/diff/-55m..latest/added | tr '\n' ' ')" = 'b1.json c1.json ' ]
}

is_forgotten() {
	! ls "$1" >"$WORK/listed" 2>&1
}

@test "what retention has forgotten is refused, known or not" {
	mounted
	jq '.PointInTimeRecoveryDescription.RecoveryPeriodInDays = 1' orders/.table.json >"$WORK/table"
	cat "$WORK/table" >orders/.table.json
	[ "$(ls "orders/@/diff/$BEFORE..$AFTER/added")" = b1.json ]
	echo 1740999999000000 >"$WORK/clock"
	pitr gc
	eventually is_forgotten "orders/@/diff/$BEFORE..$AFTER/added"
	run -2 ls "orders/@/diff/$BEFORE..latest"
	told window
}

@test "what an import adds before the second instant belongs to it" {
	mounted
	[ "$(ls "orders/@/diff/$BEFORE..$AFTER/added")" = b1.json ]
	flat INSERT 1740833100 12 d1 '"n":{"N":"1"}' >"$WORK/more.jsonl"
	pitr import --table orders "$WORK/more.jsonl"
	eventually test -e "orders/@/diff/$BEFORE..$AFTER/added/d1.json"
	[ "$(jq .added "orders/@/diff/$BEFORE..$AFTER/summary.json")" = 2 ]
}

@test "at the root there is one for each table" {
	mounted
	[ "$(ls "@/diff/$BEFORE..$AFTER" | tr '\n' ' ')" = 'events orders ' ]
	diff -r "@/diff/$BEFORE..$AFTER/orders/changed" "orders/@/diff/$BEFORE..$AFTER/changed"
	[ "$(ls "@/diff/$BEFORE..$AFTER/events/added")" = q ]
	# A table that was not there yet was empty.
	mkdir newer
	echo '{"n":1}' >newer/one.json
	cat newer/one.json
	echo 1740834002000000 >"$WORK/clock"
	[ "$(ls "@/diff/$BEFORE..-1s/newer/added")" = one.json ]
}

@test "the command tells the same" {
	run -1 pitr diff orders $BEFORE $AFTER --name-only
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'a1.json a2.json b1.json ' ]
	run -1 pitr diff events $BEFORE $AFTER --name-only
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'p/1.json p/2.json q/3.json ' ]
	run -0 pitr diff orders $AFTER -0s
	[ -z "$output" ]
	run -2 pitr diff orders
	run -2 pitr diff nothing -1h
	run -2 pitr diff orders 2020-01-01
	run -1 pitr diff orders $BEFORE --json
	[ "$(jq -rc 'select(.kind == "changed") | [.name, .last.op, (.patch | length)]' <<<"$output")" = '["a1.json","MODIFY",2]' ]
	[ "$(jq -rc 'select(.kind == "removed") | [.before.n, .after]' <<<"$output")" = '[2,null]' ]
	run -1 pitr diff orders $BEFORE $AFTER --stat
	[[ "${lines[-1]}" == '3 items: 1 added, 1 removed, 1 changed; lines +6 -7; by 3 changes' ]]
	run -1 pitr diff events $BEFORE $AFTER --name-only p
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'p/1.json p/2.json ' ]
	run -1 pitr diff events $BEFORE $AFTER --name-only p/1 'q/*'
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'p/1.json q/3.json ' ]
	run -0 pitr diff orders $BEFORE $AFTER a3.json a4
	[ -z "$output" ]
	# What never was is no answer.
	run -2 pitr diff orders $BEFORE $AFTER nosuch 'a*'
	[ "$output" = "pitr: orders has no item nosuch, and had none in the time that can be told" ]
	run -2 pitr diff events $BEFORE $AFTER nosuch
	run -2 pitr diff events $BEFORE $AFTER p/7
	run -2 pitr diff orders $BEFORE $AFTER p/7
	run -0 pitr diff orders $BEFORE $AFTER 'none*'
	run -0 pitr diff events 2025-03-01T12:45 $AFTER q
	# A table that was dropped goes on being found by its name.
	pitr delete-table --table-name orders >"$WORK/out"
	run -1 --separate-stderr pitr diff orders $BEFORE --name-only
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'a1.json a2.json b1.json ' ]
	run -1 pitr diff orders seq-4 seq-5
	[[ "$output" == *"+++ orders/@seq-5/a1.json"* ]]
	run -1 pitr diff orders $BEFORE a1
	[[ "$output" == *"--- @2025-03-01T12:05:00/orders/a1.json"* ]]
}

@test "its lines are a diff that can be applied" {
	mounted
	mkdir "$WORK/tree" "$WORK/tree/orders"
	cp "orders/@$BEFORE"/*.json "$WORK/tree/orders/"
	pitr diff orders $BEFORE $AFTER | sed "s,/@2025-03-01T12:[05]*:00/,/," >"$WORK/patch" || true
	(cd "$WORK/tree" && patch -s -p0 <"$WORK/patch")
	diff -r "$WORK/tree/orders" "orders/@$AFTER" -x .table.json
	# Hunks are those of diff -u.
	jq -n '[range(40) | {"k\(100 + .)": .}] | add' >orders/wide.json
	cat orders/wide.json >"$WORK/wide"
	jq '.k101 = "x" | del(.k104, .k139) | .k112 = 0 | .k130 = [1, 2]' "$WORK/wide" >orders/wide.json
	diff -u "$WORK/wide" orders/wide.json | tail -n +3 >"$WORK/wanted" || true
	[ "$(grep -c ^@@ "$WORK/wanted")" -gt 1 ]
	pitr diff orders seq-12 wide | tail -n +5 | diff "$WORK/wanted" -
	run -1 pitr diff orders $BEFORE $AFTER --color=always a2
	[[ "$output" == *$'\033[31m-{\033[m'* ]]
}

refused() { # MESSAGE COMMAND...
	local message=$1
	shift
	! "$@" >"$WORK/refused" 2>&1 && grep -qF -- "$message" "$WORK/refused"
}

# Damages the content of items, where the same is not stored again.
damage() { # FROM TO
	python3 - "$STORE/data.mdb" "$1" "$2" <<-'PY'
	import sys
	name, before, after = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
	bytes = open(name, "rb").read()
	assert before in bytes and len(before) == len(after)
	open(name, "r+b").write(bytes.replace(before, after))
	PY
}

@test "what is damaged is listed and says so when it is read, and the others are told" {
	local diff between=seq-11..latest
	mounted
	for name in c1 c2 c3; do
		echo "{\"text\":\"the text of $name\"}" >"orders/$name.json"
		mkdir -p "events/$name"
		echo "{\"text\":\"an event of $name\"}" >"events/$name/1.json"
	done
	cd /
	pitr_umount "$MNT"
	damage 'the text of c2' 'the test of c2'
	damage 'an event of c2' 'an evens of c2'
	mounted
	diff=orders/@/diff/$between
	[ "$(ls "$diff/added" | tr '\n' ' ')" = 'c1.json c2.json c3.json ' ]
	[ "$(jq -r .text "$diff/added/c3.json")" = 'the text of c3' ]
	refused 'Input/output' cat "$diff/added/c2.json"
	jq -e '.added == 2 and .damaged == 1 and .changes == 3' "$diff/summary.json"
	diff=events/@/diff/seq-5..latest
	[ "$(find "$diff/added" -type f -printf '%P\n' | sort | tr '\n' ' ')" = 'c1/1.json c2/1.json c3/1.json ' ]
	[ "$(jq -r .text "$diff/added/c3/1.json")" = 'an event of c3' ]
	refused 'Input/output' cat "$diff/added/c2/1.json"
	jq -e '.added == 2 and .damaged == 1' "$diff/summary.json"
	run --separate-stderr -2 pitr diff orders seq-11 --name-only
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'c1.json c3.json ' ]
	# shellcheck disable=SC2154
	[[ "$stderr" == *'1 of these could not be read'*'pitr verify'* ]]
	run -1 pitr diff orders seq-11 c1.json
	run -2 pitr diff orders seq-11 c2.json
	run -1 pitr diff orders seq-4 seq-11
}
