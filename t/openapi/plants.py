"""Lies to be told by the document, for the checks to find."""

import copy


def change(*path, to=None, name=None):
    """A function that sets the member at a path, renames it, or, without a
    value, takes it away, which has to be there then."""
    def planted(content):
        node = content
        for step in path[:-1]:
            node = node[step]
        if to is not None:
            node[path[-1]] = to
        elif name is not None:
            node[name] = node.pop(path[-1])
        else:
            del node[path[-1]]
        return content
    return planted


def fits(plant, content):
    """Raises an exception where it changes nothing."""
    if plant(copy.deepcopy(content)) == content:
        raise ValueError("it changes nothing")


PRODUCTS = ("paths", "/api/v1/products/")
SALES = ("paths", "/api/v1/sales/")
SCHEMAS = ("components", "schemas")

# Against the sources.
OF_TABLE = {
    "a path that is missing": change("paths", "/api/v1/journal/"),
    "a path too many": change("paths", "/api/v1/clients/", to={
        "get": {"operationId": "clients", "security": [], "responses": {}}}),
    "a method that is missing": change(*PRODUCTS, "post"),
    "a body that is not needed": change(
        "paths", "/api/v1/products/{id}/", "patch", "requestBody", "required",
        to=True),
    "an operation under another name": change(
        *PRODUCTS, "post", "operationId", to="product_make"),
    "another scope": change(*SALES, "post", "security",
                            to=[{"Token": ["stock"]}]),
    "words about another scope": change(*SALES, "post", "description",
                                        to="Needs the scope `stock`."),
    "a write without a token": change(*SALES, "post", "security", to=[]),
    "a read that no server guards": change(*SALES, "get", "security", to=[]),
    "a list that is no CSV": change(*SALES, "get", "responses", "200",
                                    "content", "text/csv"),
    "a parameter under another name": change(
        *PRODUCTS, "get", "parameters", 0, "name", to="nom"),
    "a parameter too few": change(*PRODUCTS, "get", "parameters", 1),
    "another limit of a parameter": change(
        "components", "parameters", "limit", "schema", "maximum", to=100),
    "a choice too few": change(*SCHEMAS, "Statut", "enum", 2),
    "a member of a body too few": change(
        *SCHEMAS, "CorrectionProduit", "properties", "archive"),
    "a member that is not required": change(
        *SCHEMAS, "NouveauProduit", "required", 2),
    "a longer text": change(*SCHEMAS, "NomProduit", "maxLength", to=200),
    "a smaller number": change(*SCHEMAS, "NouvelleLigne", "properties",
                               "quantite", "minimum", to=0),
}

# Against the answers.
OF_ANSWERS = {
    "a member that is not told of": change(*SCHEMAS, "Magasin", "properties",
                                           "ouvert"),
    "a member that there is not": change(*SCHEMAS, "Vente", "required", 0,
                                         to="client"),
    "a member that goes with another, and is not there": change(
        *SCHEMAS, "ProduitEnCause", "dependentRequired", "demande",
        to=["manque"]),
    "another form of what is wrong with a line": change(
        *SCHEMAS, "ErrorsOfLines", "items", "then", to=False),
    "another type": change(*SCHEMAS, "Stock", "properties", "quantite",
                           to={"type": "string"}),
    "an error of another form": change(*SCHEMAS, "Detail", "properties",
                                       "detail", name="message"),
    "a header that is not told of": change(
        *SALES, "post", "responses", "201", "headers", "Location"),
    "a header that there is not": change(
        *PRODUCTS, "get", "responses", "200", "headers", "Location",
        to={"$ref": "#/components/headers/Location"}),
    "a status that is not told of": change(*SALES, "post", "responses", "201"),
    "another message": change(
        "components", "responses", "Forbidden", "content", "application/json",
        "examples", "sans_droit", "value", "detail", to="Non."),
    "another example": change(
        "paths", "/api/v1/stores/{id}/", "get", "responses", "200", "content",
        "application/json", "examples", "magasin", "value", "nom",
        to="Magasin"),
}
