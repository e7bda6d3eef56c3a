#!/usr/bin/env bats
# `pitr export-evidence`: a stretch of history as plain files, which are checked here without pitr.

bats_require_minimum_version 1.5.0
load ../support/mount

clock_at() {
	export PITR_CLOCK_FILE=$1/clock
	echo 1740832200000000 >"$PITR_CLOCK_FILE" # 2025-03-01T12:30:00Z
}

# A table with a sort key: imported changes, and later ones by pitr itself.
setup_file() {
	clock_at "$BATS_FILE_TMPDIR"
	pitr_prepare
	printf '{"eventName":"%s","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"artist":{"S":"%s"},"year":{"N":"%s"}}%s,"SequenceNumber":"%s"}}\n' \
		INSERT 1740830000 Bach 1723 ',"NewImage":{"artist":{"S":"Bach"},"year":{"N":"1723"},"key":{"S":"C\n\u00e9"}}' 1 \
		INSERT 1740830000 Bach 1747 ',"NewImage":{"artist":{"S":"Bach"},"year":{"N":"1747"},"n":{"N":"1e2"}}' 2 \
		INSERT 1740830100 Abel 1760 ',"NewImage":{"artist":{"S":"Abel"},"year":{"N":"1760"},"b":{"B":"AAEC"}}' 3 \
		MODIFY 1740830200 Bach 1747 ',"NewImage":{"artist":{"S":"Bach"},"year":{"N":"1747"},"n":{"N":"3"}}' 4 \
		REMOVE 1740830300 Bach 1723 '' 5 |
		pitr import --table songs --key artist:S,year:N - 2>/dev/null
	echo '{"artist":"Bach","year":1747,"n":4}' | pitr put songs >/dev/null
	pitr rm songs/Abel/1760.json >/dev/null
	echo '{"artist":"Zelenka","year":1723}' | pitr put songs >/dev/null
}

setup() {
	clock_at "$BATS_TEST_TMPDIR"
	pitr_setup_store
	cd "$WORK" || return
}

teardown() {
	pitr_teardown
}

# chain HEAD: the head after the lines of standard input.
chain() {
	perl -MDigest::SHA=sha256 -ne 'BEGIN { $h = pack "H*", shift } chomp; $h = sha256($h . sha256($_));
		END { print unpack("H*", $h), "\n" }' "$1"
}

# replays: before.jsonl and changes.jsonl give after.jsonl, item for item.
replays() {
	jq -en --slurpfile after after.jsonl 'def of(key): key | [.artist, .year] | tojson;
		reduce inputs as $line ({}; if $line.Item then .[of($line.Item)] = $line.Item
			elif $line.dynamodb.NewImage then .[of($line.dynamodb.Keys)] = $line.dynamodb.NewImage
			else del(.[of($line.dynamodb.Keys)]) end)
		| ([.[]] | sort) == ($after | map(.Item) | sort)' before.jsonl changes.jsonl
}

# whole: what is in this directory proves itself.
whole() {
	local before after
	{ read -r before && read -r after; } < <(jq -r '.HeadBefore, .HeadAfter' seal.json)
	sha256sum --quiet -c manifest.sha256 && [ "$(chain "$before" <changes.jsonl)" = "$after" ] && replays
}

# fails TEXT COMMAND...: it fails, and says so.
fails() {
	local text=$1 output
	shift
	if output=$("$@" 2>&1); then
		printf 'succeeded: %s\n' "$*"
		return 1
	fi
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

@test "an export proves itself without pitr, and its end is what the seal says" {
	pitr export-evidence songs inc-17 --json >said
	cd inc-17
	[ "$(echo *)" = "README.txt after.jsonl before.jsonl changes.jsonl manifest.sha256 seal.json table.json" ]
	whole
	[ ! -s before.jsonl ]
	[ "$(wc -l <changes.jsonl)" = 8 ]
	[ "$(jq -c '[.Item.artist.S, .Item.year.N, .Item.n.N]' after.jsonl)" = '["Bach","1747","4"]
["Zelenka","1723",null]' ]
	[ "$(jq -c '[.dynamodb.SequenceNumber | tonumber]' changes.jsonl | tr -d '[]\n')" = 12345678 ]
	[ "$(jq -r .HeadAfter seal.json)" = "$(pitr seal | jq -r '.Tables[] | select(.Table == "songs") | .Head')" ]
	[ "$(jq -c '.Seal | del(.Time)' seal.json)" = "$(pitr seal | jq -c 'del(.Time)')" ]
	[ "$(jq -c '[.TableName, .ItemCount]' table.json)" = '["songs",2]' ]
	[ "$(jq -c '[.changes, .itemsBefore, .itemsAfter, .firstSequenceNumber, .lastSequenceNumber]' ../said)" = '[8,0,2,1,8]' ]
	# The commands of its README are these, and say the same.
	sed -n 's/^     //p' README.txt | grep -v python3 | sed -n '/^perl/,/changes.jsonl$/p' | sh >../head
	[ "$(cat ../head)" = "$(jq -r .headAfter ../said)" ]
	sed -n 's/^     //p' README.txt | sed -n '/^jq/,$p' | sh
	rm replayed
	# Again: the same bytes, but for the seal's time.
	cd ..
	pitr export-evidence songs again
	diff -r -x seal.json -x manifest.sha256 inc-17 again
}

@test "one altered byte breaks it; so does a line that is missing or moved" {
	pitr export-evidence songs inc >/dev/null
	cd inc
	before=$(jq -r .HeadBefore seal.json) after=$(jq -r .HeadAfter seal.json)
	cp changes.jsonl ../kept
	for edit in '3s/Abel/Abet/' '8s/Zelenka/zelenka/' 3d '1{h;d};2G'; do
		sed "$edit" ../kept >changes.jsonl
		fails FAILED sha256sum -c manifest.sha256
		[ "$(chain "$before" <changes.jsonl)" != "$after" ]
	done
}

@test "stretches in between fit together; what is not there is refused" {
	pitr export-evidence songs --to 2025-03-01T11:55:00 one >/dev/null
	pitr export-evidence songs --from 2025-03-01T11:55:00 --to seq-6 two >/dev/null
	pitr export-evidence songs --from seq-6 three >/dev/null
	for part in one two three; do
		(cd $part && whole)
	done
	cmp one/after.jsonl two/before.jsonl
	cmp two/after.jsonl three/before.jsonl
	[ "$(cat ./*/changes.jsonl | wc -l)" = 8 ]
	[ "$(jq -r .HeadAfter one/seal.json)" = "$(jq -r .HeadBefore two/seal.json)" ]
	pitr export-evidence songs --from seq-6 --to seq-6 none >/dev/null
	(cd none && whole && [ ! -s changes.jsonl ] && cmp before.jsonl after.jsonl)
	fails 'the directory is not empty' pitr export-evidence songs one
	fails 'later than --to' pitr export-evidence songs --from seq-5 --to seq-4 four
	fails 'before its window' pitr export-evidence songs --from 2024-01-01 four
	fails 'there is no table' pitr export-evidence singers four
	fails 'which table' pitr export-evidence songs
	[ ! -e four ]
	mkdir empty
	pitr export-evidence songs empty >/dev/null
	(cd empty && whole)
}

@test "a restored table's begins with the state it was restored to, a deleted table is found by its name" {
	pitr restore songs@seq-4 old-songs >/dev/null
	echo '{"artist":"Bach","year":1747,"n":5}' | pitr put old-songs >/dev/null
	pitr export-evidence old-songs restored >/dev/null
	(cd restored && whole && [ "$(wc -l <before.jsonl) $(wc -l <changes.jsonl)" = '3 1' ])
	echo 1740832260000000 >"$PITR_CLOCK_FILE"
	pitr delete-table --table-name songs >/dev/null
	pitr export-evidence songs --to 2025-03-01T12:30:30 deleted >/dev/null
	(cd deleted && whole && [ "$(wc -l <changes.jsonl)" = 8 ])
	pitr export-evidence songs whole >/dev/null
	cmp deleted/changes.jsonl whole/changes.jsonl
	pitr export-evidence songs --from seq-2 --to seq-5 part >/dev/null
	(cd part && whole && [ "$(wc -l <changes.jsonl)" = 3 ])
}

@test "what retention has left can be exported, and proves itself" {
	pitr create-table --table-name left --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=artist,AttributeType=S AttributeName=year,AttributeType=N \
		--key-schema AttributeName=artist,KeyType=HASH AttributeName=year,KeyType=RANGE >/dev/null
	pitr update-continuous-backups --table-name left \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=1 >/dev/null
	for n in {1..80}; do
		echo "{\"artist\":\"Bach\",\"year\":$((1700 + n % 3)),\"n\":$n}"
	done | pitr put left >/dev/null
	echo 1740838000000000 >"$PITR_CLOCK_FILE"
	echo '{"artist":"Bach","year":1701,"n":100}' | pitr put left >/dev/null
	echo 1740920000000000 >"$PITR_CLOCK_FILE"
	pitr gc >/dev/null
	pitr export-evidence left left >/dev/null
	(cd left && whole && [ "$(wc -l <before.jsonl) $(wc -l <changes.jsonl)" = '3 1' ])
	[ "$(jq -c '[.FirstSequenceNumber, .HeadAfter]' left/seal.json)" = \
		"[81,$(pitr seal | jq '.Tables[] | select(.Table == "left") | .Head')]" ]
	fails 'before its window' pitr export-evidence left --from 2025-03-01T12:40 more
}

@test "a year of a real table: both states are those of another source" {
	skip_without_shared ca-fires
	gunzip -c "$SHARED_DATA/changes.jsonl.gz" | head -n 1100 | pitr import --table fires - 2>/dev/null
	pitr export-evidence fires --from 1603733105 --to 1625442508 inc >/dev/null
	cd inc
	sha256sum --quiet -c manifest.sha256
	[ "$(chain "$(jq -r .HeadBefore seal.json)" <changes.jsonl)" = "$(jq -r .HeadAfter seal.json)" ]
	diff <(jq -Sc . before.jsonl | sort) <(jq -Sc . "$SHARED_DATA/truth/1603733105.jsonl" | sort)
	diff <(jq -Sc . after.jsonl | sort) <(jq -Sc . "$SHARED_DATA/truth/1625442508.jsonl" | sort)
}
