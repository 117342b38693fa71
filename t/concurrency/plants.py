"""Bugs to be found, each with the check that is there for it.

BEFORE is SQL that stands while clients work, AFTER is SQL for what is there
when they have ended (it is taken back), RECORDS changes what was written
down.  A plant that no longer fits the functions fails loudly."""

import copy

from checker import Attempt


def replace_in(function, old, new):
    return f"""DO $do$
        DECLARE d text := pg_get_functiondef('{function}'::regproc);
        BEGIN
            IF strpos(d, $x${old}$x$) = 0 THEN
                RAISE 'the function has changed: plant the bug anew';
            END IF;
            EXECUTE replace(d, $x${old}$x$, $x${new}$x$);
        END $do$;"""


FUNCTIONS = ["vente_creer", "lot_refus", "stock_ajuster",
             "demande_trancher", "idempotence_ouvrir", "lot_ecrire",
             "lot_tenir", "lot_vendre", "lot_vendre_ecrire", "lot_ajuster",
             "lot_vendre_seule", "lot_vendre_une", "lot_finir",
             "journal_mouvements", "produit_codes_poser",
             "transfert_recevoir", "transfert_annuler", "transfert_clos",
             "stock_entrer"]

# The loser of two who claim one code is told that it has it.
SHARED_CODE = replace_in("produit_codes_poser",
                         "WHERE c.produit_id <> p_produit", "WHERE false")

BEFORE = {
    # Without its lock a sale sees stock that others have sold meanwhile.
    "oversell": (
        "ALTER TABLE stock_local"
        " DROP CONSTRAINT stock_local_quantite_positive;"
        + replace_in("vente_creer", "FOR UPDATE OF s", "")
        + replace_in("lot_tenir", "FOR UPDATE OF s SKIP LOCKED", "")
        + replace_in("lot_tenir", "FOR UPDATE OF s", "")
        + replace_in("lot_vendre_seule", "FOR UPDATE OF s SKIP LOCKED", "")
        + replace_in("lot_vendre_une", "FOR UPDATE SKIP LOCKED", "")
        + replace_in("lot_finir", "IF NOT juste THEN", "IF false THEN"),
        "not_below_zero"),
    "any-order": (
        replace_in("vente_creer", "ORDER BY s.produit_id",
                   "ORDER BY random()")
        + replace_in("lot_tenir", "ORDER BY s.produit_id, s.magasin_id",
                     "ORDER BY random()"),
        "logs"),
    "forgotten-key": (
        replace_in("idempotence_ouvrir", "connue.reponse;", "NULL;")
        + replace_in("lot_ecrire", "WHERE l.libres[u.n::integer]",
                     "WHERE false")
        + "ALTER TABLE idempotence DROP CONSTRAINT idempotence_pkey;",
        "no_other_sales"),
    "unlocked-key": (
        replace_in("idempotence_ouvrir", "IF NOT pg_try_advisory_xact_lock(",
                   "IF 0 = hashint8(")
        + replace_in("lot_ecrire", "ELSIF NOT pg_try_advisory_xact_lock(h)",
                     "ELSIF false"),
        "keys_are_kept"),
    "restless-key": (
        replace_in("idempotence_ouvrir", "connue.empreinte <> p_empreinte",
                   "true")
        + replace_in("lot_ecrire", "i.empreinte <> u.empreinte", "true"),
        "refused_keys"),
    "timid-key": (
        replace_in("idempotence_ouvrir", "IF NOT pg_try_advisory_xact_lock(",
                   "IF random() < 0.1 OR NOT pg_try_advisory_xact_lock(")
        + replace_in("lot_ecrire", "ELSIF NOT pg_try_advisory_xact_lock(h)",
                     "ELSIF random() < 0.1"
                     " OR NOT pg_try_advisory_xact_lock(h)"),
        "refused_keys"),
    "lost-adjustment": (
        replace_in("stock_ajuster",
                   "SELECT * INTO la\n          FROM stock_local\n"
                   "         WHERE magasin_id = p_magasin AND produit_id = "
                   "p_produit\n           FOR UPDATE;",
                   "SELECT * INTO la\n          FROM stock_local\n"
                   "         WHERE magasin_id = p_magasin AND produit_id = "
                   "p_produit;")
        + replace_in("lot_ajuster", "avant := apres;", ""),
        "adjustments"),
    # Of the batch: whose answer it is, what one that is refused does to the
    # others, and what there was after each.
    "swapped-answers": (
        replace_in("lot_vendre", "reponses[n] := fait.faites[i];",
                   "reponses[n] := fait.faites[1 + i"
                   " % cardinality(fait.numeros)];"),
        "sales_are_there"),
    "refused-neighbour": (
        replace_in("lot_vendre", "reponses[n] := r;",
                   "reponses[n] := r; oui := array_fill(false,"
                   " ARRAY[nombre]); IF sures IS NOT NULL THEN"
                   " libres[sures[1]] := false; gardees[sures[1]] := true;"
                   " reponses[sures[1]] := r; END IF;"),
        "refusals_are_true"),
    "running-quantity": (
        replace_in("journal_mouvements",
                   "place ORDER BY rang ROWS UNBOUNDED PRECEDING",
                   "place ORDER BY -rang ROWS UNBOUNDED PRECEDING"),
        "adjustments"),
    "unlocked-decision": (
        replace_in("demande_trancher",
                   "WHERE id = p_demande\n       FOR UPDATE",
                   "WHERE id = p_demande"),
        "decided_once"),
    "decided-again": (
        replace_in("demande_trancher", "r.statut IS NOT NULL THEN\n"
                   "        RETURN r;", "false THEN RETURN r;"),
        "decided_once"),
    "arrives-again": (
        replace_in("transfert_clos", "(t).statut <> 'en_transit'::text",
                   "(t).statut = 'perdu'::text"),
        "closed_once"),
    "unit-on-the-way": (
        replace_in("transfert_recevoir", "PERFORM stock_entrer(t.vers_id, q);",
                   "q.quantites[1] := greatest(q.quantites[1] - 1, 0);"
                   " PERFORM stock_entrer(t.vers_id, q);"),
        "conserved"),
    "wrong-refusal": (
        replace_in("lot_refus", "|| reste || '}'",
                   "|| reste - 1 || '}'"),
        "refusals_are_true"),
    "silent-movement": (
        "ALTER TABLE stock_local DISABLE TRIGGER"
        " journal_mouvement_modification;",
        "ledger"),
    "running-sale": (
        replace_in("lot_tenir", "array_agg(quantite - deja)",
                   "array_agg(quantite - toute)"),
        "ledger"),
    "silent-sale": (
        replace_in("lot_vendre_ecrire",
                   "SELECT 'vente', n, magasin, produit, "
                   "-sum(quantite)::integer",
                   "SELECT 'vente', n, magasin, produit, 0"),
        "ledger"),
    "deaf-replica": (
        "ALTER TABLE stock_local ENABLE TRIGGER"
        " journal_mouvement_modification;",
        "ledger"),
    "no-rollup": (
        "ALTER TABLE ligne_vente DISABLE TRIGGER cumul_creation;"
        + replace_in("lot_vendre_ecrire",
                     "SET quantite = c.quantite + excluded.quantite",
                     "SET quantite = c.quantite"),
        "rollups"),
}

# In groups that do not get in each other's way, to save time; the checks of
# one group are different ones.
GROUPS = [("oversell", "lost-adjustment", "timid-key"),
          ("running-sale",),
          ("forgotten-key", "no-rollup", "unlocked-decision"),
          ("unlocked-key", "silent-movement", "wrong-refusal"),
          ("restless-key", "any-order", "decided-again", "deaf-replica"),
          ("swapped-answers", "running-quantity", "refused-neighbour",
           "silent-sale"),
          ("arrives-again", "unit-on-the-way")]

REPLICA = "SET LOCAL session_replication_role = replica;"

AFTER = {
    "lost-in-transit": (
        REPLICA + "DELETE FROM transfert_ligne WHERE en_transit",
        "conserved"),
    "forgotten-receipt": (
        REPLICA + "DELETE FROM reception_ligne", "made_once"),
    "wrong-index": (
        REPLICA + "UPDATE transfert_ligne SET en_transit = false",
        "transit_is_indexed"),
    "lost-sale": (
        REPLICA + "DELETE FROM ligne_vente WHERE vente_id % 7 = 0;"
        "DELETE FROM vente WHERE id % 7 = 0", "sales_are_there"),
    "late-sale": (
        "UPDATE vente SET date_vente = date_vente + interval '1 ms'"
        " WHERE id % 7 = 0", "sales_are_there"),
    "wrong-line": (
        "UPDATE ligne_vente SET quantite = quantite + 1"
        " WHERE id = (SELECT min(id) FROM ligne_vente)", "sales_are_there"),
    "second-sale": (
        """WITH l AS (SELECT * FROM ligne_vente l
                       WHERE prix_unitaire BETWEEN 100 AND 100000
                       ORDER BY id LIMIT 1),
                v AS (INSERT INTO vente (magasin_id, total)
                      SELECT v.magasin_id, v.total
                        FROM vente v JOIN l ON l.vente_id = v.id
                      RETURNING id)
           INSERT INTO ligne_vente (vente_id, produit_id, quantite,
                                    prix_unitaire)
           SELECT v.id, l.produit_id, l.quantite, l.prix_unitaire
             FROM l, v""", "no_other_sales"),
    "nobodys-sale": (
        "INSERT INTO vente (magasin_id, total) VALUES (1, 1)",
        "no_other_sales"),
    "hand-sale-lost": (
        "DELETE FROM ligne_vente WHERE prix_unitaire > 100000;"
        "DELETE FROM vente v WHERE NOT EXISTS"
        " (SELECT FROM ligne_vente WHERE vente_id = v.id)", "hand_sales"),
    "vanished-units": (
        "UPDATE stock_local SET quantite = quantite - 1 WHERE id ="
        " (SELECT min(id) FROM stock_local WHERE quantite > 0)",
        "units_are_conserved"),
    "undecided": (
        REPLICA + "UPDATE demande_reapprovisionnement"
        " SET statut = 'en_attente' WHERE id = (SELECT min(id)"
        " FROM demande_reapprovisionnement WHERE statut = 'approuvee')",
        "decided_once"),
    "nobodys-demand": (
        "INSERT INTO demande_reapprovisionnement"
        " (magasin_id, produit_id, quantite) VALUES (1, 1, 21)",
        "replenishments"),
    "second-product": (
        "INSERT INTO produit (nom, categorie, prix)"
        " SELECT 'Essai', 'Essai', 1 FROM generate_series(1, 9)",
        "products"),
    "lost-change": (
        "ALTER TABLE produit DISABLE TRIGGER journal_fait;"
        "UPDATE produit SET description = 'Essai' WHERE id <= 5", "changes"),
    "second-change": (
        "INSERT INTO journal (type, produit_id, details)"
        " SELECT type, produit_id, details FROM journal"
        " WHERE details ? 'description' ORDER BY id DESC LIMIT 1",
        "changes"),
    "torn-journal": (
        "SET LOCAL magasin.entretien = 'oui'; DELETE FROM journal"
        " WHERE id = (SELECT max(id) FROM journal WHERE type = 'vente')",
        "journal_tells_sales"),
    "hidden-row": (
        "INSERT INTO journal (type) VALUES ('essai')", "stream"),
}


def first(requests, wanted):
    return next(r for r in requests if wanted(r))


def add(request, status, body=b"{}"):
    request.attempts.append(Attempt(0, 0.001, status, body))


def other_answer(requests, db):
    r = first(requests, lambda r: r.key in db["replayed"])
    db["replayed"][r.key].append(Attempt(0, 0, r.status(), b"{}"))


def stale_read(requests, _):
    """Of what everybody knew to be over for a second."""
    r = first(requests[::-1], lambda r: r.kind == "read" and r.told())
    r.attempts[0].body = b'{"quantite": 399}'
    r.attempts[0].sent = r.attempts[0].ended = 1e11


def mute(requests, _):
    first(requests, lambda r: r.key and r.final()).attempts.clear()


RECORDS = {
    "server-error": (lambda rs, _: add(rs[0], 500), "statuses"),
    "busy-when-calm": (lambda rs, _: add(rs[0], 503), "statuses"),
    "no-answer": (mute, "unanswered"),
    "other-answer": (other_answer, "keys_are_kept"),
    "stale-read": (stale_read, "reads_are_fresh"),
    "alert": (lambda _, db: db["complaints"].append("[alert]"), "logs"),
    "shown-twice": (lambda _, db: db["stream"].append(1), "stream"),
}

NAMES = [*BEFORE, *AFTER, *RECORDS]


def in_records(name, requests, db):
    """Copies of both with the bug in them."""
    requests, db = copy.deepcopy((requests, db))
    RECORDS[name][0](requests, db)
    return requests, db
