"""Each dashboard in the other language.

All that is written for people is in this one table: a string that is not is
an error of grafana/generate, and so is one that no dashboard has.
"""

import re

# English, French.  What is the same in both is in SAME.
PAIRS = (
    # In all of them
    ("Data source", "Source de données"),
    ("Node", "Nœud"),
    # magasin-signals
    ("Magasin: golden signals", "Magasin : signaux essentiels"),
    ("Latency, traffic, errors and saturation of all nodes that share a "
     "database.",
     "Latence, trafic, erreurs et saturation de tous les nœuds qui partagent "
     "une base de données."),
    ("Overview", "Vue d'ensemble"),
    ("p99 of reads", "p99 des lectures"),
    ("99 of 100 reads of the API were faster; the objective is 25 ms.",
     "99 lectures de l'API sur 100 ont été plus rapides ; l'objectif est de "
     "25 ms."),
    ("Requests", "Requêtes"),
    ("All that was answered, per second.",
     "Toutes celles qui ont eu une réponse, par seconde."),
    ("5xx of the API", "5xx de l'API"),
    ("Of the requests to the API.", "Parmi les requêtes à l'API."),
    ("Busiest pool", "Réserve la plus occupée"),
    ("Connections to PostgreSQL that owe an answer, of those in service; of "
     "the node with the most.",
     "Connexions à PostgreSQL qui doivent une réponse, parmi celles en "
     "service ; du nœud qui en a le plus."),
    ("Availability burn, 1 h", "Budget de disponibilité, 1 h"),
    ("How many times faster than it lasts the month's budget of availability "
     "is used up, over the last hour; of all nodes. 1 is just enough, 14.4 "
     "wakes somebody.",
     "Combien de fois trop vite le budget mensuel de disponibilité est "
     "consommé, sur la dernière heure ; de tous les nœuds. À 1 il suffit "
     "juste, à 14,4 quelqu'un est réveillé."),
    ("Latency burn, 1 h", "Budget de latence, 1 h"),
    ("How many times faster than it lasts the month's budget of latency is "
     "used up, over the last hour; of all nodes. 1 is just enough, 14.4 "
     "wakes somebody.",
     "Combien de fois trop vite le budget mensuel de latence est consommé, "
     "sur la dernière heure ; de tous les nœuds. À 1 il suffit juste, à 14,4 "
     "quelqu'un est réveillé."),
    ("Firing alerts", "Alertes actives"),
    ("Alerts of prometheus/rules/alerts.yml that fire now; each has a "
     "section in docs/operations.md.",
     "Alertes de prometheus/rules/alerts.yml actives en ce moment ; chacune a "
     "une section dans docs/operations.md."),
    ("Nodes up", "Nœuds présents"),
    ("Nodes whose /metrics could be read.",
     "Nœuds dont /metrics a pu être lu."),
    ("Latency", "Latence"),
    ("Reads", "Lectures"),
    ("GET and HEAD of the API. The line is 25 ms.",
     "GET et HEAD de l'API. La ligne est à 25 ms."),
    ("Writes", "Écritures"),
    ("POST, PUT, PATCH and DELETE of the API.",
     "POST, PUT, PATCH et DELETE de l'API."),
    ("p95 by endpoint", "p95 par point d'accès"),
    ("All methods.", "Toutes les méthodes."),
    ("How long answers took", "Durée des réponses"),
    ("Requests to the API by how long they took: colour is how many.",
     "Requêtes à l'API selon leur durée : la couleur dit combien."),
    ("Traffic", "Trafic"),
    ("Requests by endpoint", "Requêtes par point d'accès"),
    ("By the template of the path; other is every path that is not "
     "Magasin's.",
     "Selon le modèle du chemin ; other réunit les chemins qui ne sont pas "
     "de Magasin."),
    ("Requests by method", "Requêtes par méthode"),
    ("Methods that HTTP does not have are other.",
     "Les méthodes que HTTP n'a pas sont other."),
    ("Being answered", "En cours"),
    ("Requests that a worker is at, when it was asked.",
     "Requêtes dont un processus s'occupait au moment de la mesure."),
    ("Errors", "Erreurs"),
    ("Refusals and errors by status", "Refus et erreurs par statut"),
    ("4xx: the client was wrong; 5xx: we were, 503 of a full queue included.",
     "4xx : le client s'est trompé ; 5xx : le serveur, y compris 503 quand "
     "une file est pleine."),
    ("5xx of the API by endpoint", "5xx de l'API par point d'accès"),
    ("Of the requests to that endpoint. The line is the objective.",
     "Parmi les requêtes à ce point d'accès. La ligne est l'objectif."),
    ("Objectives, bad of all over 1 h", "Objectifs, part mauvaise sur 1 h"),
    ("What the alerts are made of: requests that failed, and reads over "
     "25 ms; of all nodes. 0.1 % and 1 % are allowed.",
     "Ce que mesurent les alertes : requêtes en échec et lectures de plus de "
     "25 ms ; de tous les nœuds. 0,1 % et 1 % sont permis."),
    ("PostgreSQL connections that owe an answer",
     "Connexions à PostgreSQL qui doivent une réponse"),
    ("Of those in service. Above the line statements begin to wait.",
     "Parmi celles en service. Au-dessus de la ligne, des instructions "
     "commencent à attendre."),
    ("Statements that wait", "Instructions en attente"),
    ("For a connection of the pool.", "D'une connexion de la réserve."),
    ("Shared memory in use", "Mémoire partagée occupée"),
    ("Whole pages of magasin_zone. Full is no error: the cache makes room.",
     "Pages entières de magasin_zone. Pleine, ce n'est pas une erreur : le "
     "cache fait de la place."),
    ("Connections of clients", "Connexions des clients"),
    ("Of all nginx; waiting is kept alive without a request.",
     "De tout nginx ; waiting est ouverte sans requête."),
    ("Connections turned away", "Connexions refusées"),
    ("Accepted and closed at once, since worker_connections are used up.",
     "Acceptées et fermées aussitôt, car worker_connections est épuisé."),
    ("Statements refused", "Instructions refusées"),
    ("503 to their clients: too many waited, or no server answered.",
     "503 pour leurs clients : trop d'entre elles attendaient, ou aucun "
     "serveur ne répondait."),
    # magasin-components
    ("Magasin: cache, Redis, PostgreSQL", "Magasin : cache, Redis, "
     "PostgreSQL"),
    ("What is behind the answers: for the question why.",
     "Ce qui est derrière les réponses : pour demander pourquoi."),
    ("Reads by where their answer came from",
     "Lectures selon l'origine de la réponse"),
    ("hit: shared memory; coalesced: another request's statement; bypass: "
     "the client wanted it from the database; stale: could not be checked.",
     "hit : mémoire partagée ; coalesced : instruction d'une autre requête ; "
     "bypass : le client la voulait de la base ; stale : invérifiable."),
    ("shared memory", "mémoire partagée"),
    ("coalesced", "partagées"),
    ("Hits by level", "Succès par niveau"),
    ("Of all reads that could be one.", "De toutes les lectures qui auraient "
     "pu en être un."),
    ("Invalidation lag", "Retard d'invalidation"),
    ("From a change that nobody told of, by psql or another node, to finding "
     "it in the journal. It is looked at every 250 ms.",
     "D'un changement que personne n'a annoncé, par psql ou un autre nœud, à "
     "sa découverte dans le journal, lu toutes les 250 ms."),
    ("stored", "gardées"),
    ("late", "trop tard"),
    ("too large", "trop grandes"),
    ("evicted", "évincées"),
    ("Answers kept, and thrown away", "Réponses gardées et rejetées"),
    ("late: invalid by the time they came; too large: over "
     "magasin_cache_max_size; evicted: for want of room.",
     "trop tard : invalides à leur arrivée ; trop grandes : plus que "
     "magasin_cache_max_size ; évincées : faute de place."),
    ("invalidated", "invalidées"),
    ("hints", "messages"),
    ("from the journal", "du journal"),
    ("unpublished", "non publiés"),
    ("Changes", "Changements"),
    ("Tags that became invalid; messages of other nodes; changes that only "
     "the journal told of; those that Redis could not be told of.",
     "Étiquettes devenues invalides ; messages d'autres nœuds ; changements "
     "connus du journal seul ; ceux que Redis n'a pas pu apprendre."),
    ("done", "faites"),
    ("failed", "en échec"),
    ("Polls of the journal", "Lectures du journal"),
    ("Four per second and node; none may fail for long.",
     "Quatre par seconde et par nœud ; aucune ne doit échouer longtemps."),
    ("Answers in shared memory", "Réponses en mémoire partagée"),
    ("Of each node.", "De chaque nœud."),
    ("Their size", "Leur taille"),
    ("Of what magasin_zone has.", "De ce qu'a magasin_zone."),
    ("May be used", "Utilisable"),
    ("1: the journal was looked at lately; 0: all is answered from "
     "PostgreSQL.",
     "1 : le journal a été lu récemment ; 0 : tout vient de PostgreSQL."),
    ("Workers that it answers", "Processus auxquels il répond"),
    ("0: it is down, or out of reach.",
     "0 : il est arrêté ou hors d'atteinte."),
    ("From a command to its reply", "D'une commande à sa réponse"),
    ("Errors included.", "Erreurs comprises."),
    ("Commands without a reply of use", "Commandes sans réponse utile"),
    ("The answer came from PostgreSQL then.",
     "La réponse est alors venue de PostgreSQL."),
    ("Connections of the pool", "Connexions de la réserve"),
    ("busy: owes an answer; down: not in service.",
     "busy : doit une réponse ; down : hors service."),
    ("How long statements waited", "Attente des instructions"),
    ("Until they were sent.", "Jusqu'à leur envoi."),
    ("Errors by class of SQLSTATE", "Erreurs par classe de SQLSTATE"),
    ("Of the server; 23 and those of our own are refusals of what a client "
     "wanted, 40 lost against another transaction, 53 to 58 are its own.",
     "Du serveur ; 23 et celles de Magasin refusent ce qu'un client voulait, "
     "40 a perdu contre une autre transaction, 53 à 58 sont les siennes."),
    ("writes", "écritures"),
    ("Writes that shared a run", "Écritures d'un même envoi"),
    ("Sales, adjustments and changes of products, on average: 1 is one "
     "alone.",
     "Ventes, ajustements et changements de produits, en moyenne : 1 est une "
     "écriture seule."),
    ("rejected", "rejetés"),
    ("Runs of several that were rejected", "Envois à plusieurs rejetés"),
    ("A fault: all are rolled back and sent again one by one. The error log "
     "has the reason.",
     "Un défaut : tout est annulé et renvoyé un par un. Le journal d'erreurs "
     "a la raison."),
    ("Statements, the ten most frequent",
     "Les dix instructions les plus fréquentes"),
    ("By the name of their file in sql/statements.",
     "Selon le nom de leur fichier dans sql/statements."),
    ("Their time, the ten slowest", "Durée des dix plus lentes"),
    ("From being sent to being answered, on average; those before it on the "
     "connection included.",
     "De l'envoi à la réponse, en moyenne ; celles d'avant sur la connexion "
     "comprises."),
    ("lost", "perdues"),
    ("resent", "renvoyées"),
    ("given up", "abandonnées"),
    ("Connections and statements lost",
     "Connexions et instructions perdues"),
    ("resent: a statement was sent again, since its connection broke or its "
     "transaction lost; given up: no answer in time.",
     "renvoyées : instructions envoyées de nouveau, connexion rompue ou "
     "transaction perdue ; abandonnées : pas de réponse à temps."),
    ("Attempts to connect", "Essais de connexion"),
    ("To PostgreSQL; failed ones are made again after a pause that grows.",
     "À PostgreSQL ; après un échec, nouvel essai après une pause qui "
     "grandit."),
    ("Replicas", "Réplicas"),
    ("Reads by who answered", "Lectures selon qui a répondu"),
    ("Of those that a replica may answer; stale: there was no primary. Nothing "
     "without magasin_database_replicas.",
     "De celles qu'un réplica peut servir ; stale : il n'y avait pas de "
     "primaire. Rien sans magasin_database_replicas."),
    ("Lag", "Retard"),
    ("Of the node that sees the most of it. A replica that lags answers no "
     "reads that would miss something.",
     "Du nœud qui en voit le plus. Un réplica en retard ne sert aucune lecture "
     "à laquelle il manquerait quelque chose."),
    ("Reads that went to the primary, by reason",
     "Lectures passées au primaire, par raison"),
    ("behind: the replica had not replayed enough; unknown: a write was just "
     "done; away: none was in service.",
     "behind : le réplica n'avait pas assez rejoué ; unknown : une écriture "
     "venait d'être faite ; away : aucun n'était en service."),
    ("Workers", "Processus"),
    ("Versions of Magasin that run; two while one is rolled out.",
     "Versions de Magasin en marche ; deux pendant un déploiement."),
    ("Crashes", "Plantages"),
    ("Workers that ended by themselves, in the time shown.",
     "Processus morts d'eux-mêmes pendant la période affichée."),
    ("Memory rebuilt", "Mémoire reconstruite"),
    ("Times that a worker was killed while it changed the cache.",
     "Fois où un processus a été tué pendant qu'il changeait le cache."),
    ("Nodes", "Nœuds"),
    ("What each is made of.", "De quoi chacun est fait."),
    ("workers", "processus"),
    ("counted since", "compté depuis"),
    # magasin-inventaire
    ("Magasin: inventory", "Magasin : inventaire"),
    ("Products out of stock, surplus, sales and replenishment of all stores.",
     "Ruptures, surstock, ventes et réapprovisionnement de tous les "
     "magasins."),
    ("Out of stock", "Ruptures"),
    ("Products of which a chosen store has nothing left, of all chosen "
     "stores together.",
     "Produits dont un magasin choisi n'a plus rien, tous magasins choisis "
     "ensemble."),
    ("Surplus", "Surstock"),
    ("Products of which a chosen store has more than ten.",
     "Produits dont un magasin choisi a plus de dix unités."),
    ("Pending requests", "Demandes en attente"),
    ("Replenishment requests that nobody has decided yet.",
     "Demandes de réapprovisionnement que personne n'a encore décidées."),
    ("Revenue", "Chiffre d'affaires"),
    ("Sales in the time shown, of all stores, in the company's currency.",
     "Ventes de la période affichée, tous magasins, dans la devise de la "
     "chaîne."),
    ("Units sold", "Unités vendues"),
    ("In the time shown, of all stores.",
     "Pendant la période affichée, tous magasins."),
    ("Refunds", "Remboursements"),
    ("What was paid back to customers in the time shown, of all stores: "
     "revenue does not deduct it.",
     "Ce qui a été rendu aux clients pendant la période affichée, tous "
     "magasins : le chiffre d'affaires ne le déduit pas."),
    ("Age of these numbers", "Âge de ces chiffres"),
    ("Since the database gave them: some seconds as a rule, five minutes at "
     "most.",
     "Temps écoulé depuis que la base de données les a donnés : d'ordinaire "
     "quelques secondes, au plus cinq minutes."),
    ("Sales", "Ventes"),
    ("revenue", "chiffre d'affaires"),
    ("refunds", "remboursements"),
    ("Revenue an hour", "Chiffre d'affaires par heure"),
    ("At the present rate, of all stores, in the company's currency.",
     "Au rythme du moment, tous magasins, dans la devise de la chaîne."),
    ("units", "unités"),
    ("units returned", "unités rendues"),
    ("Units sold an hour", "Unités vendues par heure"),
    ("At the present rate, of all stores.",
     "Au rythme du moment, tous magasins."),
    ("Sales and adjustments recorded", "Ventes et ajustements enregistrés"),
    ("Writes that were accepted, per second, on all nodes.",
     "Écritures acceptées, par seconde, sur tous les nœuds."),
    ("requests", "demandes"),
    ("The line is the threshold of the alert.",
     "La ligne est le seuil de l'alerte."),
    ("Stores", "Magasins"),
    ("store {{nom}}", "magasin {{nom}}"),
    ("Out of stock by store", "Ruptures par magasin"),
    ("The ten stores with the most; \"autres\" are those that have no series "
     "of their own. The line is the threshold of the alert.",
     "Les dix magasins qui en ont le plus ; « autres » réunit ceux qui n'ont "
     "pas leur propre série. La ligne est le seuil de l'alerte."),
    ("Surplus by store", "Surstock par magasin"),
    ("The ten stores with the most.", "Les dix magasins qui en ont le plus."),
    ("Stores with the most out of stock",
     "Magasins aux ruptures les plus nombreuses"),
    ("At this moment.", "En ce moment."),
    ("Stores with the greatest surplus",
     "Magasins au surstock le plus important"),
    ("All stores", "Tous les magasins"),
    ("By the number of the store, with its name if /metrics tells it.",
     "Par numéro de magasin, avec son nom si /metrics le donne."),
    ("out of stock", "ruptures"),
    ("surplus", "surstock"),
)

SAME = ("Cache", "Job", "Magasin", "PostgreSQL", "Redis", "Saturation",
        "Versions", "magasin_zone", "p50", "p95", "p99")

# Where a dashboard has words for people.
WORDS = ("description", "displayName", "label", "legendFormat", "title")


class Missing(Exception):
    """A string without a translation."""


def walk(value, change, key=None):
    """The value with change(text) for all that people read."""
    if isinstance(value, dict):
        if key == "renameByName":
            return {name: change(text) for name, text in value.items()}
        if value.get("id") == "byName" and "options" in value:
            return dict(value, options=change(value["options"]))
        return {name: walk(part, change, name)
                for name, part in value.items()}
    if isinstance(value, list):
        return [walk(part, change, key) for part in value]
    return change(value) if key in WORDS and value else value


def unused(boards):
    """What the table has and no dashboard says."""
    said = set()
    for board in boards:
        walk(board, lambda text: said.add(text) or text)
    return [text for pair in (*PAIRS, *((text,) for text in SAME))
            for text in pair if text not in said]


def translated(board, pairs=PAIRS, same=SAME):
    """The dashboard in the other language, with a uid and tags of its own."""
    to = "fr" if "en" in board["tags"] else "en"
    table = dict(pairs if to == "fr" else ((fr, en) for en, fr in pairs))
    table.update((text, text) for text in same)
    missing = []

    def change(text):
        # Names of labels, and __auto, are nobody's language.
        if not re.sub(r"\{\{\w+\}\}|__auto", "", text).strip():
            return text
        if text not in table:
            missing.append(text)
        return table.get(text)

    other = walk(board, change)
    if missing:
        raise Missing(f"{board['uid']}: no translation of " +
                      "; ".join(sorted(set(missing))))
    other["uid"] += "-" + to
    swap = {"en": "fr", "fr": "en"}
    for tags in (other["tags"], *(link["tags"] for link in other["links"])):
        tags[:] = [swap.get(tag, tag) for tag in tags]
    return other
