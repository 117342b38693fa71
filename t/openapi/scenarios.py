"""The requests behind the examples of the document.

A response example is the answer to a request: the operation's first request
(path parameters and the first body as the document has them), changed by what
stands here under the example's name.  A request body of the same name in the
document is that request's body; what is here and not there is wrong on
purpose.

  path, query, headers   names and values instead of the operation's own
  body                   what is sent: an object as JSON, a text as it is
  token                  another token than the demonstration's; None: none
  sql                    is done before, on the fixture
  hold                   a session keeps this until the answer is there
  again                  it is sent twice, the second time with a blank more
"""

# Tokens besides the demonstration's, each for what it lacks.
TOKENS = {"caisse": "ventes", "lecture": "prix",
          "magasin-1": "ventes,lecture magasins=1 expire=2099-12-31",
          "fini": "ventes expire=2026-01-31"}

KEY = {"Idempotency-Key": "ticket-1"}
KEY_LOCK = ("SELECT pg_advisory_lock(hashtextextended("
            "'demo' || E'\\n' || 'ticket-1', 430115))")

DECIDED = ("UPDATE demande_reapprovisionnement SET statut = 'refusee',"
           " date_decision = now(), decideur = 'siege' WHERE id = 1")
# Sales of days that stay the same.
DATED = ("UPDATE vente SET date_vente = timestamptz '2026-03-01 10:30:00Z'"
         " + id * interval '1 day'")
NEEDED = "INSERT INTO seuil VALUES (1, 4, 40, 90)"
# What the fixture has none of.
REQUESTED = ("INSERT INTO demande_reapprovisionnement"
             " (magasin_id, produit_id, quantite) VALUES (2, 1, 20)")

RECEIVED = ("SELECT reception_creer(2, 'Torréfacteur', 'BL-77', '{4,2}',"
            " '{10,5}', '{3.20,NULL}', 'demo', NULL, NULL)")
SENT = ("SELECT transfert_creer(1, 2, '{9,4}', '{4,5}', NULL, 'demo', NULL,"
        " NULL)")
RESERVED = ("SELECT reservation_creer(1, '{2,4}', '{1,2}', 900, 'Panier 7',"
            " 'demo')")
OVER = ("SELECT reservation_clore(1, 'expiree', 'demo')")

OPENED = ("SELECT comptage_ouvrir(1, NULL, NULL, false, 'annuel', 'demo', NULL,"
          " NULL)")
LISTED = OPENED.replace("NULL, NULL, false", "NULL, '{4,9}', false")
COUNTED = ("; SELECT comptage_compter(1, '{4,9}', '{27,28}', '{f,f}', NULL,"
           " 'demo', NULL, NULL)")
# Another stock-take, which has counted product 8.
ELSEWHERE = (OPENED + "; SELECT comptage_compter(2, '{8}', '{1}', '{f}', NULL,"
             " 'demo', NULL, NULL)")
CLOSED = "UPDATE comptage SET statut = 'clos', date_cloture = now()"
RETURNED = ("SELECT retour_creer(1, '{4}', '{1}', 'trop fort', true, NULL,"
            " 'demo', NULL, NULL)")


def archived(product):
    return f"UPDATE produit SET archive_le = now() WHERE id = {product}"


def coded(product):
    return ("INSERT INTO produit_code (code, produit_id, rang)"
            f" VALUES ('3017620422003', {product}, 1)")


def closed(store):
    return f"UPDATE magasin SET ouvert = false WHERE id = {store}"


# Any operation that has an example of this name.
ANY = {
    "sans_token": {"token": None},
    "sans_droit": {"token": "lecture"},
    "token_expire": {"token": "fini"},
    "format_inconnu": {"query": {"format": "xml"}},
    "accept_html": {"headers": {"Accept": "text/html"}},
    "etag_perime": {"headers": {"If-Match": '"0"'}},
    "corps_trop_long": {"body": "x" * (1024 * 1024 + 1)},
    "corps_texte": {"headers": {"Content-Type": "text/plain"}, "body": "x"},
    "cle_reprise": {"headers": KEY, "again": True},
    "cle_non_valide": {"headers": {"Idempotency-Key": "deux mots"}},
    "cle_en_cours": {"headers": KEY, "hold": KEY_LOCK},
    "limite_nulle": {"query": {"limit": "0"}},
    "page": {"query": {"limit": "2"}},
    "curseur_abime": {"query": {"cursor": "abc"}},
    "base_absente": {},     # run stops PostgreSQL
    "base_lente": {},       # run holds its rows
}

# What is there for the operations that read it.
ROWS = {
    **dict.fromkeys(("replenishments", "replenishment",
                     "replenishment_approve", "replenishment_reject",
                     "replenishment_patch", "replenishment_cancel",
                     "replenishment_decisions"), REQUESTED),
    **dict.fromkeys(("receipts", "receipt", "receipt_cancel"), RECEIVED),
    "sale_returns": RETURNED,
    **dict.fromkeys(("transfers", "transfer", "transfer_receive",
                     "transfer_cancel"), SENT),
    **dict.fromkeys(("reservations", "reservation", "reservation_claim",
                     "reservation_release"), RESERVED),
    **dict.fromkeys(("counts", "count", "count_add", "count_cancel"), OPENED),
    "count_lines": OPENED + COUNTED,
    "count_close": LISTED + COUNTED,
}

# A value of each parameter of a query, which the first answer fits.
VALUES = {
    "archive": "true", "categorie": "Boissons", "code": "3017620422003",
    "depuis": "2026-01-01",
    "detail": "true", "format": "json", "id": "4,6", "jusqu_a": "2999-12-31T23:59:59Z", "limit": "2",
    "magasin": "2", "mode": "valid", "ordering": "-id", "page": "last", "produit": "4",
    "sous_minimum": "true", ("items", "ordering"): "-quantite",
    ("items", "q"): "premium", "produit__nom": "café", "produits": "4,6", "q": "cafe", "quantite": "30",
    "statut": "en_attente", "type": "vente",
    ("receipts", "reference"): "BL-77",
    ("reservations", "reference"): "Panier 7",
    ("reservations", "magasin"): "1",
    "au": "2999-12-31T23:59:59Z", "numero": "1", "total_min": "100",
    ("stock_central", "ordering"): "-quantite",
    ("reports_sales", "jusqu_a"): "2999-12-31",
    "par": "mois", "groupe": "produit",
    ("transfers", "statut"): "en_transit",
    ("counts", "statut"): "ouvert", ("counts", "magasin"): "1",
    "etat": "comptes",
}

SCENARIOS = {
    "me": {"caisse": {"token": "magasin-1"}},
    "reports_sales": {
        "page": {"query": {"depuis": "2026-03-01", "jusqu_a": "2026-03-31",
                           "limit": "2"}, "sql": DATED},
        "heures": {"query": {"depuis": "2026-03-01", "jusqu_a": "2026-03-31",
                             "par": "heure", "magasin": "1"}, "sql": DATED},
        "categories": {"query": {"depuis": "2026-03-01",
                                 "jusqu_a": "2026-03-31", "par": "mois",
                                 "groupe": "categorie"}, "sql": DATED},
        "jour_non_valide": {"query": {"depuis": "hier"}},
    },
    "stores": {
        "magasins": {},
    },
    "store": {"inconnu": {"path": {"id": 99}}},
    "store_create": {
        "fuseau_inconnu": {"body": {"nom": "Magasin Phobos", "adresse": "Mars",
                                    "fuseau": "Mars/Phobos"}},
    },
    "store_patch": {"inconnu": {"path": {"id": 99}},
                    "nom_vide": {"body": {"nom": ""}}},
    "items": {
        "filtre": {"query": {"q": "premium", "categorie": "Boissons"}},
        "sous_minimum": {
            "query": {"sous_minimum": "true", "ordering": "-quantite"},
            "sql": "WITH s AS (INSERT INTO seuil VALUES (1, 4, 40, 90))"
                   " INSERT INTO demande_reapprovisionnement"
                   " (magasin_id, produit_id, quantite) VALUES (1, 4, 5)"},
    },
    "reorder": {"besoins": {"sql": NEEDED}},
    "reorder_create": {
        "tout": {"sql": NEEDED},
        "rien": {"body": {}},
        "rien_a_demander": {"body": {"lignes": [{"produit": 1}]}},
        "inconnu": {"path": {"id": 99}},
        "ferme": {"sql": closed(1), "body": {}},
    },
    "thresholds": {"inconnu": {"path": {"id": 99}}},
    "thresholds_put": {
        "inconnu": {"path": {"id": 99}},
        "ordre_inverse": {"body": {"lignes": [
            {"categorie": "Boissons", "minimum": 2, "maximum": 1}]}},
    },
    "threshold": {"inconnu": {"path": {"produit": 99}}},
    "threshold_put": {
        "inconnu": {"path": {"produit": 99}},
        "ordre_inverse": {"body": {"minimum": 2, "maximum": 1}},
    },
    "stock": {
        "instant": {"query": {"au": "2999-12-31", "produits": "4,5"}},
        "instant_non_valide": {"query": {"au": "hier"}},
        "trop_ancien": {"query": {"au": "2001-01-01"}},
        "inconnu": {"path": {"id": 99}},
    },
    "stock_list": {
        "premiere_page": {},
        "derniere_page": {"query": {"page": "last"}},
        "filtre": {"query": {"produit__nom": "café",
                             "ordering": "-quantite,produit__nom"}},
        "quantite_non_valide": {"query": {"quantite": "beaucoup"}},
        "page_absente": {"query": {"page": "9"}},
    },
    "stock_item": {"absent": {"path": {"id": 2, "produit": 3}}},
    "stock_adjust": {
        "delta_nul": {"body": {"delta": 0}},
        "rien": {"body": {}},
        "json_abime": {"body": '{"delta": -3'},
        "magasin_inconnu": {"path": {"id": 99}},
        "produit_inconnu": {"path": {"produit": 99}},
    },
    "stock_central_item": {"absent": {"path": {"produit": 99}}},
    "stock_central_adjust": {
        "delta_nul": {"body": {"delta": 0}},
        "rien": {"body": {}},
        "json_abime": {"body": '{"delta": -3'},
        "produit_inconnu": {"path": {"produit": 99}},
    },
    "products": {
        "recherche": {"query": {"q": "cafe", "categorie": "Boissons"}},
        "archives": {"query": {"archive": "true"}, "sql": archived(15)},
        "archive_non_valide": {"query": {"archive": "oui"}},
    },
    "product_create": {
        "vide": {"body": {}},
        "champ_inconnu": {"body": {"nom": "Thé Matcha",
                                   "categorie": "Boissons",
                                   "prix": "24.90", "couleur": "vert"}},
        "controle_faux": {"body": {"nom": "Thé Matcha",
                                   "categorie": "Boissons",
                                   "prix": "24.90",
                                   "codes_barres": ["3017620422004"]}},
        "code_pris": {"body": {"nom": "Thé Matcha", "categorie": "Boissons",
                               "prix": "24.90", "code": "3017620422003"},
                      "sql": coded(1)},
        "json_abime": {"body": '{"nom": "Thé'},
    },
    "products_batch": {
        "valables": {"query": {"mode": "valid"},
                     "body": "id,prix\n4,16.50\n99,1\n5,-1\n"},
        "colonne_inconnue": {"body": "id,zzz\n4,1\n"},
        "sans_lignes": {"body": "id,prix\n"},
        "sans_droit": {"token": "caisse"},
        "corps_trop_long": {"body": "x" * (32 * 1024 * 1024 + 1)},
    },
    "stock_batch": {
        "valables": {"query": {"mode": "valid"},
                     "body": "magasin,produit,delta\n1,4,-1\n1,5,-9999\n"},
        "colonne_inconnue": {"body": "magasin,zzz\n4,1\n"},
        "sans_lignes": {"body": "magasin,produit,delta\n"},
        "corps_trop_long": {"body": "x" * (32 * 1024 * 1024 + 1)},
    },
    "product": {"inconnu": {"path": {"id": 99}}},
    "product_update": {
        "prix_negatif": {"body": {"prix": "-1"}},
        "json_abime": {"body": '{"prix": '},
        "inconnu": {"path": {"id": 99}},
    },
    "product_patch": {
        "retour": {"sql": archived(4)},
        "champ_inconnu": {"body": {"couleur": "vert"}},
        "json_abime": {"body": '{"prix": '},
        "inconnu": {"path": {"id": 99}},
        "archive": {"sql": archived(4)},
        "code_pris": {"body": {"code": "3017620422003"}, "sql": coded(1)},
    },
    "product_delete": {"inconnu": {"path": {"id": 99}}},
    "product_sheet": {"inconnu": {"path": {"id": 99}}},
    "product_availability": {"inconnu": {"path": {"id": 99}}},
    "sales": {
        "filtre": {"query": {"magasin": "2", "jusqu_a": "2999-12-31",
                             "depuis": "2026-01-01T00:00:00-05:00"}},
        "date_non_valide": {"query": {"depuis": "hier"}},
    },
    "sale_create": {
        "ligne_non_valide": {
            "body": {"magasin": 1, "lignes": [{"produit": 4, "quantite": 2},
                                              {"produit": 1, "quantite": 0}]}},
        "sans_lignes": {"body": {"magasin": 1, "lignes": []}},
        "codes": {"sql": coded(4)},
        "code_inconnu": {
            "body": {"magasin": 1, "lignes": [{"produit": 4, "quantite": 2},
                                              {"code": "x", "quantite": 1}]}},
        "json_abime": {"body": '{"magasin": 1,'},
        "sans_prix": {
            "token": "caisse",
            "body": {"magasin": 1, "lignes": [
                {"produit": 1, "quantite": 1, "prix_unitaire": "80.00"}]}},
        "archive": {"sql": archived(4)},
        "ferme": {"sql": closed(1)},
        "autre_total": {
            "body": {"magasin": 1, "lignes": [{"produit": 4, "quantite": 2}],
                     "total_attendu": "31.00"}},
    },
    "sale": {"inconnu": {"path": {"id": 99}}},
    "replenishments": {
        "filtre": {"query": {"magasin": "2", "produit": "1",
                             "statut": "en_attente"}},
        "statut_inconnu": {"query": {"statut": "perdue"}},
    },
    "replenishment_create": {
        "quantite_nulle": {"body": {"magasin": 2, "produit": 1,
                                    "quantite": 0}},
        "json_abime": {"body": '{"magasin": 2'},
        "archive": {"sql": archived(1)},
        "ferme": {"sql": closed(2)},
    },
    "replenishment": {"inconnu": {"path": {"id": 99}}},
    "replenishment_patch": {
        "quantite_nulle": {"body": {"quantite": 0}},
        "json_abime": {"body": '{"quantite": 5'},
        "inconnu": {"path": {"id": 99}},
        "decidee": {"sql": DECIDED},
    },
    "replenishment_cancel": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "decidee": {"sql": DECIDED},
    },
    "replenishment_decisions": {
        "vide": {"body": {}},
        "pas_une_liste": {"body": {"refuser": 1}},
        "json_abime": {"body": "{"},
    },
    "replenishment_approve": {
        "champ_inconnu": {"body": {"motif": "oui"}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "decidee": {"sql": DECIDED},
        "central_insuffisant": {
            "sql": "UPDATE stock_central SET quantite = 7"
                   " WHERE produit_id = 1"},
        "ferme": {"sql": closed(2)},
    },
    "replenishment_reject": {
        "champ_inconnu": {"body": {"motif": "non"}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "decidee": {"sql": DECIDED},
    },
    "sale_returns": {
        "sans_retour": {"path": {"id": 2}},
        "inconnu": {"path": {"id": 99}},
    },
    "sale_return_create": {
        "ligne_non_valide": {
            "body": {"lignes": [{"produit": 4, "quantite": 1},
                                {"produit": 1, "quantite": 0}],
                     "remise_en_stock": True}},
        "sans_lignes": {"body": {"lignes": [], "remise_en_stock": True}},
        "json_abime": {"body": '{"lignes": []'},
        "ferme": {"sql": closed(1)},
        "inconnu": {"path": {"id": 99}},
    },
    "receipts": {
        "filtre": {"query": {"magasin": "2", "reference": "BL-77"}},
        "magasin_non_valide": {"query": {"magasin": "nord"}},
    },
    "receipt_create": {
        "ligne_non_valide": {
            "body": {"lieu": 2, "fournisseur": "Torréfacteur",
                     "reference": "BL-77",
                     "lignes": [{"produit": 4, "quantite": 2},
                                {"produit": 1, "quantite": 0}]}},
        "sans_lignes": {
            "body": {"lieu": 2, "fournisseur": "Torréfacteur",
                     "reference": "BL-77", "lignes": []}},
        "json_abime": {"body": '{"lieu": 2'},
        "archive": {"sql": archived(4)},
        "ferme": {"sql": closed(2)},
    },
    "receipt": {"inconnu": {"path": {"id": 99}}},
    "receipt_cancel": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "parties": {"sql": "UPDATE stock_local SET quantite = 2"
                           " WHERE magasin_id = 2 AND produit_id = 2"},
        "deja_annulee": {"sql": "UPDATE reception SET statut = 'annulee',"
                                " date_annulation = now()"},
    },
    "transfers": {
        "filtre": {"query": {"magasin": "2", "statut": "en_transit"}},
        "statut_inconnu": {"query": {"statut": "perdu"}},
    },
    "transfer_create": {
        "ligne_non_valide": {
            "body": {"de": 1, "vers": 2,
                     "lignes": [{"produit": 4, "quantite": 2},
                                {"produit": 1, "quantite": 0}]}},
        "sans_lignes": {"body": {"de": 1, "vers": 2, "lignes": []}},
        "json_abime": {"body": '{"de": 1'},
        "ferme": {"sql": closed(2)},
    },
    "transfer": {"inconnu": {"path": {"id": 99}}},
    "transfer_receive": {
        "sans_lignes": {"body": {"lignes": []}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "deja_recu": {"sql": "UPDATE transfert SET statut = 'recu',"
                             " date_cloture = now()"},
        "ferme": {"sql": closed(2)},
    },
    "transfer_cancel": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "deja_recu": {"sql": "UPDATE transfert SET statut = 'recu',"
                             " date_cloture = now()"},
    },
    "reservations": {
        "filtre": {"query": {"magasin": "1", "reference": "Panier 7"}},
        "magasin_non_valide": {"query": {"magasin": "nord"}},
    },
    "reservation_create": {
        "ligne_non_valide": {
            "body": {"magasin": 1, "lignes": [{"produit": 4, "quantite": 2},
                                              {"produit": 1, "quantite": 0}]}},
        "duree_trop_courte": {
            "body": {"magasin": 1, "lignes": [{"produit": 4, "quantite": 2}],
                     "duree": 10}},
        "json_abime": {"body": '{"magasin": 1'},
        "archive": {"sql": archived(4)},
        "ferme": {"sql": closed(1)},
    },
    "reservation": {"inconnu": {"path": {"id": 99}}},
    "reservation_claim": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "expiree": {"sql": OVER},
        "deja_rendue": {"sql": OVER.replace("expiree", "rendue")},
        "casse": {"sql": "UPDATE stock_local SET quantite = 1"
                         " WHERE magasin_id = 1 AND produit_id = 4"},
        "ferme": {"sql": closed(1)},
    },
    "reservation_release": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "expiree": {"sql": OVER},
        "deja_rendue": {"sql": OVER.replace("expiree", "rendue")},
    },
    "counts": {
        "filtre": {"query": {"magasin": "1", "statut": "ouvert"}},
        "statut_inconnu": {"query": {"statut": "perdu"}},
    },
    "count_create": {
        "categorie_inconnue": {"body": {"lieu": 1, "categorie": "Rien"}},
        "json_abime": {"body": '{"lieu": 1'},
    },
    "count": {"inconnu": {"path": {"id": 99}}},
    "count_lines": {
        "ecarts": {"query": {"etat": "ecarts"}},
        "etat_inconnu": {"query": {"etat": "perdu"}},
    },
    "count_add": {
        "etranger": {"body": {"lignes": [{"produit": 4, "quantite": 1},
                                         {"produit": 1, "quantite": 1}]},
                     "sql": "UPDATE comptage SET produits = '{4}'"},
        "sans_lignes": {"body": {"lignes": []}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "ailleurs": {"sql": ELSEWHERE},
        "deja_clos": {"sql": CLOSED},
    },
    "count_close": {
        "a_zero": {"sql": "DELETE FROM comptage_ligne WHERE produit_id = 9"},
        "a_recompter": {"sql": "UPDATE stock_local SET quantite = 2"
                               " WHERE magasin_id = 1 AND produit_id = 4"},
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "deja_clos": {"sql": CLOSED},
    },
    "count_cancel": {
        "champ_inconnu": {"body": {"quantite": 1}},
        "json_abime": {"body": "{"},
        "inconnu": {"path": {"id": 99}},
        "deja_clos": {"sql": CLOSED},
    },
    "cache_flush": {
        "champ_inconnu": {"body": {"motif": "oui"}},
        "json_abime": {"body": "{"},
    },
    "journal": {
        "filtre": {
            "query": {"magasin": "1", "produit": "4", "type": "ajustement",
                      "depuis": "2026-01-01", "ordering": "-id"},
            "sql": "SELECT stock_ajuster(1, 4, -3, NULL, NULL, 'casse', NULL,"
                   " 'demo', NULL, NULL)"},
        "ordre_inconnu": {"query": {"ordering": "date"}},
        "curseur_perime": {"query": {"cursor": "Z6MVIzEfMQ"}},
    },
    "journal_stream": {
        "dernier_abime": {"headers": {"Last-Event-ID": "abc"}},
        # Of the transaction 2^62.
        "historique_perdu": {
            "query": {"cursor": "PuFyGzQ2MTE2ODYwMTg0MjczODc5MDQfMQ"}},
    },
}
