"""Bugs to be found, each with the check that is there for it.

BEFORE is SQL that stands while clients work, AFTER is SQL for what is there
when they have ended (it is taken back), RECORDS changes what was written
down.  A plant that no longer fits the functions fails loudly."""

import copy
import json
import pickle

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
             "lot_changer_prix", "lot_vendre_une", "lot_commencer",
             "lot_finir", "journal_mouvements", "produit_codes_poser",
             "transfert_recevoir", "transfert_annuler", "transfert_clos",
             "stock_entrer", "retenues_echoir", "lot_reclamer",
             "lot_reclamer_ouvrir", "lot_reserver_ecrire",
             "reservations_balayer", "comptage_saisir", "comptage_compter",
             "comptage_ecarts", "demande_modifier", "retour_restes",
             "retour_ecrire", "lot_ouvrir", "produits_lot", "stock_lot",
             "stock_lot_ecrire", "central_ajuster", "lot_attendre",
             "lot_forcer", "seuil_poser", "seuils_poser", "besoins_demander",
             "magasin_creer", "magasin_changer"]


def restes(expression):
    """What is left of each line of a sale, to be brought back, is said to be
    this; and nothing stands behind it."""
    return ("ALTER TABLE retour_ligne DISABLE TRIGGER borne;"
            " CREATE OR REPLACE FUNCTION retour_restes(p_vente bigint,"
            " p_produits bigint[]) RETURNS TABLE (ligne bigint,"
            " produit bigint, prix numeric, reste bigint)"
            " LANGUAGE sql STABLE AS $f$ SELECT l.id, l.produit_id,"
            f" l.prix_unitaire, {expression} FROM ligne_vente l"
            " WHERE l.vente_id = p_vente"
            " AND l.produit_id = ANY (p_produits) $f$;")

# The loser of two who claim one code is told that it has it.
SHARED_CODE = replace_in("produit_codes_poser",
                         "WHERE c.produit_id <> p_produit", "WHERE false")

# Of a sale that was committed and not acknowledged: its key is not known when it
# is sent again, or it had none and is sent again all the same.
FORGOTTEN_KEY = (
    replace_in("idempotence_ouvrir", "connue.reponse;", "NULL;")
    + replace_in("lot_ecrire", "WHERE l.libres[u.n::integer]",
                 "WHERE false")
    + "ALTER TABLE idempotence DROP CONSTRAINT idempotence_pkey;")

# Of a batch: who sends it once more under its key has it written again.
BATCH_AGAIN = (
    "".join(replace_in(f, "IF r.statut IS NOT NULL THEN", "IF false THEN")
            for f in ("lot_ouvrir", "produits_lot", "stock_lot"))
    + "ALTER TABLE idempotence DROP CONSTRAINT idempotence_pkey;")

# Who repeats a request under its key has it done again.
def again(function):
    return (replace_in(function, "IF r.statut IS NOT NULL THEN",
                       "IF false THEN")
            + "ALTER TABLE idempotence DROP CONSTRAINT idempotence_pkey;")

# Two who ask at once for what a store should ask for do not follow each other.
BOTH_ASK = (
    replace_in("besoins_demander", "FOR NO KEY UPDATE", "FOR KEY SHARE")
    + replace_in("besoins_demander", "PERFORM idempotence_fermer(",
                 "PERFORM pg_sleep(0.1); PERFORM idempotence_fermer("))

# Of a batch: what is right is written though a row is wrong.
TORN = "IF NOT p_tout OR NOT EXISTS (SELECT FROM lot_ligne"

# A sale of one line that takes no lock, and its time before it writes: another
# one sees the same stock meanwhile.
OVERSELL = (
    "ALTER TABLE stock_local DROP CONSTRAINT stock_local_quantite_positive;"
    + replace_in("lot_vendre_une", "FOR UPDATE SKIP LOCKED", "")
    + replace_in("lot_vendre_une", "FOR NO KEY UPDATE SKIP LOCKED", "")
    + replace_in("lot_commencer", "RETURN contexte_poser(",
                 "PERFORM pg_sleep(0.3); RETURN contexte_poser(")
    + replace_in("lot_finir", "IF NOT juste THEN", "IF false THEN"))

SENT_AGAIN = """
    WITH v AS (INSERT INTO vente (magasin_id, total)
               SELECT 1, {mark} FROM generate_series(1, 2)
               RETURNING id)
    INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
    SELECT id, 1, 1, {mark} FROM v"""

BEFORE = {
    "any-order": (
        replace_in("vente_creer", "ORDER BY s.produit_id",
                   "ORDER BY random()")
        + replace_in("lot_tenir", "ORDER BY s.produit_id, s.magasin_id",
                     "ORDER BY random()"),
        "logs"),
    "forgotten-key": (FORGOTTEN_KEY, "no_other_sales"),
    "unlocked-key": (
        replace_in("idempotence_ouvrir", "IF NOT pg_try_advisory_xact_lock(",
                   "IF 0 = hashint8(")
        + replace_in("lot_ecrire", "WHERE NOT pg_try_advisory_xact_lock(",
                     "WHERE 0 = hashint8("),
        "keys_are_kept"),
    "restless-key": (
        replace_in("idempotence_ouvrir", "connue.empreinte <> p_empreinte",
                   "true")
        + replace_in("lot_ecrire", "i.empreinte <> u.empreinte", "true"),
        "refused_keys"),
    "timid-key": (
        replace_in("idempotence_ouvrir", "IF NOT pg_try_advisory_xact_lock(",
                   "IF random() < 0.1 OR NOT pg_try_advisory_xact_lock(")
        + replace_in("lot_ecrire", "WHERE NOT pg_try_advisory_xact_lock(",
                     "WHERE random() < 0.1"
                     " OR NOT pg_try_advisory_xact_lock("),
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
    # A count that is compared with what there is at the close takes away what
    # was sold meanwhile a second time.
    "count-overwrites": (
        replace_in("comptage_ecarts", "FROM comptage_ligne l",
                   "FROM (SELECT l.comptage_id, l.produit_id, l.compte,"
                   " coalesce((SELECT s.quantite FROM stock_local s"
                   " WHERE s.magasin_id = l.magasin_id"
                   " AND s.produit_id = l.produit_id), l.present) AS present"
                   " FROM comptage_ligne l) l"),
        "written_once"),
    "adds-again": (
        replace_in("comptage_compter", "IF f.rendre THEN",
                   "IF f.rendre THEN UPDATE comptage_ligne"
                   " SET compte = compte + p_quantites[1]"
                   " WHERE comptage_id = p_comptage AND ouverte"
                   " AND produit_id = p_produits[1] AND p_ajoutes[1];"),
        "counted"),
    "closed-again": (
        replace_in("comptage_saisir", "IF d.statut <> 'ouvert' THEN",
                   "IF d.statut = 'annule' THEN"),
        "ended_once"),
    "amended-late": (
        replace_in("demande_modifier", "r := demande_close(d);",
                   "r := NULL;"),
        "decided_once"),
    "returned-twice": (restes("l.quantite::bigint"), "refunds"),
    "more-than-sold": (
        restes("l.quantite + 1 - coalesce((SELECT sum(r.quantite)"
               " FROM retour_ligne r WHERE r.ligne_id = l.id), 0)"),
        "refunds"),
    "unit-too-many": (
        replace_in("retour_ecrire", "PERFORM stock_entrer(v.magasin_id, q);",
                   "PERFORM stock_entrer(v.magasin_id, q);"
                   " PERFORM stock_entrer(v.magasin_id, q);"),
        "conserved"),
    "silent-price": (
        replace_in("lot_changer_prix", "WHERE ancien <> prix",
                   "WHERE ancien < prix"),
        "prices"),
    "torn-batch": (
        replace_in("produits_lot", TORN, TORN.replace("NOT p_tout", "true"))
        + replace_in("stock_lot", TORN, TORN.replace("NOT p_tout", "true")),
        "batches_are_whole"),
    "unlocked-batch": (
        replace_in("stock_lot", "FOR UPDATE OF s;", ";")
        + replace_in("stock_lot_ecrire", " AND s.quantite = v.avant", ""),
        "batches_add"),
    "lost-central": (
        replace_in("central_ajuster", "FOR UPDATE;", ";"), "adjustments"),
    "any-total": (
        replace_in("lot_attendre", "c.total <> p_attendus[c.n]", "false"),
        "exact"),
    "found-twice": (
        replace_in("lot_forcer",
                   "SET quantite = s.quantite + excluded.quantite",
                   "SET quantite = s.quantite + 2 * excluded.quantite"),
        "forced"),
    "forced-from-held": (
        replace_in("lot_forcer", "t.quantite - t.retenu", "t.quantite"),
        "forced"),
    "granted-in-full": (
        replace_in("demande_trancher", "coalesce(p_quantite, d.quantite)",
                   "d.quantite"),
        "granted"),
    "another-quantity": (
        replace_in("besoins_demander", "coalesce(u.quantite, b.suggere)",
                   "coalesce(b.suggere, u.quantite)"),
        "reordered"),
    "ordered-again": (again("besoins_demander"), "replenishments"),
    "forgotten-threshold": (
        replace_in("seuil_poser", "SET minimum = p_minimum",
                   "SET minimum = coalesce(minimum, p_minimum)"),
        "thresholds"),
    "mixed-defaults": (
        replace_in("seuils_poser", "categorie <> ALL (",
                   "categorie = ALL ("),
        "thresholds"),
    "never-closed-store": (
        replace_in("magasin_changer", "coalesce(p_ouvert, ouvert)", "true"),
        "stores"),
    "opened-again": (again("magasin_creer"), "stores"),
    "code-of-another": (
        replace_in("produit_codes_poser", "IF pris IS NOT NULL THEN",
                   "IF pris IS NOT NULL THEN RETURN NULL; END IF;"
                   " IF false THEN"),
        "codes"),
    "wrong-refusal": (
        replace_in("lot_refus", "|| reste || '}'",
                   "|| reste - 1 || '}'"),
        "refusals_are_true"),
    "silent-movement": (
        "ALTER TABLE stock_local DISABLE TRIGGER"
        " journal_mouvement_modification;",
        "ledger"),
    "running-sale": (
        replace_in("lot_tenir", "ROWS UNBOUNDED PRECEDING",
                   "ROWS BETWEEN UNBOUNDED PRECEDING"
                   " AND UNBOUNDED FOLLOWING"),
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
                     "SET quantite = c.quantite + p.quantite",
                     "SET quantite = c.quantite"),
        "rollups"),
}

# In groups that do not get in each other's way, to save time; the checks of
# one group are different ones.
GROUPS = [("lost-adjustment", "timid-key"),
          ("running-sale",),
          ("forgotten-key", "no-rollup", "unlocked-decision"),
          ("unlocked-key", "silent-movement", "wrong-refusal"),
          ("restless-key", "any-order", "decided-again", "deaf-replica"),
          ("swapped-answers", "running-quantity", "refused-neighbour",
           "silent-sale"),
          ("arrives-again", "unit-on-the-way", "silent-price"),
          ("count-overwrites", "adds-again", "amended-late"),
          ("returned-twice", "unit-too-many"),
          ("more-than-sold", "closed-again"),
          ("torn-batch", "unlocked-batch")]

REPLICA = "SET LOCAL session_replication_role = replica;"

AFTER = {
    "lost-in-transit": (
        REPLICA + "DELETE FROM transfert_ligne WHERE en_transit",
        "conserved"),
    "unsold-line": (
        REPLICA + "UPDATE ligne_vente SET quantite = quantite + 1"
        " WHERE id = (SELECT max(id) FROM ligne_vente)", "equation"),
    "untold-movement": (
        "SET LOCAL magasin.entretien = 'oui';"
        "DELETE FROM journal WHERE id = (SELECT min(id) FROM journal"
        " WHERE type = 'reception')", "equation"),
    "untold-centre": (
        "SET LOCAL magasin.entretien = 'oui';"
        "DELETE FROM journal WHERE id = (SELECT min(id) FROM journal"
        " WHERE type = 'ajustement' AND magasin_id IS NULL)", "equation"),
    "untold-correction": (
        "SET LOCAL magasin.entretien = 'oui';"
        "DELETE FROM journal WHERE id = (SELECT min(id) FROM journal"
        " WHERE motif = 'ecart_caisse')", "equation"),
    "nobodys-hand": (
        "SET LOCAL magasin.entretien = 'oui';"
        "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal"
        " WHERE motif = 'ecart_caisse')", "forced"),
    "other-threshold": (
        "UPDATE seuil SET minimum = 0, maximum = 1000", "thresholds"),
    "untold-threshold": (
        "SET LOCAL magasin.entretien = 'oui';"
        "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal"
        " WHERE type = 'seuil_modification')", "thresholds"),
    "no-defaults": ("DELETE FROM seuil_categorie", "thresholds"),
    "second-store": (
        "INSERT INTO magasin (nom, adresse) SELECT nom, adresse"
        " FROM magasin WHERE nom LIKE 'Magasin essai%' LIMIT 1", "stores"),
    "open-all-night": (
        "UPDATE magasin SET ouvert = NOT ouvert"
        " WHERE nom LIKE 'Magasin essai%'", "stores"),
    "lost-code": ("DELETE FROM produit_code", "codes"),
    "wandering-code": (
        "UPDATE produit_code SET produit_id = (SELECT min(id) FROM produit p"
        " WHERE NOT EXISTS (SELECT FROM produit_code WHERE produit_id = p.id))"
        " WHERE cle = (SELECT max(cle) FROM produit_code)", "codes"),
    "granted-more": (
        REPLICA + "UPDATE demande_reapprovisionnement"
        " SET quantite = quantite + 1 WHERE statut = 'approuvee'",
        "decided_once"),
    "uncounted": (
        REPLICA + "DELETE FROM comptage_ligne WHERE NOT oubliee", "counted"),
    "never-closed": (
        REPLICA + "UPDATE comptage SET statut = 'annule'"
        " WHERE statut = 'clos'", "written_once"),
    "second-count": (
        "INSERT INTO comptage (magasin_id, motif) SELECT magasin_id, motif"
        " FROM comptage LIMIT 1", "opened_once"),
    "forgotten-receipt": (
        REPLICA + "DELETE FROM reception_ligne", "made_once"),
    "lost-return": (
        REPLICA + "DELETE FROM retour_ligne", "refunds"),
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
    "lost-price": (
        "ALTER TABLE produit DISABLE TRIGGER journal_fait;"
        "UPDATE produit SET prix = prix + 1 WHERE id <= 5", "prices"),
    # Those of the batches have a check of their own.
    "second-change": (
        "INSERT INTO journal (type, produit_id, details)"
        " SELECT type, produit_id, details FROM journal"
        " WHERE type = 'produit_modification'"
        " AND details #>> '{description,1}' NOT LIKE 'lot %'"
        " ORDER BY id DESC LIMIT 5",
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


def other_total(requests, _):
    """Of a sale that was told."""
    r = first(requests, lambda r: r.kind == "exact" and r.told())
    r.body["total_attendu"] = "0.01"


def other_price(requests, _):
    r = first(requests, lambda r: r.kind == "exact" and r.told()
              and len(r.told()["lignes"]) > 1)
    final = r.final()
    said = r.told()
    line = next(line for line in said["lignes"] if line["prix_unitaire"]
                != r.mark())
    said["total"] = r.body["total_attendu"] = "7.77"
    line["prix_unitaire"], line["quantite"] = "7.77", 1
    said["lignes"] = [line]
    final.body = json.dumps(said).encode()


def sold_closed(requests, _):
    """The store was told to be closed before."""
    r = first(requests[::-1], lambda r: r.kind == "sale" and r.told()
              and r.body["magasin"] == 1)
    late = copy.deepcopy(first(requests, lambda r: r.kind == "alter"))
    late.path = f"/api/v1/stores/{r.body['magasin']}/"
    late.body = {"ouvert": False}
    late.attempts[:] = [Attempt(0, 0.001, 200, b'{"ouvert":false}')]
    requests.append(late)


def more_granted(requests, _):
    r = first(requests, lambda r: r.kind == "decide" and r.body and r.told())
    r.body["quantite"] += 1


def other_order(requests, _):
    r = first(requests, lambda r: r.kind == "reorder" and "lignes" in r.body
              and r.told())
    r.body["lignes"][0]["quantite"] += 1


def mute(requests, _):
    first(requests, lambda r: r.key and r.final()).attempts.clear()


RECORDS = {
    "server-error": (lambda rs, _: add(rs[0], 500), "statuses"),
    "busy-when-calm": (lambda rs, _: add(rs[0], 503), "statuses"),
    "no-answer": (mute, "unanswered"),
    "other-answer": (other_answer, "keys_are_kept"),
    "other-total": (other_total, "exact"),
    "other-price": (other_price, "exact"),
    "sold-when-closed": (sold_closed, "closed_stores"),
    "more-granted": (more_granted, "granted"),
    "other-order": (other_order, "reordered"),
    "stale-read": (stale_read, "reads_are_fresh"),
    "alert": (lambda _, db: db["complaints"].append("[alert]"), "logs"),
    "shown-twice": (lambda _, db: db["stream"].append(1), "stream"),
}

# Only who writes may find what is over.
NO_SWEEP = replace_in("reservations_balayer", "RETURN ", "RETURN false AND ")

# Of the flash sale.  Without the rule the counter goes below 0.
NO_COUNTER = ("ALTER TABLE stock_local"
              " DROP CONSTRAINT stock_local_retenu_positif;")

FLASH = {
    # Who comes second finds the reservation as it was before.
    "double-claim": (
        NO_COUNTER
        + replace_in("lot_reclamer_ouvrir", "reservation_close(c.statut)",
                     "reservation_close('retenue')")
        + replace_in("lot_reclamer", "bool_and(e.etat = 'retenu')", "true"),
        "claimed_once"),
    # What is over is never marked.
    "expired-blocks": (
        replace_in("retenues_echoir", "l.expire_le <= maintenant", "false"),
        "available_again"),
    # Others may have bought what is claimed.
    "expired-claimed": (
        NO_COUNTER
        + replace_in("lot_reclamer", "bool_and(e.etat = 'retenu')", "true"),
        "marked_once"),
    # The counter is not lowered.
    "claim-holds": (
        replace_in("lot_vendre_ecrire", "CASE WHEN p_reclamer THEN p.quantite",
                   "CASE WHEN false THEN p.quantite"),
        "counters_are_right"),
}

# Each is a sale of its own.
FLASH_SHORT = ["double-claim", "expired-blocks"]

# Those that have a part of the suite of their own.
ALONE = {
    "shared-code": SHARED_CODE,
    "batch-again": BATCH_AGAIN,
    "oversell": OVERSELL,
    "sent-again": SENT_AGAIN.format(mark=1),
    "no-sweep": NO_SWEEP,
}

NAMES = [*BEFORE, *AFTER, *RECORDS, *FLASH]


def texts():
    """All that is SQL, by its name."""
    return {**ALONE, **{name: text for group in (BEFORE, AFTER, FLASH)
                        for name, (text, _) in group.items()}}


def in_records(name, requests, db):
    """Copies of both with the bug in them."""
    # Faster than a deep copy.
    requests, db = pickle.loads(pickle.dumps((requests, db)))
    RECORDS[name][0](requests, db)
    return requests, db
