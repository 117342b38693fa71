"""The OpenAPI document: references, and whether an answer is as it says."""

import json
import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "patch")

# Headers that an answer has only where the document says so.
TOLD = ("allow", "cache-control", "etag", "link", "location", "retry-after",
        "www-authenticate")

# Bodies that are no JSON as a whole.
LINES = ("text/event-stream", "application/x-ndjson", "text/csv")

# What differs from one run to the next.  The schema knows its form, and that
# is all that is asked of it; anything else has to be as in the example.
INSTANTS = ("date_annulation", "date_cloture", "date_decision",
            "date_demande", "date_depart", "date_ouverture", "date_reception",
            "date_reservation", "date_retour", "date_vente", "debut",
            "expire_le", "instant", "timestamp")
LINKS = ("next", "previous", "recommencer")
# Where the request went, in an example that many operations share.
PLACES = ("path", "instance")

# The instance of README.md, whose links the examples have.
HOST = "http://127.0.0.1:8080"


class Document:
    def __init__(self, content):
        self.content = content

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            rest = {k: v for k, v in node.items() if k != "$ref"}
            found = self.content
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            node = {**found, **rest}
        return node

    def operations(self):
        for path, item in self.content["paths"].items():
            for method in METHODS:
                if method in item:
                    yield Operation(self, path, method, item)

    def errors(self, schema, value):
        validator = jsonschema.Draft202012Validator(
            {"components": self.content["components"], **schema})
        return [f"{e.json_path}: {e.message}"
                for e in validator.iter_errors(value)]


class Operation:
    def __init__(self, document, path, method, item):
        self.document = document
        self.path, self.method = path, method
        self.content = item[method]
        self.name = self.content["operationId"]
        self.parameters = [
            document.resolve(p) for p in item.get("parameters", []) +
            self.content.get("parameters", [])]
        self.responses = {
            status: document.resolve(response)
            for status, response in self.content["responses"].items()}
        self.body = document.resolve(self.content.get("requestBody", {}))

    def scope(self):
        """The scope that every server asks for, or None."""
        needs = self.content["security"]
        if not needs or {} in needs:
            return None
        return (needs[0]["Token"] or [""])[0]

    def other(self):
        """The scope that does instead, where the place needs it, or None."""
        needs = self.content["security"]
        if len(needs) < 2 or {} in needs:
            return None
        return needs[1]["Token"][0]

    def guarded(self):
        """Is it a read that a server may guard (magasin_read)?"""
        return self.content["security"] == [{}, {"Token": ["lecture"]}]

    def parameters_in(self, place):
        return {p["name"]: p for p in self.parameters if p["in"] == place}

    def statuses(self):
        return [s for s in self.responses if s != "default"]

    def shared(self, status):
        """Is this answer told of at one place for many operations?"""
        return "$ref" in self.content["responses"][status]

    def examples(self, status, media=None):
        """Those of a type; without one of JSON, or else of lines of it."""
        content = self.responses[status].get("content", {})
        if media is None:
            media = "application/json" if "application/json" in content \
                else "application/x-ndjson"
        return {name: self.document.resolve(example)["value"]
                for name, example in
                content.get(media, {}).get("examples", {}).items()}

    def wrong(self, answer):
        """What of an answer is not as the document says, in words."""
        status = str(answer.status)
        response = self.responses.get(status) or self.responses["default"]
        found = self.wrong_headers(response, status, answer)
        if status not in self.responses and answer.status < 400:
            found.append(f"the status {status} is not documented")
        if answer.head:
            return found
        content = response.get("content")
        if content is None:
            if answer.body:
                found.append("there is an unexpected body")
            return found
        media = answer.media()
        if media not in content:
            return found + [f"{media} is not documented"]
        try:
            value = answer.body.decode() if media in LINES \
                else json.loads(answer.body)
        except ValueError as error:
            return found + [f"the body is no JSON: {error}"]
        return found + self.document.errors(content[media]["schema"], value)

    def wrong_headers(self, response, status, answer):
        found = []
        told = response.get("headers", {})
        for name, header in told.items():
            header = self.document.resolve(header)
            value = answer.header(name)
            if value is None:
                if header.get("required"):
                    found.append(f"there is no {name}")
            else:
                found += [f"{name}: {error}" for error in
                          self.document.errors(header["schema"], value)]
        known = {name.lower() for name in told}
        if status in self.responses:
            found += [f"{name} is not documented" for name in TOLD
                      if answer.header(name) is not None and
                      name not in known]
        return found

    def unlike(self, status, name, answer):
        """How an answer differs from the example of this name; None when it
        does not, or there is no such example for what was answered."""
        examples = self.examples(status, answer.media())
        if name not in examples:
            return None
        shared = self.shared(status)
        told = text_of(examples[name], None, shared)
        said = answer.body.decode() if answer.media() in LINES \
            else json.loads(answer.body)
        said = text_of(said, answer, shared)
        return None if told == said else \
            f"the server answers {said}, the document has {told}"


def text_of(value, answer, shared, name=None):
    """An answer (or, without one, an example) as text to compare: members in
    their order, and a dot for what may differ."""
    if isinstance(value, dict):
        value = {k: text_of(v, answer, shared, k) for k, v in value.items()}
    elif isinstance(value, list):
        value = [text_of(v, answer, shared, name) for v in value]
    elif isinstance(value, str):
        if name in INSTANTS:
            return "."
        if name in PLACES and shared:
            # It still has to be where this request went.
            return "." if answer is None or value == answer.path else value
        if name in LINKS:
            value = value.replace(answer.base if answer else HOST, HOST)
            # Of positions in lists that are in the order of time.
            if re.search("/(sales|journal)/", value):
                value = re.sub("cursor=[A-Za-z0-9_-]+", "cursor=.", value)
        return value
    return json.dumps(value, ensure_ascii=False) if name is None else value
