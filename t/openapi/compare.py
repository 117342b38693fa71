"""Is the document what the sources have, name by name and limit by limit?"""

import re

# What nginx serves by itself, beside the table of the module.
FILES = {("/openapi.json", "get"): "openapi"}

# The server takes a number for a price too.  The description says that and the
# type does not: generators of clients stop at a type that is text or a number.
PRICE = r"^[0-9]{1,8}(\.[0-9]{1,2})?$"
# A date, or an instant by RFC 3339; two formats would be a union of two types.
INSTANT = (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
           r"([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
           r"([Zz]|[ +-][0-9]{2}:[0-9]{2}))?$")


def differences(document, endpoints, shared):
    """All of them, in words.  `shared` are parameters of every endpoint."""
    found = []
    told = {(o.path, o.method): o for o in document.operations()}
    real = {(e.path, e.method): e for e in endpoints}
    for path, method in sorted(real.keys() - told.keys()):
        found.append(f"{method} {path} is not in the document")
    for path, method in sorted(told.keys() - real.keys() - FILES.keys()):
        found.append(f"{method} {path} is not in the table")
    for key in FILES.keys() - told.keys():
        found.append(f"{key[1]} {key[0]} is not in the document")
    for key in sorted(told.keys() & real.keys()):
        found += [f"{key[1]} {key[0]}: {difference}" for difference in
                  of_operation(document, told[key], real[key], shared)]
    return found


def of_operation(document, operation, endpoint, shared):
    found = []
    if operation.name != endpoint.name:
        found.append(f"operationId is {operation.name}, "
                     f"the table says {endpoint.name}")
    if operation.scope() != endpoint.scope:
        found.append(f"the scope is {operation.scope()}, "
                     f"the table says {endpoint.scope}")
    if operation.other() != endpoint.other:
        found.append(f"the scope {operation.other()} does instead, "
                     f"the table says {endpoint.other}")
    if endpoint.scope is None and operation.guarded() != \
            endpoint.path.startswith("/api/v1/"):
        found.append("a token of the scope lecture is "
                     + ("" if operation.guarded() else "not ") + "asked for")
    # Swagger UI shows the words, and not the role of the requirement.
    for scope in filter(None, (endpoint.scope, endpoint.other)):
        if f"`{scope}`" not in operation.content.get("description", ""):
            found.append(f"the description does not name {scope}")
    found += of_names("path", set(operation.parameters_in("path")),
                      set(re.findall(r"\{(\w+)\}", endpoint.path)))
    query = operation.parameters_in("query")
    found += of_names("query", set(query), endpoint.query.keys() | shared)
    for name, member in endpoint.query.items():
        if member and name in query:
            found += of_member(document, name, query[name]["schema"], member)
    if ("text/csv" in operation.content["responses"].get("200", {}).get(
            "content", {})) != bool(endpoint.table):
        found.append("as CSV it is " + ("not " if endpoint.table else "")
                     + "documented, and the table says otherwise")
    if bool(operation.body) != (endpoint.method in ("post", "put", "patch")):
        found.append("only POST, PUT and PATCH have a body")
    # A change without members that have to be there may be empty.
    needed = any(
        members_of(document, content["schema"])[1]
        or document.resolve(content["schema"]).get("minProperties")
        for content in operation.body.get("content", {}).values())
    if endpoint.method in ("put", "patch") and \
            bool(operation.body.get("required")) != needed:
        found.append(f"the body is {'' if needed else 'not '}required")
    for media, content in operation.body.get("content", {}).items():
        found += [f"{media}: {difference}" for difference in
                  of_body(document, content["schema"], endpoint)]
    return found


def of_names(what, told, real):
    return [f"the {what} has no {name}" for name in sorted(told - real)] + \
        [f"{name} of the {what} is not documented"
         for name in sorted(real - told)]


def of_body(document, schema, endpoint):
    members, required = members_of(document, schema)
    found = of_names("body", set(members), set(endpoint.body))
    for name, member in endpoint.body.items():
        if name not in members:
            continue
        found += of_member(document, name, members[name], member)
        if member.required != (name in required):
            found.append(f"{name} is {'' if member.required else 'not '}"
                         "required")
    return found


def members_of(document, schema, prefix=""):
    """The properties of an object, of its alternatives, and of the objects in
    a list of it; and which of them are required in any case."""
    schema = document.resolve(schema)
    members, required = {}, None
    for part in schema.get("oneOf", [schema]):
        part = document.resolve(part)
        needs = {prefix + n for n in part.get("required", [])}
        for name, value in part.get("properties", {}).items():
            members[prefix + name] = value
            value = document.resolve(value)
            if value.get("type") == "array":
                inner, inner_needs = members_of(document, value["items"],
                                                "[].")
                members.update(inner)
                needs |= inner_needs
        required = needs if required is None else required & needs
    return members, required


def of_member(document, name, schema, member):
    """A schema against a row of a typed table."""
    schema = document.resolve(schema)
    kinds = schema.get("type")
    wanted = {
        "text": {"type": ["string", "null"] if member.null else "string",
                 "maxLength": member.max or None,
                 "minLength": None if member.blank else 1},
        "price": {"type": "string", "pattern": PRICE},
        "integer": {"type": ["integer", "null"] if member.null else "integer",
                    "minimum": member.min,
                    "maximum": member.max},
        "id": {"type": ["integer", "null"] if member.null else "integer",
               "format": "int64", "minimum": 1},
        "boolean": {"type": "boolean"},
        "instant": {"type": "string", "pattern": INSTANT},
        "date": {"type": "string", "format": "date"},
        "choice": {"type": "string", "enum": member.choices},
        "other": {"type": kinds if kinds in ("array", "object") else "array"},
    }[member.type]
    return [f"{name}: {key} is {schema.get(key)}, the table says {value}"
            for key, value in wanted.items() if schema.get(key) != value]
