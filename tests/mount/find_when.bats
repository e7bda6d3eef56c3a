#!/usr/bin/env bats
# The instant at which something began: by a condition, and by a command that is run in snapshots; compared with the records.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	has_shared ca-fires || return 0
	pitr_prepare
	zcat "$SHARED_DATA/changes.jsonl.gz" | head -n 800 >"$BATS_FILE_TMPDIR/records"
	pitr import --table fires "$BATS_FILE_TMPDIR/records"
	# "time growth item" of each record.
	jq -r '.dynamodb as $change
		| "\($change.ApproximateCreationDateTime) \({"INSERT":1,"REMOVE":-1,"MODIFY":0}[.eventName]) \($change.Keys.UniqueId.S)"' \
		"$BATS_FILE_TMPDIR/records" >"$BATS_FILE_TMPDIR/changes"
	# How many items there are at the end of each second with changes, by the records alone: "time items".
	awk '{ if (NR > 1 && $1 != time) print time, items; time = $1; items += $2 } END { print time, items }' \
		"$BATS_FILE_TMPDIR/changes" >"$BATS_FILE_TMPDIR/items"
}

setup() {
	skip_without_shared ca-fires
	pitr_setup
}

teardown() {
	pitr_teardown
}

# What find-when would say of a table that is empty: "begins seq-less time" lines, from the records.
empty_stretches() {
	awk '$2 == 0 && last != 0 { print "begins", $1 } $2 != 0 && last == 0 && NR > 1 { print "ends", $1 } { last = $2 }' \
		"$BATS_FILE_TMPDIR/items"
}

# The last of them that ended: its begin and its end.
last_stretch() {
	empty_stretches | awk '$1 == "begins" { begin = $2 } $1 == "ends" { print begin, $2 }' | tail -n 1
}

events() {
	jq -r '[.event, (.instant | fromdate)] | join(" ")' "$@"
}

no_mount_is_left() {
	! grep -q pitr-find-when /proc/self/mountinfo
	[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'pitr-find-when.*')" ]
}

@test "every time the table stood empty is found, and when that ended" {
	pitr find-when fires --count 0 --all --json | events >"$WORK/found"
	empty_stretches >"$WORK/expected"
	diff "$WORK/expected" "$WORK/found"
	[ "$(grep -c begins "$WORK/found")" -eq 13 ]
}

@test "halving finds when an empty stretch began" {
	local time within count=0
	for time in $(empty_stretches | awk '$1 == "begins" && ++n % 5 == 2 { print $2 }'); do
		[ "$(pitr find-when fires --from $((time - 1)) --to $((time + 1)) --count 0 --json | events)" = "begins $time" ]
		count=$((count + 1))
	done
	[ $count -eq 3 ]
	# From the first change to an instant in one of them: when one of those before it began, and at once empty.
	read -r within _ < <(last_stretch)
	pitr find-when fires --to $((within + 60)) --count 0 --json >"$WORK/found"
	empty_stretches | grep -qx "$(events "$WORK/found")"
	[ "$(jq .count "$WORK/found")" -eq 0 ]
	run -1 pitr find-when fires --count 100..
	[[ $output == *"neither at the beginning"*"--all finds moments in between"* ]]
	run -0 pitr find-when fires --count 19
	[[ $output == *"holds at the beginning already"* ]]
}

@test "a command is run in snapshots, in a mount of its own that goes away" {
	local last next
	read -r last next < <(last_stretch)
	pitr find-when fires --to "$last" --json -- sh -c 'ls; echo "$PITR_TABLE $PITR_INSTANT"; test -z "$(ls)"' \
		>"$WORK/found" 2>"$WORK/talk"
	pitr find-when fires --to "$last" --count 0 --json >"$WORK/counted"
	[ "$(jq -c '[.instant, .seq, .path, .author]' "$WORK/found")" = "$(jq -c '[.instant, .seq, .path, .author]' "$WORK/counted")" ]
	grep -q '^fires 20[0-9T:-]*$' "$WORK/talk"
	no_mount_is_left
	# A walk through all instants of a while: every change that is shown by it is one.
	pitr find-when fires --all --from $((last - 86400 * 10)) --to $((next + 1)) --json -- sh -c 'test -z "$(ls)"' | events >"$WORK/walked"
	printf '%s\n' "begins $last" "ends $next" | diff - <(tail -n 2 "$WORK/walked")
	pitr find-when fires --all --from $((last - 86400 * 10)) --to $((next + 1)) --json --count 0 | events | diff - "$WORK/walked"
	no_mount_is_left
}

@test "a mount that is there is used, and what it told of can be listed in it" {
	local path within
	pitr_mount
	read -r within _ < <(last_stretch)
	pitr find-when fires --to $((within + 60)) -- sh -c 'pwd; test -z "$(ls)"' >"$WORK/found" 2>"$WORK/talk"
	grep -q "^$MNT/fires/@" "$WORK/talk"
	path=$(awk '{ print $NF }' "$WORK/found")
	[ -d "$MNT/$path" ]
	[ -z "$(ls "$MNT/$path")" ]
}

@test "a command that can't tell is asked elsewhere; one that fails, or is interrupted, leaves nothing behind" {
	local within
	read -r within _ < <(last_stretch)
	pitr find-when fires --to $((within + 60)) --json -- sh -c '
		count=$(ls | wc -l)
		[ "$count" -ne 0 ] || exit 0
		[ $((count % 3)) -ne 2 ] || exit 125
		exit 1' >"$WORK/found" 2>"$WORK/talk"
	pitr find-when fires --count 0 --all --json | events >"$WORK/all"
	grep -qx "$(events "$WORK/found")" "$WORK/all"
	run -1 pitr find-when fires -- sh -c 'exit 200'
	[[ $output == *"status 200"*"ends the search"* ]]
	run -1 pitr find-when fires -- no-such-command-here
	[[ $output == *"could not be run"* ]]
	run -2 pitr find-when fires --count 0 -- true
	run -2 pitr find-when fires
	no_mount_is_left
	"$PITR" --store "$STORE" find-when fires --all -- sh -c 'touch "'"$WORK"'/began"; sleep 2' 2>"$WORK/talk" 3>&- &
	local process=$! status=0
	eventually test -e "$WORK/began"
	kill -TERM $process
	wait $process || status=$?
	[ $status -eq 143 ]
	no_mount_is_left
}

@test "a table that was dropped can still be asked about" {
	pitr_store "$WORK/other"
	export STORE=$WORK/other
	pitr create-table --table-name orders --attribute-definitions AttributeName=id,AttributeType=S \
		--key-schema AttributeName=id,KeyType=HASH --billing-mode PAY_PER_REQUEST >"$WORK/out"
	for i in 1 2 3; do
		echo "{\"n\":$i}" | pitr put orders/$i -
	done
	pitr delete-table --table-name orders >"$WORK/out"
	pitr timeline orders | grep -q '^+3 inserts'
	pitr find-when orders --count 2.. --json >"$WORK/counted"
	[ "$(jq .seq "$WORK/counted")" -eq 2 ]
	pitr find-when orders --json -- sh -c 'test -e 2.json' >"$WORK/found"
	[ "$(jq -r .path "$WORK/found")" = "$(jq -r '"@\(.instant[:-1])/orders/"' "$WORK/counted")" ]
	no_mount_is_left
}

@test "one item's moments are those of its versions" {
	local item
	item=$(awk '$2 < 0 { print $3; exit }' "$BATS_FILE_TMPDIR/changes")
	awk -v item="$item" '$3 == item && $2 != 0 { print ($2 > 0 ? "begins" : "ends"), $1 }' "$BATS_FILE_TMPDIR/changes" >"$WORK/expected"
	[ -s "$WORK/expected" ]
	pitr find-when "fires/$item" --count 1 --all --json | events | sed 's/already/begins/' >"$WORK/found"
	diff "$WORK/expected" "$WORK/found"
	# When it went; that it was not there before it came is not what is asked.
	pitr find-when "fires/$item" --where "attribute_not_exists(UniqueId)" --json >"$WORK/found"
	[ "begins $(sed -n 's/ends //p' "$WORK/expected" | head -1)" = "$(events <"$WORK/found")" ]
	[ "$(jq -r '.exists, .path' "$WORK/found" | grep -c 'false\|/$')" = 2 ]
	run -1 pitr find-when "fires/$item" --where "Name = 'nothing is called so'"
	[[ $output == *"never holds"* ]]
}
