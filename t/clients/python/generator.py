"""A client that openapi-generator generated for Python: sells, reads the
journal page by page, and reads two errors.

usage: generator.py SERVER TOKEN

Prints what it has read as one JSON object, which t/clients/run compares with
the database.
"""

import json
import sys
import urllib.parse

import openapi_client
from openapi_client.exceptions import BadRequestException, ConflictException


def sell(api, store, **line):
    return api.sale_create(openapi_client.NouvelleVente(
        magasin=store, lignes=[openapi_client.NouvelleLigne(produit=4,
                                                            **line)]))


def refused(error, api, store, **line):
    """What the server says of a sale that it refuses so."""
    try:
        sell(api, store, **line)
    except error as answer:
        return answer.data
    return sys.exit(f"{error.__name__} was expected")


def pages(api):
    cursor = None
    while True:
        page = api.journal(ordering="-id", limit=30, cursor=cursor)
        yield [change.id for change in page.results]
        if page.next is None:
            return
        query = urllib.parse.urlsplit(page.next).query
        cursor = urllib.parse.parse_qs(query)["cursor"][0]


def main(server, token):
    client = openapi_client.ApiClient(openapi_client.Configuration(
        host=server, api_key={"Token": token},
        api_key_prefix={"Token": "Token"}))
    sales = openapi_client.SalesApi(client)
    sale = sell(sales, 1, quantite=2, prix_unitaire="15.50")
    read = list(pages(openapi_client.JournalApi(client)))
    missing = refused(ConflictException, sales, 1, quantite=1000).produits[0]
    errors = refused(BadRequestException, sales, 99, quantite=1)
    print(json.dumps({
        "vente": sale.id, "total": sale.total,
        "journal": [number for page in read for number in page],
        "pages": len(read),
        "produit": missing.produit, "disponible": missing.disponible,
        "erreurs": errors.additional_properties}))


if __name__ == "__main__":
    main(*sys.argv[1:])
