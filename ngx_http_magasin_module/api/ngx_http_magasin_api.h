
/*
 * The functions that the table of endpoints (routes.c) calls: one file per
 * resource.  The suffix of a function names its type; ngx_http_magasin.h
 * declares the types.
 *
 * _bind sets the parameters of the statement.  It returns NGX_OK to run the
 * statement, NGX_DONE if ctx already has the answer, which may be an error
 * answer, or NGX_ERROR if the request failed, for example without memory.
 *
 * _render writes the rows of a result into the answer.  The result is valid
 * only during the call.  It returns NGX_OK if the answer is complete, NGX_AGAIN
 * if the parameters now select the next rows, or NGX_ERROR if the request
 * failed.
 *
 * _touch adds the tags of what an answered write has changed to `tags`.
 * `result` may be NULL.
 */


#ifndef _NGX_HTTP_MAGASIN_API_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_API_H_INCLUDED_


#include "ngx_http_magasin.h"


/*
 * The number of rows, and of stores, in one piece of an answer that may be
 * long.
 */
#define NGX_HTTP_MAGASIN_PIECE_ROWS    "1000"
#define NGX_HTTP_MAGASIN_PIECE_STORES  "50"

/* Rows of a piece of a list that is answered as CSV. */
#define NGX_HTTP_MAGASIN_TABLE_ROWS    "2000"


/* api.c */
ngx_str_t ngx_http_magasin_column(PGresult *result, int row, int column);
const char *ngx_http_magasin_column_copy(ngx_pool_t *pool, PGresult *result,
    int row, int column);
void ngx_http_magasin_column_text(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int column);
void ngx_http_magasin_column_number(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int column);

uint64_t *ngx_http_magasin_locks(ngx_http_magasin_ctx_t *ctx, ngx_uint_t n);
void ngx_http_magasin_valid_for(ngx_http_magasin_ctx_t *ctx,
    ngx_msec_t time);
ngx_int_t ngx_http_magasin_asker_stores(ngx_http_magasin_ctx_t *ctx,
    const char **value);

/* reports.c */
ngx_int_t ngx_http_magasin_reports_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reports_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* reports_sales.c */
ngx_int_t ngx_http_magasin_reports_sales_bind(ngx_http_magasin_ctx_t *ctx);

/* dashboard.c */
ngx_int_t ngx_http_magasin_dashboard_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_dashboard_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* stock.c */
ngx_int_t ngx_http_magasin_stock_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_stock_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* stock_list.c */
ngx_int_t ngx_http_magasin_stock_list_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_stock_list_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* stock_list_all.c */
ngx_int_t ngx_http_magasin_stock_list_all_bind(ngx_http_magasin_ctx_t *ctx);

/* stores.c */
ngx_int_t ngx_http_magasin_store_create_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_store_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
ngx_int_t ngx_http_magasin_store_patch_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_store_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* thresholds.c */
ngx_int_t ngx_http_magasin_threshold_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_threshold_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_threshold_put_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_thresholds_put_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_thresholds_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* reorder.c */
ngx_int_t ngx_http_magasin_needs_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reorder_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reorder_create_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
void ngx_http_magasin_reorder_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* items.c */
ngx_int_t ngx_http_magasin_items_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_items_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* products_list.c */
ngx_int_t ngx_http_magasin_products_bind(ngx_http_magasin_ctx_t *ctx);

/* products.c */
ngx_int_t ngx_http_magasin_product_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_product_update_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_product_patch_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_product_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_product_change_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_product_delete_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_product_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_product_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_product_delete_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
ngx_int_t ngx_http_magasin_product_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_availability_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_availability_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* stock_item.c */
ngx_int_t ngx_http_magasin_stock_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* adjust.c */
ngx_int_t ngx_http_magasin_adjust_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_central_adjust_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_adjust_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_central_adjust_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* sales.c */
ngx_int_t ngx_http_magasin_sales_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_sale_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_sale_create_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
void ngx_http_magasin_sale_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* replenishments.c */
ngx_int_t ngx_http_magasin_replenishments_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_replenishment_create_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_replenishment_create_render(
    ngx_http_magasin_ctx_t *ctx, PGresult *result);
ngx_int_t ngx_http_magasin_replenishment_approve_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_replenishment_reject_bind(
    ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_replenishment_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_replenishment_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* demandes.c */
ngx_int_t ngx_http_magasin_replenishment_decisions_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_replenishment_patch_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_replenishment_cancel_bind(
    ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_replenishment_decisions_touch(
    ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_replenishment_change_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* returns.c */
ngx_int_t ngx_http_magasin_returns_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_return_create_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_return_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* receipts.c */
ngx_int_t ngx_http_magasin_receipts_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_movement_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_receipt_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_receipt_cancel_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_receipt_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_receipt_cancel_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* transfers.c */
ngx_int_t ngx_http_magasin_transfers_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_transfer_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_transfer_receive_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_transfer_cancel_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_transfer_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_transfer_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* reservations.c */
ngx_int_t ngx_http_magasin_reservations_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reservation_create_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reservation_claim_bind(
    ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reservation_release_bind(
    ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_reservation_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_reservation_claim_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_reservation_release_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* counts.c */
ngx_int_t ngx_http_magasin_counts_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_count_lines_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_count_create_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_count_add_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_count_close_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_count_cancel_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_count_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_count_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_count_close_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* lot.c */
ngx_int_t ngx_http_magasin_lot_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_lot_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
void ngx_http_magasin_lot_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* flush.c */
ngx_int_t ngx_http_magasin_flush_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_flush_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);

/* me.c */
ngx_int_t ngx_http_magasin_me_bind(ngx_http_magasin_ctx_t *ctx);

/* journal.c */
ngx_int_t ngx_http_magasin_journal_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_journal_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* health.c */
ngx_int_t ngx_http_magasin_healthz_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_readyz_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_readyz_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_readyz_failed(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_API_H_INCLUDED_ */
