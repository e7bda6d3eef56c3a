#!/usr/bin/env bats
# Two years of a real table, as Streams records, and the whole table as it was at 24 instants, taken from another source:
# what the mount shows at each of them is exactly that, in both forms of JSON.

load ../support/mount

setup_file() {
	skip_without_shared ca-fires
	pitr_prepare
	pitr import --table fires "$SHARED_DATA/changes.jsonl.gz"
}

setup() {
	skip_without_shared ca-fires
	pitr_setup
}

teardown() {
	pitr_teardown
}

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

# compare_instants FILTER: the items of every truth, put through the filter, are those of the mount at that instant.
compare_instants() {
	local truth instant
	local -i count=0
	for truth in "$SHARED_DATA"/truth/*.jsonl; do
		instant=$(basename "$truth" .jsonl)
		jq -r '.Item.UniqueId.S + ".json"' "$truth" | LC_ALL=C sort >"$WORK/names.truth"
		(cd "$MNT/fires/@$instant" && LC_ALL=C ls -1) | LC_ALL=C sort >"$WORK/names.mount"
		diff "$WORK/names.truth" "$WORK/names.mount"
		jq -S -c "$1" "$truth" | LC_ALL=C sort >"$WORK/items.truth"
		find "$MNT/fires/@$instant" -name '*.json' ! -name '.*' -exec cat {} + | jq -S -c . | LC_ALL=C sort >"$WORK/items.mount"
		diff "$WORK/items.truth" "$WORK/items.mount"
		count+=1
	done
	[ $count -eq 24 ]
}

@test "every change is there, at its own time, and kept for ever" {
	pitr status --json >"$WORK/status"
	[ "$(jq -c '.tables[0] | [.changes, .items, .firstChange, .lastChange, .periodDays]' "$WORK/status")" = \
		'[4337,0,"2020-10-08T17:43:41Z","2022-10-28T18:34:17Z",null]' ]
}

@test "the mounted snapshots are the table as it was, in plain JSON" {
	pitr_mount
	compare_instants "$plain .Item | map_values(plain)"
	[ -z "$(ls "$MNT/fires")" ]
}

@test "the mounted snapshots are the table as it was, in DynamoDB JSON" {
	pitr_mount -o json=dynamodb
	compare_instants .Item
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
		zcat "$SHARED_DATA/changes.jsonl.gz" | jq -r --arg op "${op^^}" 'select(.eventName == $op).dynamodb.Keys.UniqueId.S' >"$WORK/wanted"
		pitr log fires --op $op --reverse --from 2000-01-01 --to 2023-01-01 | awk '{ print $4 }' | sed 's|^fires/||; s|\.json$||' >"$WORK/told"
		[ -s "$WORK/wanted" ]
		diff "$WORK/wanted" "$WORK/told"
	done
	[ "$(pitr log fires --stat --json | jq .removals)" -eq "$(wc -l <"$WORK/wanted")" ]
}

@test "importing it again brings nothing new" {
	pitr import --json --table fires "$SHARED_DATA/changes.jsonl.gz" >"$WORK/summary"
	[ "$(jq -c '[.alreadyThere, .inserted, .modified, .removed]' "$WORK/summary")" = '[4337,0,0,0]' ]
}

@test "history has as many versions of each item as there are changes of it, and deleted what each was at last" {
	pitr_mount
	zcat "$SHARED_DATA/changes.jsonl.gz" >"$WORK/changes"
	jq -r '.dynamodb.Keys.UniqueId.S + ".json"' "$WORK/changes" | LC_ALL=C sort | uniq -c >"$WORK/wanted"
	(cd "$MNT/fires/@/history" && find . -type f -printf '%h\n') | cut -c 3- | LC_ALL=C sort | uniq -c | diff "$WORK/wanted" -
	jq -c "$plain"'select(.eventName == "REMOVE") | .dynamodb | [.Keys.UniqueId.S, (.OldImage | map_values(plain))]' \
		"$WORK/changes" | jq -s -S -c 'map({key: .[0], value: .[1]}) | from_entries | .[]' | LC_ALL=C sort >"$WORK/last"
	find "$MNT/fires/@/deleted" -type f -exec cat {} + | jq -S -c . | LC_ALL=C sort | diff "$WORK/last" -
}
