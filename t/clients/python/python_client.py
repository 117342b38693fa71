"""A client that openapi-python-client generated: sells, reads the journal page
by page, and reads two errors.

usage: python_client.py SERVER TOKEN

Prints what it has read as one JSON object, which t/clients/run compares with
the database.
"""

import json
import sys
import urllib.parse

from magasin_client import AuthenticatedClient
from magasin_client.api.journal import journal
from magasin_client.api.sales import sale_create
from magasin_client.models import (Conflict, Journal, JournalOrdering,
                                   NouvelleLigne, NouvelleVente, SaleErrors,
                                   Vente)
from magasin_client.types import UNSET


def sell(client, store, wanted, **line):
    answer = sale_create.sync(client=client, body=NouvelleVente(
        magasin=store, lignes=[NouvelleLigne(produit=4, **line)]))
    if not isinstance(answer, wanted):
        sys.exit(f"{wanted.__name__} was expected, not {answer}")
    return answer


def pages(client):
    cursor = UNSET
    while cursor is not None:
        page = journal.sync(client=client, ordering=JournalOrdering.VALUE_1,
                            limit=30, cursor=cursor)
        if not isinstance(page, Journal):
            sys.exit(f"the journal is {page}")
        yield [change.id for change in page.results]
        query = urllib.parse.urlsplit(page.next_ or "").query
        cursor = urllib.parse.parse_qs(query).get("cursor", [None])[0]


def main(server, token):
    client = AuthenticatedClient(base_url=server, token=token, prefix="Token")
    sale = sell(client, 1, Vente, quantite=2, prix_unitaire="15.50")
    read = list(pages(client))
    missing = sell(client, 1, Conflict, quantite=1000).produits[0]
    refused = sell(client, 99, SaleErrors, quantite=1)
    print(json.dumps({
        "vente": sale.id, "total": sale.total,
        "journal": [number for page in read for number in page],
        "pages": len(read),
        "produit": missing.produit, "disponible": missing.disponible,
        "erreurs": refused.additional_properties}))


if __name__ == "__main__":
    main(*sys.argv[1:])
