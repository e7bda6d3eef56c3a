#include <inttypes.h>

#include "evidence_parts.h"
#include "instant.h"
#include "json.h"

static const char files[] =
	"  table.json       the description of the table at the end of this stretch\n"
	"  changes.jsonl    the changes, one a line, in order: when, who, the item before and after\n"
	"  before.jsonl     all items before the first of the changes, one a line\n"
	"  after.jsonl      all items after the last of the changes, one a line\n"
	"  seal.json        the heads of the hash chain before and after the changes, and the seal of the store\n"
	"  manifest.sha256  the SHA-256 of each file\n\n"
	"Items are written as DynamoDB JSON, changes as records of DynamoDB Streams with one more member, "
	"\"author\".\n\n"
	"1. No file was altered since the export:\n\n"
	"     sha256sum -c manifest.sha256\n\n"
	"2. No change is missing, was altered, added or moved. Each change is bound to all before it:\n\n"
	"     head after a change = SHA-256(head before it, SHA-256(its line without the newline))     32 bytes "
	"each\n\n"
	"   Beginning with HeadBefore of seal.json, that gives HeadAfter:\n\n";

static const char scripts[] =
	"   or with python3 instead of perl:\n\n"
	"     python3 -c 'import sys, hashlib as h\n"
	"     head = bytes.fromhex(sys.argv[1])\n"
	"     for line in open(\"changes.jsonl\", \"rb\"):\n"
	"         head = h.sha256(head + h.sha256(line.rstrip(b\"\\n\")).digest()).digest()\n"
	"     print(head.hex())' HEAD_BEFORE\n\n"
	"   A seal of the store that was kept elsewhere (`pitr seal`) names the same head when it was taken right "
	"after the\n"
	"   last of these changes; `pitr verify --against SEAL` holds any seal against the store itself.\n\n"
	"3. The changes lead from the one state to the other:\n\n";

static void append_stretch(const struct evidence_facts *facts, struct buffer *out)
{
	char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
	const struct table *table = facts->table;
	instant_format_z(facts->first_us, first, sizeof(first));
	instant_format_z(facts->last_us, last, sizeof(last));
	buffer_append_format(out, "Evidence from a pitrfs store: the table %s (TableId %s)\n", table->name, table->id);
	if (facts->from == facts->to)
		buffer_append_format(
			out, "after its change number %" PRIu64 ". There is no change in this stretch.\n\n", facts->to);
	else
		buffer_append_format(out, "with its changes number %" PRIu64 " (%s) to %" PRIu64 " (%s).\n\n",
			facts->from + 1, first, facts->to, last);
}

static void append_chain(const struct evidence_facts *facts, struct buffer *out)
{
	char before[CHAIN_TEXT_SIZE], after[CHAIN_TEXT_SIZE];
	chain_text(&facts->before, before);
	chain_text(&facts->after, after);
	buffer_append_format(out,
		"     perl -MDigest::SHA=sha256 -ne 'BEGIN { $h = pack \"H*\", shift } chomp; $h = sha256($h . "
		"sha256($_));\n"
		"       END { print unpack(\"H*\", $h), \"\\n\" }' %s changes.jsonl\n\n"
		"   prints %s,\n\n",
		before, after);
}

/* As a string of jq's, in a shell's single quotes. */
static void append_name(struct buffer *out, const char *name)
{
	struct buffer quoted = BUFFER_INIT;
	json_append_string(&quoted, slice_of_text(name));
	for (size_t i = 0; i < quoted.size; i++) {
		if (quoted.data[i] == '\'')
			buffer_append_text(out, "\\u0027");
		else
			buffer_append_byte(out, quoted.data[i]);
	}
	out->is_out_of_memory |= quoted.is_out_of_memory;
	buffer_free(&quoted);
}

static void append_replay(const struct evidence_facts *facts, struct buffer *out)
{
	const struct key_schema *schema = &facts->table->schema;
	buffer_append_text(out, "     jq -cn 'def key: [");
	append_name(out, schema->partition.name);
	if (schema->has_sort) {
		buffer_append_text(out, ", ");
		append_name(out, schema->sort.name);
	}
	buffer_append_text(out,
		"] as $names | . as $item | [$names[] | $item[.]] | tojson;\n"
		"       reduce inputs as $line ({}; if $line.Item then .[$line.Item | key] = $line.Item\n"
		"         elif $line.dynamodb.NewImage then .[$line.dynamodb.Keys | key] = $line.dynamodb.NewImage\n"
		"         else del(.[$line.dynamodb.Keys | key]) end) | .[] | {Item: .}' before.jsonl changes.jsonl | "
		"sort >replayed\n"
		"     jq -c . after.jsonl | sort | cmp - replayed\n");
}

void evidence_append_readme(const struct evidence_facts *facts, struct buffer *out)
{
	append_stretch(facts, out);
	buffer_append_text(out, files);
	append_chain(facts, out);
	buffer_append_text(out, scripts);
	append_replay(facts, out);
}
