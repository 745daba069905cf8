"""deploy/kserve.yaml against the models that KServe and Kubernetes generate for their Python clients from their API's definition.

usage: kserve_schema.py FILE...; run by kserve_schema.sh in an environment of its own. Exit status: 1 where a file has something that
KServe does not know, of another type than it takes, or lacks something. Every object is read and written again: nothing may be lost.

Left out: what admission in a cluster checks beyond types (that a name is free, that a claim exists).
"""
import importlib
import importlib.util
import pathlib
import re
import sys
import types

import yaml

PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def without_its_init(package):
    """Lets the parts of a package be imported without all that its own __init__ imports: KServe's is a server."""
    folder = pathlib.Path(importlib.util.find_spec(package).origin).parent
    module = types.ModuleType(package)
    module.__path__ = [str(folder)]
    sys.modules[package] = module


def load_models():
    """Name -> class. Of a name that both have, KServe's counts."""
    without_its_init("kubernetes")
    without_its_init("kubernetes.client")
    without_its_init("kserve")
    models = {}
    for package in ("kubernetes.client.models", "kserve.models"):
        models.update(vars(importlib.import_module(package)))
    return models


class Reader:
    def __init__(self, models):
        self.models, self.problems = models, []

    def _say(self, path, text):
        self.problems.append(f"{path}: {text}")

    def read(self, value, kind, path):
        """The value as an object of its kind, which is written as in a model's `openapi_types`."""
        if found := re.fullmatch(r"list\[(.+)\]", kind):
            return self._read_list(value, found[1], path)
        if found := re.fullmatch(r"dict\(str, (.+)\)", kind):
            return self._read_map(value, found[1], path)
        if kind in PLAIN:
            # A bool is an int in Python, and in no API.
            if not isinstance(value, PLAIN[kind]) or (isinstance(value, bool) and kind in ("int", "float")):
                self._say(path, f"{value!r} is no {kind}")
            return value
        if kind not in self.models:
            return value  # a quantity, or a number or a text
        return self._read_object(value, self.models[kind], path)

    def _read_list(self, value, kind, path):
        if not isinstance(value, list):
            return self._say(path, f"{value!r} is no list")
        return [self.read(item, kind, f"{path}[{i}]") for i, item in enumerate(value)]

    def _read_map(self, value, kind, path):
        if not isinstance(value, dict):
            return self._say(path, f"{value!r} is no map")
        return {key: self.read(item, kind, f"{path}.{key}") for key, item in value.items()}

    def _read_object(self, value, model, path):
        if not isinstance(value, dict):
            return self._say(path, f"{value!r} is no {model.__name__}")
        attributes = {key: name for name, key in model.attribute_map.items()}
        for key in value.keys() - attributes.keys():
            self._say(f"{path}.{key}", f"{model.__name__} has no such field")
        fields = {attributes[key]: self.read(item, model.openapi_types[attributes[key]], f"{path}.{key}")
                  for key, item in value.items() if key in attributes}
        try:
            return model(**fields)
        except ValueError as error:  # a field is missing, or its value is none of those allowed
            return self._say(path, str(error))


def written(value):
    """What a client sends for it, but for empty texts: some are defaults."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if not hasattr(value, "attribute_map"):
        return value
    fields = {key: getattr(value, name) for name, key in value.attribute_map.items()}
    return {key: written(item) for key, item in fields.items() if item not in (None, "")}


def model_name(document):
    """serving.kserve.io/v1alpha1 ServingRuntime -> V1alpha1ServingRuntime"""
    version = document["apiVersion"].rpartition("/")[2]
    return version[0].upper() + version[1:] + document["kind"]


def check(document, models):
    kind = model_name(document)
    if kind not in models:
        return [f"{kind}: KServe has no such kind"]
    reader = Reader(models)
    made = reader.read(document, kind, kind)
    if not reader.problems and written(made) != document:
        return [f"{kind}: read and written again, it is {written(made)}"]
    return reader.problems


def main(*files):
    models = load_models()
    problems = [f"{file}: {problem}" for file in files for document in yaml.safe_load_all(pathlib.Path(file).read_text())
                for problem in check(document, models)]
    print("\n".join(problems) or f"kserve: {', '.join(files)} as KServe defines it")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
