
/* GET /api/v1/journal/: all changes, as a stream or in descending order. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"


#define NGX_HTTP_MAGASIN_JOURNAL_AGAIN  "\"recommencer\":\""


static const char *const  ngx_http_magasin_journal_orders[] = {
    "id", "-id", NULL
};

/*
 * Parameters of journal.sql and of the other journal_*.sql, in the order of the
 * table below.
 */
enum {
    JOURNAL_MAGASIN = 0,
    JOURNAL_PRODUIT,
    JOURNAL_TYPE,
    JOURNAL_DEPUIS,
    JOURNAL_ORDERING,
    JOURNAL_LIMIT,
    JOURNAL_XID,
    JOURNAL_ID
};


static ngx_int_t ngx_http_magasin_journal_gone(ngx_http_magasin_ctx_t *ctx);


static const ngx_http_magasin_member_t  ngx_http_magasin_journal_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "type", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "depuis", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "ordering", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_journal_orders },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_journal_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "instant", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "type", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "delta", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "acteur", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "reference", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "details", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_journal_spec = {
    .params = ngx_http_magasin_journal_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_journal_columns,
    .pieces = 1
};


/*
 * Select the statement, and thereby the index, from the parameters.  PostgreSQL
 * could select the index only if it planned with the values.  Each filter has
 * an index.  Most rows of a store are sales, so that the index of the types
 * finds other types sooner.  `values`: the parameters in the order of the spec.
 */

ngx_http_magasin_statement_e
ngx_http_magasin_journal_statement(const char **values)
{
    ngx_uint_t  recent;

    recent = values[JOURNAL_ORDERING] && *values[JOURNAL_ORDERING] == '-';

    if (values[JOURNAL_PRODUIT]) {
        return recent ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_PRODUCT
                      : NGX_HTTP_MAGASIN_SQL_JOURNAL_PRODUCT;
    }

    if (values[JOURNAL_MAGASIN]
        && (values[JOURNAL_TYPE] == NULL
            || ngx_strncmp(values[JOURNAL_TYPE], "vente", 5) == 0))
    {
        return recent ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_STORE
                      : NGX_HTTP_MAGASIN_SQL_JOURNAL_STORE;
    }

    if (values[JOURNAL_TYPE]) {
        return recent ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_TYPE
                      : NGX_HTTP_MAGASIN_SQL_JOURNAL_TYPE;
    }

    return recent ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT
                  : NGX_HTTP_MAGASIN_SQL_JOURNAL;
}


/*
 * A combination of filters has no index and may read many rows, as may a start
 * time: the list starts at the mark before it.
 */

ngx_int_t
ngx_http_magasin_journal_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_uint_t    filters;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;

    ctx->job.statement = ngx_http_magasin_journal_statement(values);

    /* The place before all rows, as of the stream of an empty journal. */

    if (values[JOURNAL_XID] && ngx_strcmp(values[JOURNAL_XID], "0") == 0
        && ngx_strcmp(values[JOURNAL_ID], "0") == 0)
    {
        values[JOURNAL_XID] = NULL;
        values[JOURNAL_ID] = NULL;
    }

    filters = (values[JOURNAL_PRODUIT] != NULL)
              + (values[JOURNAL_MAGASIN] != NULL)
              + (values[JOURNAL_TYPE] != NULL);

    if (filters > 1 || values[JOURNAL_DEPUIS]) {
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    ngx_http_magasin_list_stream(ctx, values[JOURNAL_ORDERING] == NULL
                                      || *values[JOURNAL_ORDERING] != '-');

    return NGX_OK;
}


/*
 * Render a page.  A cursor is the place of a row that was answered.  If there
 * is no such row, the statement returns one row of nulls, and the answer is
 * 410: the row was archived, or was lost with a former primary, or the database
 * was restored from an older state.
 *
 * Returns NGX_OK; NGX_AGAIN if more rows follow; NGX_ERROR if no memory is
 * left, or if the row disappeared while its page was sent.
 */

ngx_int_t
ngx_http_magasin_journal_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    if (PQntuples(result) && PQgetisnull(result, 0, 0)) {
        return ctx->rows ? NGX_ERROR : ngx_http_magasin_journal_gone(ctx);
    }

    return ngx_http_magasin_list_render(ctx, result);
}


/*
 * Answer 410 with the address of the same list without a cursor.  Returns
 * NGX_OK, or NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_journal_gone(ngx_http_magasin_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    members, none;
    ngx_http_magasin_address_t   address;

    static ngx_str_t  detail = ngx_string("Le journal n’a plus la ligne de "
                              "ce curseur. Recommencez sans « cursor », "
                              "avec « depuis » au besoin.");

    ngx_str_set(&none, "");

    if (ngx_http_magasin_query_address(ctx->request, ctx->query, "cursor",
                                       &address)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    members.data = ngx_pnalloc(ctx->request->pool,
                       sizeof(NGX_HTTP_MAGASIN_JOURNAL_AGAIN)
                       + ngx_http_magasin_query_link_length(&address, &none));
    if (members.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(members.data, NGX_HTTP_MAGASIN_JOURNAL_AGAIN,
                   sizeof(NGX_HTTP_MAGASIN_JOURNAL_AGAIN) - 1);
    p = ngx_http_magasin_query_link(p, &address, &none);
    *p++ = '"';

    members.len = p - members.data;

    (void) ngx_http_magasin_reply_members(ctx, NGX_HTTP_MAGASIN_GONE, &detail,
                                          &members);

    return NGX_OK;
}
