"""The inventory, for those who run the stores: in French, as their pages are.

Every node says the same about the business: what they say is brought
together over all of them.
"""

from panels import QUIET, board, lines, number, ranking, table, target, \
    variable

STORES = '{job="$job", magasin=~"$magasin"}'
RUPTURES = "job_magasin:magasin_ruptures:max" + STORES
SURSTOCK = "job_magasin:magasin_surstock:max" + STORES
# The name of a store, if /metrics tells it.  One series of each: nodes may
# know a new name at different times.
NOMS = """topk by (magasin) (1, max by (magasin, nom) (label_replace(
    magasin_store_info{job="$job"}, "magasin", "$1", "magasin_id", "(.+)")))"""
OUT = [("green", None), ("orange", 5), ("red", 10)]

MAGASIN = variable("magasin", "Magasins",
                   'label_values(magasin_ruptures{job="$job"}, magasin)',
                   several=True)


def named(series):
    """The series with the label `nom`: "3 Lyon", or "3" without the name."""
    return f"""label_join({series} * on (magasin) group_left (nom) {NOMS},
               "nom", " ", "magasin", "nom")
               or on (magasin) label_join({series}, "nom", "", "magasin")"""


def counter(function, name, window):
    return f'avg({function}({name}{{job="$job"}}[{window}]))'


def overview():
    return "Vue d'ensemble", [
        number("Ruptures", "Produits dont un magasin choisi n'a plus rien, "
               "tous magasins choisis ensemble.", "none",
               f"sum({RUPTURES})", steps=OUT),
        number("Surstock", "Produits dont un magasin choisi a plus de dix "
               "unités.", "none", f"sum({SURSTOCK})"),
        number("Demandes en attente",
               "Demandes de réapprovisionnement que personne n'a encore "
               "décidées.", "none",
               'max(magasin_demandes_en_attente{job="$job"})',
               steps=[("green", None), ("orange", 10), ("red", 20)]),
        number("Chiffre d'affaires",
               "Ventes de la période affichée, tous magasins, dans la devise "
               "de la chaîne.", "locale",
               counter("increase", "magasin_chiffre_affaires_total",
                       "$__range"), trend=False, decimals=2),
        number("Unités vendues", "Pendant la période affichée, tous magasins.",
               "locale",
               counter("increase", "magasin_unites_vendues_total",
                       "$__range"), trend=False, decimals=0),
        number("Remboursements",
               "Ce qui a été rendu aux clients pendant la période affichée, "
               "tous magasins : le chiffre d'affaires ne le déduit pas.",
               "locale",
               counter("increase", "magasin_remboursements_total",
                       "$__range"), trend=False, decimals=2),
        number("Âge de ces chiffres",
               "Temps écoulé depuis que la base de données les a donnés : "
               "d'ordinaire quelques secondes, au plus cinq minutes.", "s",
               "time() - "
               'max(magasin_business_timestamp_seconds{job="$job"})',
               steps=[("green", None), ("orange", 300), ("red", 900)],
               trend=False, decimals=0)]


def sales():
    return "Ventes", [
        lines("Chiffre d'affaires par heure",
              "Au rythme du moment, tous magasins, dans la devise de la "
              "chaîne.", "locale",
              [target("3600 * " + counter(
                  "rate", "magasin_chiffre_affaires_total",
                  "$__rate_interval"), "chiffre d'affaires"),
               target("3600 * " + counter(
                   "rate", "magasin_remboursements_total",
                   "$__rate_interval"), "remboursements")]),
        lines("Unités vendues par heure", "Au rythme du moment, tous "
              "magasins.", "locale",
              [target("3600 * " + counter(
                  "rate", "magasin_unites_vendues_total",
                  "$__rate_interval"), "unités"),
               target("3600 * " + counter(
                   "rate", "magasin_unites_rendues_total",
                   "$__rate_interval"), "unités rendues")]),
        lines("Ventes et ajustements enregistrés",
              "Écritures acceptées, par seconde, sur tous les nœuds.", "reqps",
              [target('sum by (endpoint) (rate(magasin_http_requests_total'
                      '{job="$job", method!~"GET|HEAD|OPTIONS", '
                      'endpoint=~"/api/.*", status=~"2.."}'
                      '[$__rate_interval]))', "{{endpoint}}")], stacked=True),
        lines("Demandes en attente", "La ligne est le seuil de l'alerte.",
              "none",
              [target('max(magasin_demandes_en_attente{job="$job"})',
                      "demandes")],
              steps=[("green", None), ("red", 20)])]


def stores():
    return "Magasins", [
        lines("Ruptures par magasin",
              "Les dix magasins qui en ont le plus ; « autres » réunit ceux "
              "qui n'ont pas leur propre série. La ligne est le seuil de "
              "l'alerte.", "none",
              [target(named(f"topk(10, {RUPTURES})"), "magasin {{nom}}")],
              steps=[("green", None), ("red", 10)]),
        lines("Surstock par magasin", "Les dix magasins qui en ont le plus.",
              "none",
              [target(named(f"topk(10, {SURSTOCK})"), "magasin {{nom}}")]),
        ranking("Magasins aux ruptures les plus nombreuses", "En ce moment.",
                "none", f"sort_desc({named(f'topk(10, {RUPTURES})')})",
                "magasin {{nom}}", steps=OUT),
        ranking("Magasins au surstock le plus important", "En ce moment.",
                "none", f"sort_desc({named(f'topk(10, {SURSTOCK})')})",
                "magasin {{nom}}"),
        table("Tous les magasins", "Par numéro de magasin, avec son nom si "
              "/metrics le donne.",
              [("ruptures", "none", named(f"max by (magasin) ({RUPTURES})"), OUT),
               ("surstock", "none", f"max by (magasin) ({SURSTOCK})",
                QUIET)], by="magasin", also=["nom"], width=24)]


def dashboard():
    return board(
        "magasin-inventaire", "Magasin : inventaire",
        "Ruptures, surstock, ventes et réapprovisionnement de tous les "
        "magasins.", "fr", variables=[MAGASIN], tags=["inventaire"],
        period="24h", rows=[part() for part in (overview, sales, stores)])
