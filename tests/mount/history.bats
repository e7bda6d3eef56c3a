#!/usr/bin/env bats
# @/history: a directory for each item that was there, a file for each of its versions.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
}

teardown() {
	cd /
	pitr_teardown
}

is_count() {
	local count
	count=$(find "$2" -mindepth 1 -maxdepth 1 | wc -l)
	[ "$count" = "$1" ] || {
		echo "$2 has $count, not $1"
		return 1
	}
}

# Sizes are those of the bytes, by stat and by reading; times are in the names.
sizes_are_true() {
	find "$1" -type f -printf '%s %p\n' | while read -r size path; do
		[ "$(wc -c <"$path")" = "$size" ] && [ "$(cat "$path" | wc -c)" = "$size" ] || exit 1
	done
}

times_are_in_the_names() {
	local path name
	for path in "$1"/*; do
		name=$(TZ=UTC0 stat -c %y "$path" | sed -E 's/ /T/; s/\.([0-9]{6}).*/.\1/; s/\.?0*$//')
		[[ $(basename "$path") == "$name"* ]] || {
			echo "$path: $name"
			return 1
		}
	done
}

# inside MNT: three versions of one item, its removal, and another life
fill() {
	mkdir orders
	echo '{"n":1}' >orders/1001.json
	echo '{"n":2}' >orders/1001.json
	rm orders/1001.json
	echo '{"n":3}' >orders/1001.json
	echo '{"n":9}' >orders/1002.json
}

@test "every version of an item, through all its lives, is a file; what is gone is there, too" {
	pitr_mount -o xattr
	cd "$MNT"
	fill
	rm orders/1002.json
	h=orders/@/history
	[ "$(ls $h | tr '\n' ' ')" = "1001.json 1002.json " ]
	absent orders/history
	[ "$(find orders -name '@*' | wc -l)" = 0 ]
	mapfile -t names < <(ls $h/1001.json)
	[ ${#names[@]} = 4 ]
	[[ ${names[0]} =~ ^20..-..-..T..:..:..(\.[0-9]+)?\.json$ ]]
	[[ ${names[2]} == *.deleted ]]
	[ "$(jq -c '[.id,.n]' "$h/1001.json/${names[0]}" "$h/1001.json/${names[1]}" "$h/1001.json/${names[3]}" | tr '\n' ' ')" = \
		'["1001",1] ["1001",2] ["1001",3] ' ]
	is_count 2 $h/1002.json
	sizes_are_true $h
	times_are_in_the_names $h/1001.json
	cmp orders/1001.json "$h/1001.json/${names[3]}"
	[ "$(diff "$h/1001.json/${names[0]}" "$h/1001.json/${names[1]}" | grep -c '"n"')" = 2 ]
	# who, when, and what it was
	gone="$h/1001.json/${names[2]}"
	[ "$(jq -r '.operation, .author.by, .author.process, .item.n' "$gone" | tr '\n' ' ')" = "REMOVE mount rm 2 " ]
	[ "$(jq -r .seq "$gone")" = 3 ]
	jq . "$gone" | cmp - "$gone"
	[ "$(jq -r .time "$gone")Z" = "$(basename "$gone" .deleted)ZZ" ]
	[ "$(getfattr --only-values -n user.pitr.operation "$gone")" = REMOVE ]
	[ "$(getfattr --only-values -n user.pitr.seq "$h/1001.json/${names[1]}")" = 2 ]
	getfattr --only-values -n user.pitr.author "$h/1001.json/${names[1]}" | grep -q '"by":"mount"'
	refused "Read-only" touch $h/1001.json/x
	refused "Read-only" rm "$gone"
	refused "No such file" ls $h/1003.json
	# as sets of files, too
	mkdir "$WORK/copy"
	cp -r $h/1001.json "$WORK/copy/"
	diff -r $h/1001.json "$WORK/copy/1001.json"
	tar -C $h -cf - . | tar -tf - | grep -c '/20' | grep -qx 6
	[ "$(grep -rl '"n": 2' $h | wc -l)" = 2 ]
	# the same at the root
	diff -r $h @/history/orders
}

@test "new versions are seen within 100 ms, whoever makes them and however it is mounted" {
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"n":1}' >"$MNT/orders/1001.json"
	mkdir "$WORK/ro"
	pitr_mount_at "$STORE" "$WORK/ro" -o ro
	h=orders/@/history
	is_count 1 "$MNT/$h/1001.json"
	is_count 1 "$WORK/ro/$h/1001.json"
	is_count 1 "$WORK/ro/$h"
	for n in 2 3 4; do
		echo "{\"n\":$n}" >"$MNT/orders/1001.json"
		is_count $n "$MNT/$h/1001.json"
		eventually -t 1 is_count $n "$WORK/ro/$h/1001.json"
	done
	last=$(ls "$WORK/ro/$h/1001.json" | tail -n 1)
	cmp "$WORK/ro/$h/1001.json/$last" "$MNT/orders/1001.json"
	echo '{"id":"1002","n":1}' | pitr put orders
	eventually -t 1 is_count 2 "$MNT/$h"
	eventually -t 1 is_count 2 "$WORK/ro/$h"
	rm "$MNT/orders/1002.json"
	is_count 2 "$MNT/$h/1002.json"
	eventually -t 1 is_count 2 "$WORK/ro/$h/1002.json"
	cat "$WORK/ro/$h/1002.json"/*.deleted | jq -e '.item.n == 1'
}

@test "partitions, cut names and both forms of JSON" {
	pitr_mount
	cd "$MNT"
	mkdir events
	jq '.KeySchema=[{AttributeName:"id",KeyType:"HASH"},{AttributeName:"at",KeyType:"RANGE"}]
		| .AttributeDefinitions=[{AttributeName:"id",AttributeType:"S"},{AttributeName:"at",AttributeType:"S"}]' \
		events/.table.json >"$WORK/table.json"
	cp "$WORK/table.json" events/.table.json
	long=$(printf 'x%.0s' {1..300})
	printf '{"id":"p","at":"%s","n":1}\n' "$long" 1 | pitr put events
	echo '{"id":"q","at":"1","b":"x"}' | pitr put events
	eventually test -e events/q/1.json
	cut=$(cd events/p && echo ./*~*)
	cut=${cut#./}
	rm -r events/p
	# another life of the partition, in which the cut name is not known
	echo '{"id":"p","at":"1","n":2}' | pitr put events
	h=events/@/history
	[ "$(ls $h | tr '\n' ' ')" = "p q " ]
	[ "$(ls $h/p | sort | tr '\n' ' ')" = "1.json $cut " ]
	is_count 3 $h/p/1.json
	is_count 2 "$h/p/$cut"
	sizes_are_true $h
	[ "$(jq -r .item.at "$h/p/$cut"/*.deleted)" = "$long" ]
	[ "$(ls events/@/deleted)" = p ]
	[ "$(ls events/@/deleted/p)" = "$cut" ]
	cd /
	pitr_umount "$MNT"
	pitr_mount -o json=dynamodb
	cd "$MNT"
	sizes_are_true $h
	sizes_are_true events/@/deleted
	[ "$(jq -r .item.at.S "$h/p/$cut"/*.deleted)" = "$long" ]
	[ "$(jq -r .n.N $h/p/1.json/*.json | tr '\n' ' ')" = "1 2 " ]
}

@test "versions of one instant have names of their own" {
	for n in 1 2 3; do
		printf '{"eventName":"%s","dynamodb":{"ApproximateCreationDateTime":1740832200,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"n":{"N":"%s"}},"SequenceNumber":"10%s"}}\n' \
			"$([ $n = 1 ] && echo INSERT || echo MODIFY)" $n $n
	done >"$WORK/changes.jsonl"
	pitr import --table orders "$WORK/changes.jsonl"
	pitr_mount
	cd "$MNT/orders/@/history/a.json"
	[ "$(ls -U)" = "$(printf '%s\n' 2025-03-01T12:30:00.json 2025-03-01T12:30:00~seq-2.json 2025-03-01T12:30:00~seq-3.json)" ]
	[ "$(jq .n 2025-03-01T12:30:00.json 2025-03-01T12:30:00~seq-3.json | tr '\n' ' ')" = "1 3 " ]
	[ "$(jq .n 2025-03-01T12:30:00~seq-1.json)" = 1 ]
	absent 2025-03-01T12:30:00~seq-4.json
	absent 2025-03-01T12:30:00Z.json
	absent 2025-03-01T12:30:00.deleted
}

@test "a restored table tells what it began with and what it did; a dropped one is told of at the root" {
	pitr_mount
	cd "$MNT"
	fill
	ln -s ../orders/@latest restore/again
	echo '{"n":4}' >again/1001.json
	rm again/1002.json
	[ "$(ls again/@/history | tr '\n' ' ')" = "1001.json 1002.json " ]
	is_count 2 again/@/history/1001.json
	is_count 2 again/@/history/1002.json
	[ "$(ls again/@/deleted)" = 1002.json ]
	sizes_are_true again/@/history
	rm -r orders
	[ "$(ls @/history | sort | tr '\n' ' ')" = "again orders " ]
	[ "$(ls @/history/orders | tr '\n' ' ')" = "1001.json 1002.json " ]
	[ "$(ls @/history/orders/1001.json | wc -l)" -ge 4 ]
	sizes_are_true @/history/orders
}

@test "what has left the window is listed no more, and what is open of it keeps its bytes or ends" {
	pitr_mount
	cd "$MNT"
	fill
	cd /
	mkdir "$WORK/ro"
	pitr_mount_at "$STORE" "$WORK/ro" -o ro
	cd "$MNT"
	h=orders/@/history
	oldest=("$h"/1001.json/*)
	exec 5<"${oldest[0]}"
	is_count 4 "$WORK/ro/$h/1001.json"
	pitr update-continuous-backups --table-name orders \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=false >/dev/null
	eventually -t 2 is_count 1 $h/1001.json
	pitr gc >/dev/null
	jq -e '.n == 3' $h/1001.json/*.json
	eventually -t 2 is_count 1 "$WORK/ro/$h/1001.json"
	is_count 0 orders/@/deleted
	if left=$(cat <&5); then
		[ "$(jq .n <<<"$left")" = 1 ]
	fi
	exec 5<&-
}

@test "what is damaged is listed, and says so when it is read" {
	local names
	pitr_mount
	cd "$MNT"
	mkdir orders
	echo '{"text":"a state that was stored"}' >orders/1001.json
	echo '{"text":"another one"}' >orders/1002.json
	rm orders/100?.json
	cd /
	pitr_umount "$MNT"
	python3 - "$STORE/data.mdb" <<-'PY'
	import sys
	bytes = open(sys.argv[1], "rb").read()
	assert b"a state that" in bytes
	open(sys.argv[1], "r+b").write(bytes.replace(b"a state that", b"a stage that"))
	PY
	pitr_mount
	cd "$MNT/orders/@"
	[ "$(ls deleted | tr '\n' ' ')" = '1001.json 1002.json ' ]
	refused 'Input/output' cat deleted/1001.json
	mapfile -t names < <(ls history/1001.json)
	[ "${#names[@]}" -eq 2 ]
	[[ ${names[1]} == *.deleted ]]
	refused 'Input/output' cat "history/1001.json/${names[0]}"
	refused 'Input/output' cat "history/1001.json/${names[1]}"
	[ "$(jq -r .item.text history/1002.json/*.deleted)" = 'another one' ]
}
