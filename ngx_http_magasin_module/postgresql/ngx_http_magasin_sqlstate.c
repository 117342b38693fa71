
#include "ngx_http_magasin_pg_internal.h"


typedef struct {
    const char  *prefix;        /* of the SQLSTATE; the longest stands first */
    ngx_uint_t   status;
} ngx_http_magasin_sqlstate_t;


/* Bytes of the longest message of an error. */
#define NGX_HTTP_MAGASIN_SQLSTATE_MESSAGE  256


static ngx_uint_t ngx_http_magasin_sqlstate_is(PGresult *result,
    const char *code);


/* PostgreSQL's documentation, appendix A, has the codes. */

static ngx_http_magasin_sqlstate_t  ngx_http_magasin_sqlstates[] = {
    { "08", 503 },              /* connection exception */
    { "0A000", 503 },           /* the cached plan does not fit the schema */
    { "22003", 400 },           /* numeric value out of range */
    { "22007", 400 },           /* invalid datetime format */
    { "22008", 400 },           /* datetime field overflow */
    { "22021", 400 },           /* character not in repertoire */
    { "22P02", 400 },           /* invalid text representation */
    { "22P05", 400 },           /* untranslatable character */
    { "25006", 503 },           /* read only: a standby, or a failover */
    { "26000", 503 },           /* the prepared statement is gone */
    { "40", 503 },              /* serialization failure, deadlock */
    { "53", 503 },              /* out of memory, disk, connections */
    { "55P03", 503 },           /* lock not available in time */
    { "57014", 504 },           /* statement_timeout */
    { "57P", 503 },             /* shutdown, start-up */
    { NULL, 500 }
};


/*
 * Constraints that are rules of the API: who breaks one asked for what cannot
 * be (409).  Any other error of class 23 is the database's own fault (500): a
 * sequence that is behind its rows, sums that contradict each other, or a rule
 * of the operator's that the API does not know.
 */

static const char  *ngx_http_magasin_sqlstate_rules[] = {
    "comptage_etendue_unique",
    "comptage_ligne_compte_positif",
    "comptage_ligne_present_positif",
    "comptage_ligne_produit_id_fkey",
    "comptage_magasin_id_fkey",
    "comptage_motif_longueur",
    "demande_reapprovisionnement_magasin_id_fkey",
    "demande_reapprovisionnement_produit_id_fkey",
    "demande_reapprovisionnement_quantite_positive",
    "idempotence_0_pkey",
    "idempotence_1_pkey",
    "idempotence_2_pkey",
    "ligne_vente_prix_unitaire_positif",
    "ligne_vente_produit_id_fkey",
    "ligne_vente_quantite_positive",
    "magasin_adresse_longueur",
    "magasin_adresse_non_vide",
    "magasin_nom_longueur",
    "magasin_nom_non_vide",
    "produit_categorie_longueur",
    "produit_categorie_non_vide",
    "produit_code_controle",
    "produit_code_forme",
    "produit_code_longueur",
    "produit_code_produit_id_fkey",
    "produit_description_longueur",
    "produit_nom_longueur",
    "produit_nom_non_vide",
    "produit_prix_positif",
    "reception_fournisseur_longueur",
    "reception_fournisseur_non_vide",
    "reception_ligne_cout_unitaire_positif",
    "reception_ligne_produit_id_fkey",
    "reception_ligne_quantite_positive",
    "reception_magasin_id_fkey",
    "reception_reference_longueur",
    "reception_reference_non_vide",
    "reservation_ligne_quantite_positive",
    "reservation_reference_longueur",
    "reservation_reference_non_vide",
    "reservation_total_positif",
    "retour_ligne_produit_id_fkey",
    "retour_ligne_quantite_positive",
    "retour_motif_longueur",
    "seuil_categorie_longueur",
    "seuil_categorie_magasin_id_fkey",
    "seuil_categorie_maximum_positif",
    "seuil_categorie_minimum_positif",
    "seuil_categorie_ordre",
    "seuil_magasin_id_fkey",
    "seuil_maximum_positif",
    "seuil_minimum_positif",
    "seuil_ordre",
    "seuil_produit_id_fkey",
    "stock_central_produit",
    "stock_central_produit_id_fkey",
    "stock_central_quantite_positive",
    "stock_local_magasin_id_fkey",
    "stock_local_magasin_produit",
    "stock_local_produit_id_fkey",
    "stock_local_quantite_positive",
    "transfert_ligne_produit_id_fkey",
    "transfert_ligne_quantite_positive",
    "transfert_ligne_recu_positif",
    "transfert_lieux_differents",
    "transfert_magasin_id_fkey",
    "transfert_vers_id_fkey",
    "vente_magasin_id_fkey",
    "vente_total_positif",
    NULL
};


/* The classes that the metrics count; the last one is for all others. */

static const char  *ngx_http_magasin_sqlstate_classes[] = {
    "08", "0A", "21", "22", "23", "25", "26", "28", "2B", "2D", "34", "3D",
    "3F", "40", "42", "44", "53", "54", "55", "57", "58", "P0", "XX", "other"
};


/*
 * Return the SQLSTATE and the message of an error; never NULL.  The message is
 * escaped; the next call overwrites it.
 */

const char *
ngx_http_magasin_sqlstate(PGresult *result)
{
    size_t       len;
    const char  *sqlstate;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    len = sqlstate ? strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                   : 0;

    return len == 5 && sqlstate[5] == '\0' ? sqlstate : "unknown";
}


const char *
ngx_http_magasin_sqlstate_message(PGresult *result)
{
    u_char         *p;
    const char     *message;

    static u_char   text[NGX_HTTP_MAGASIN_SQLSTATE_MESSAGE];

    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    p = ngx_http_magasin_pg_escape(text, sizeof(text) - 1,
                                   message ? message : "no message");
    *p = '\0';

    return (const char *) text;
}


/*
 * Copy a message of a server to `buffer` of `size` bytes for the log: control
 * characters become blanks, bytes that are not UTF-8 are written in
 * hexadecimal, and the rest that does not fit is dropped.
 *
 * Returns the end of the copy, which has no terminating NUL.
 */

u_char *
ngx_http_magasin_pg_escape(u_char *buffer, size_t size, const char *message)
{
    size_t   len;
    u_char  *p, *src, *last, *end, *next;

    p = buffer;
    end = buffer + size;
    src = (u_char *) message;
    len = ngx_strlen(message);
    last = src + ngx_min(len, size);

    while (src < last && end - p >= 4) {

        if (*src < ' ' || *src == 0x7f) {
            *p++ = ' ';
            src++;
            continue;
        }

        if (*src < 0x80) {
            *p++ = *src++;
            continue;
        }

        next = src;

        /* 0x80 to 0x9f are control characters, too. */

        if (ngx_utf8_decode(&next, last - src) - 0xa0 <= 0x10ffff - 0xa0
            && next - src >= 2 && next - src <= 4)
        {
            p = ngx_cpymem(p, src, next - src);
            src = next;

        } else {
            p = ngx_sprintf(p, "\\x%02Xi", (ngx_int_t) *src++);
        }
    }

    while (p > buffer && p[-1] == ' ') {
        p--;
    }

    return p;
}


/*
 * Return the HTTP status for an error of the server; 500 if it is unexpected.
 * `sqlstate` may be NULL.
 */

ngx_uint_t
ngx_http_magasin_sqlstate_status(const char *sqlstate)
{
    ngx_http_magasin_sqlstate_t  *entry;

    for (entry = ngx_http_magasin_sqlstates; entry->prefix; entry++) {
        if (sqlstate
            && ngx_strncmp(sqlstate, entry->prefix, ngx_strlen(entry->prefix))
               == 0)
        {
            break;
        }
    }

    return entry->status;
}


/*
 * The same of a result, whose constraint tells whether an error of class 23 is
 * a conflict.
 */

ngx_uint_t
ngx_http_magasin_sqlstate_result(PGresult *result)
{
    const char  *sqlstate, *constraint, **rule;

    sqlstate = ngx_http_magasin_sqlstate(result);
    constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    if (constraint && ngx_strncmp(sqlstate, "23", 2) == 0) {

        for (rule = ngx_http_magasin_sqlstate_rules; *rule; rule++) {
            if (ngx_strcmp(*rule, constraint) == 0) {
                return NGX_HTTP_CONFLICT;
            }
        }
    }

    return ngx_http_magasin_sqlstate_status(sqlstate);
}


/* Return the index of the class of a SQLSTATE, which may be NULL. */

ngx_uint_t
ngx_http_magasin_sqlstate_class(const char *sqlstate)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_SQLSTATE_CLASSES - 1; i++) {
        if (sqlstate
            && ngx_strncmp(sqlstate, ngx_http_magasin_sqlstate_classes[i], 2)
               == 0)
        {
            break;
        }
    }

    return i;
}


const char *
ngx_http_magasin_sqlstate_class_name(ngx_uint_t class)
{
    return ngx_http_magasin_sqlstate_classes[class];
}


/*
 * Returns 1 if an error ends the connection.  Class 57P: the server shuts
 * down, or an administrator ended the session.  0A000 and 26000: the prepared
 * statements do not fit the schema any more, or a pooler dropped them; a new
 * connection prepares them again.  But a pooler that renames them keeps those
 * of its sessions, so 0A000 is an error like others there.  25006: the server
 * accepts no writes any more, where a primary is to be found.  In these cases
 * the statement was not run.
 */

ngx_uint_t
ngx_http_magasin_pg_ending(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    char  *sqlstate;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate
           && (ngx_strncmp(sqlstate, "57P", 3) == 0
               || (ngx_strcmp(sqlstate, "0A000") == 0 && !connection->renamed)
               || ngx_strcmp(sqlstate, "26000") == 0
               || (ngx_strcmp(sqlstate, "25006") == 0
                   && connection->pool->conf->primary));
}


/* Returns 1 if an error has this SQLSTATE. */

static ngx_uint_t
ngx_http_magasin_sqlstate_is(PGresult *result, const char *code)
{
    char  *sqlstate;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate && ngx_strcmp(sqlstate, code) == 0;
}


/*
 * Returns 1 if the transaction was rolled back because of a deadlock or a
 * serialization failure (class 40): it is to be retried.
 */

ngx_uint_t
ngx_http_magasin_pg_undone(PGresult *result)
{
    return ngx_http_magasin_sqlstate_is(result, "40001")
           || ngx_http_magasin_sqlstate_is(result, "40P01");
}


/*
 * Returns 1 if a lock was not free within the lock_timeout (55P03): the
 * transaction was rolled back.
 */

ngx_uint_t
ngx_http_magasin_pg_missed(PGresult *result)
{
    return ngx_http_magasin_sqlstate_is(result, "55P03");
}


/*
 * Returns 1 if a statement cannot be prepared because there is one of its name
 * (42P05): the session is not new.
 */

ngx_uint_t
ngx_http_magasin_pg_shared(PGresult *result)
{
    return ngx_http_magasin_sqlstate_is(result, "42P05");
}


/*
 * Returns 1 if a pooler has no server any more (FATAL, class 08): whether the
 * statement was run is unknown.
 */

ngx_uint_t
ngx_http_magasin_pg_broken(PGresult *result)
{
    char  *sqlstate, *severity;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    severity = PQresultErrorField(result, PG_DIAG_SEVERITY);

    return sqlstate && severity && ngx_strncmp(sqlstate, "08", 2) == 0
           && ngx_strcmp(severity, "FATAL") == 0;
}
