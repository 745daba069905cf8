"""JSON Schema, as far as apps/web/openapi.yaml uses it: what a value breaks, and what it holds that nobody documented.

Left out on purpose: every other keyword. One that is not known here is an error: it would be passed over in silence.
"""
import json

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
_IGNORED = {"description", "format"}


def _has_type(value, name):
    if name in ("number", "integer"):
        kinds = (int, float) if name == "number" else int
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


class Schemas:
    def __init__(self, description):
        self.description = description

    def resolve(self, node):
        """The node itself, or what its $ref leads to."""
        while "$ref" in node:
            found = self.description
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def problems(self, value, schema, where="answer"):
        """Lines that say what is wrong; none: the value is as the schema has it, and nothing in it is undocumented."""
        found = self._broken(value, schema, where)
        return found or self._undocumented(value, schema, where)

    def _broken(self, value, schema, where):
        schema = self.resolve(schema)
        found = []
        for keyword, wanted in schema.items():
            if keyword not in _IGNORED:
                found += getattr(self, "_check_" + keyword)(value, wanted, where)
        return found

    def _check_type(self, value, wanted, where):
        names = wanted if isinstance(wanted, list) else [wanted]
        return [] if any(_has_type(value, name) for name in names) else [f"{where}: {_short(value)} is no {' or '.join(names)}"]

    def _check_const(self, value, wanted, where):
        return [] if value == wanted else [f"{where}: {_short(value)} is not {wanted}"]

    def _check_enum(self, value, wanted, where):
        return [] if value in wanted else [f"{where}: {_short(value)} is none of {wanted}"]

    def _check_required(self, value, wanted, where):
        return [f"{where}: has no '{name}'" for name in wanted if isinstance(value, dict) and name not in value]

    def _check_properties(self, value, wanted, where):
        given = value if isinstance(value, dict) else {}
        return [line for name, schema in wanted.items() if name in given
                for line in self._broken(given[name], schema, f"{where}.{name}")]

    def _check_additionalProperties(self, value, wanted, where):
        given = value if isinstance(value, dict) else {}
        return [line for name, item in given.items() for line in self._broken(item, wanted, f"{where}.{name}")]

    def _check_maxProperties(self, value, wanted, where):
        return [] if not isinstance(value, dict) or len(value) <= wanted else [f"{where}: {_short(value)} has over {wanted} fields"]

    def _check_items(self, value, wanted, where):
        given = value if isinstance(value, list) else []
        return [line for i, item in enumerate(given) for line in self._broken(item, wanted, f"{where}[{i}]")]

    def _check_minItems(self, value, wanted, where):
        return [] if not isinstance(value, list) or len(value) >= wanted else [f"{where}: has under {wanted} items"]

    def _check_maxItems(self, value, wanted, where):
        return [] if not isinstance(value, list) or len(value) <= wanted else [f"{where}: has over {wanted} items"]

    def _check_minimum(self, value, wanted, where):
        return [] if not _has_type(value, "number") or value >= wanted else [f"{where}: {value} is under {wanted}"]

    def _check_maximum(self, value, wanted, where):
        return [] if not _has_type(value, "number") or value <= wanted else [f"{where}: {value} is over {wanted}"]

    def _check_allOf(self, value, wanted, where):
        return [line for schema in wanted for line in self._broken(value, schema, where)]

    def _check_oneOf(self, value, wanted, where):
        fits = [schema for schema in wanted if not self._broken(value, schema, where)]
        return [] if len(fits) == 1 else [f"{where}: {_short(value)} fits {len(fits)} of {len(wanted)} schemas, not one"]

    def _parts(self, value, schema):
        """The schema and what it is made of, as far as the value fits it."""
        schema = self.resolve(schema)
        others = schema.get("allOf", []) + [each for each in schema.get("oneOf", []) if not self._broken(value, each, "")]
        return [schema] + [part for each in others for part in self._parts(value, each)]

    def _undocumented(self, value, schema, where):
        parts = self._parts(value, schema)
        if isinstance(value, list):
            return [line for part in parts if "items" in part for i, item in enumerate(value)
                    for line in self._undocumented(item, part["items"], f"{where}[{i}]")]
        known = {name: each for part in parts for name, each in part.get("properties", {}).items()}
        if not isinstance(value, dict) or not known:
            return []
        found = [f"{where}: '{name}' is not documented" for name in value if name not in known]
        return found + [line for name in value if name in known
                        for line in self._undocumented(value[name], known[name], f"{where}.{name}")]


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:80] + "..."
