#!/usr/bin/env bats
# Two years of a real table, as Streams records, and the whole table as it was at 24 instants, taken from another source:
# what the mount shows at each of them is exactly that, in both forms of JSON.

load ../support/mount

# From DynamoDB JSON to plain JSON, as jq sees it.
plain='
	def plain:
		to_entries[0] | .key as $type | .value
		| if $type == "N" then tonumber
		elif $type == "NULL" then null
		elif $type == "L" then map(plain)
		elif $type == "M" then map_values(plain)
		elif $type == "SS" then {"$stringSet": .}
		elif $type == "NS" then {"$numberSet": map(tonumber)}
		elif $type == "B" then {"$binary": .}
		elif $type == "BS" then {"$binarySet": .}
		else . end;
'

setup_file() {
	has_shared ca-fires || return 0
	pitr_prepare
	pitr import --table fires "$SHARED_DATA/changes.jsonl.gz"
	# The records, read once: "operation item" of each, and as JSON what each item was when it was removed last.
	zcat "$SHARED_DATA/changes.jsonl.gz" | jq -c -S "$plain"'[.eventName, .dynamodb.Keys.UniqueId.S],
		(select(.eventName == "REMOVE").dynamodb | [.Keys.UniqueId.S, (.OldImage | map_values(plain))])' >"$BATS_FILE_TMPDIR/records"
	sed -n 's/^\["\(.*\)","\(.*\)"\]$/\1 \2/p' "$BATS_FILE_TMPDIR/records" >"$BATS_FILE_TMPDIR/changes"
	grep '}\]$' "$BATS_FILE_TMPDIR/records" | tac | LC_ALL=C sort -s -u -t '"' -k 2,2 >"$BATS_FILE_TMPDIR/removed"
}

setup() {
	skip_without_shared ca-fires
	pitr_setup
}

teardown() {
	pitr_teardown
}

# compare_instants STEP FILTER: the items of every STEP-th truth, put through the filter, are those of the mount at that instant,
# by their names.
compare_instants() {
	local step=$1 filter=$2 truths=("$SHARED_DATA"/truth/*.jsonl) chosen=() instants=()
	[ ${#truths[@]} -eq 24 ]
	for ((i = 0; i < ${#truths[@]}; i += step)); do
		chosen+=("${truths[i]}")
		instants+=("@$(basename "${truths[i]}" .jsonl)")
	done
	jq -S -c '["@" + (input_filename | split("/")[-1] | rtrimstr(".jsonl")) + "/" + .Item.UniqueId.S + ".json", ('"$filter"')]' \
		"${chosen[@]}" | LC_ALL=C sort >"$WORK/truth"
	(cd "$MNT/fires" && find "${instants[@]}" -type f ! -name .table.json -exec jq -S -c '[input_filename, .]' {} +) |
		LC_ALL=C sort >"$WORK/mounted"
	[ "$(cut -d / -f 1 "$WORK/truth" | uniq | wc -l)" -eq ${#instants[@]} ]
	diff "$WORK/truth" "$WORK/mounted"
}

@test "every change is there, at its own time, and kept for ever" {
	pitr status --json >"$WORK/status"
	[ "$(jq -c '.tables[0] | [.changes, .items, .firstChange, .lastChange, .periodDays]' "$WORK/status")" = \
		'[4337,0,"2020-10-08T17:43:41Z","2022-10-28T18:34:17Z",null]' ]
}

@test "the mounted snapshots are the table as it was, in plain JSON" {
	pitr_mount
	compare_instants 1 "$plain .Item | map_values(plain)"
	[ -z "$(ls "$MNT/fires")" ]
}

@test "the mounted snapshots are the table as it was, in DynamoDB JSON" {
	pitr_mount -o json=dynamodb
	compare_instants 3 .Item
}

@test "what is different between two instants is what the two truths differ in" {
	local from=1629939811 to=1630453711 kind
	pitr_mount
	for truth in $from $to; do
		jq -r '.Item.UniqueId.S + ".json\t" + (.Item | tojson)' "$SHARED_DATA/truth/$truth.jsonl" | LC_ALL=C sort >"$WORK/$truth"
		cut -f 1 "$WORK/$truth" >"$WORK/$truth.names"
	done
	comm -13 "$WORK/$from.names" "$WORK/$to.names" >"$WORK/added"
	comm -23 "$WORK/$from.names" "$WORK/$to.names" >"$WORK/removed"
	comm -12 "$WORK/$from.names" "$WORK/$to.names" >"$WORK/both"
	comm -13 "$WORK/$from" "$WORK/$to" | cut -f 1 | comm -12 - "$WORK/both" >"$WORK/changed"
	for kind in added removed changed; do
		[ -s "$WORK/$kind" ]
		diff "$WORK/$kind" <(ls "$MNT/fires/@/diff/$from..$to/$kind" | LC_ALL=C sort)
		[ "$(jq ".$kind" "$MNT/fires/@/diff/$from..$to/summary.json")" -eq "$(wc -l <"$WORK/$kind")" ]
	done
	pitr diff fires $from $to --name-only | LC_ALL=C sort >"$WORK/told" || [ $? -eq 1 ]
	LC_ALL=C sort "$WORK/added" "$WORK/removed" "$WORK/changed" | diff - "$WORK/told"
}

@test "plain items are written as jq writes them" {
	pitr_mount
	for item in "$MNT"/fires/@1630453711/[0-4]*.json; do
		jq . "$item" >"$WORK/item"
		# jq has numbers as doubles, which some of these are not.
		diff <(sed -E 's/: -?[0-9.]+(,?)$/: N\1/' "$item") <(sed -E 's/: -?[0-9.]+(,?)$/: N\1/' "$WORK/item")
	done
}

@test "log has every change, and counts them by operation" {
	local op
	for op in insert modify remove; do
		sed -n "s/^${op^^} //p" "$BATS_FILE_TMPDIR/changes" >"$WORK/wanted"
		pitr log fires --op $op --reverse --from 2000-01-01 --to 2023-01-01 | awk '{ print $4 }' | sed 's|^fires/||; s|\.json$||' >"$WORK/told"
		[ -s "$WORK/wanted" ]
		diff "$WORK/wanted" "$WORK/told"
	done
	[ "$(pitr log fires --stat --json | jq .removals)" -eq "$(wc -l <"$WORK/wanted")" ]
}

@test "importing a part of it again brings nothing new" {
	zcat "$SHARED_DATA/changes.jsonl.gz" | sed -n '1~8p' | pitr import --json --table fires - >"$WORK/summary"
	[ "$(jq -c '[.alreadyThere, .inserted, .modified, .removed]' "$WORK/summary")" = '[543,0,0,0]' ]
}

@test "history has as many versions of each item as there are changes of it, and deleted what each was at last" {
	pitr_mount
	sed 's/.* //; s/$/.json/' "$BATS_FILE_TMPDIR/changes" | LC_ALL=C sort | uniq -c >"$WORK/wanted"
	[ -s "$WORK/wanted" ]
	[ -s "$BATS_FILE_TMPDIR/removed" ]
	(cd "$MNT/fires/@/history" && find . -type f -printf '%h\n') | cut -c 3- | LC_ALL=C sort | uniq -c | diff "$WORK/wanted" -
	find "$MNT/fires/@/deleted" -type f -exec jq -S -c '[.UniqueId, .]' {} + | LC_ALL=C sort | diff "$BATS_FILE_TMPDIR/removed" -
}
