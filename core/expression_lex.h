/* The words of an expression. Texts and names point into the expression's text; what stands in quotes is given with
 * its quotes and read by expression_unquote. */
#ifndef PITR_EXPRESSION_LEX_H
#define PITR_EXPRESSION_LEX_H

#include <stdbool.h>

#include "bytes.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,        /* name, keyword or function */
	TOKEN_QUOTED,      /* "so": a name or a text */
	TOKEN_NAME_QUOTED, /* `so`: a name */
	TOKEN_TEXT,        /* 'so' */
	TOKEN_NUMBER,
	TOKEN_NAME_PLACEHOLDER,  /* #so */
	TOKEN_VALUE_PLACEHOLDER, /* :so */
	TOKEN_LEFT,
	TOKEN_RIGHT,
	TOKEN_LEFT_BRACKET,
	TOKEN_RIGHT_BRACKET,
	TOKEN_COMMA,
	TOKEN_DOT,
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_BAD, /* `reason` says why */
};

struct token {
	enum token_kind kind;
	size_t place; /* where it begins */
	struct slice text;
	const char *reason;
};

/* The token at or after `place`. The text is valid UTF-8. */
struct token expression_token(struct slice text, size_t place);
static inline size_t token_end(const struct token *token)
{
	return token->place + token->text.size;
}

/* Is it this keyword, in whatever case? */
bool token_is_word(const struct token *token, const char *word);
/* Appends what stands between the quotes of a quoted token; a doubled quote is one. */
void expression_unquote(const struct token *token, struct buffer *out);

#endif
