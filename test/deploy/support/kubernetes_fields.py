"""Reads a manifest through the models of Kubernetes' Python client: a missing field is refused by the model, and a field
that the model does not know is gone when the model is written out again. Prints a line for each."""
import json
import sys

import yaml
from kubernetes import client

MODELS = {
    ("v1", "Service"): "V1Service",
    ("apps/v1", "Deployment"): "V1Deployment",
    ("apps/v1", "StatefulSet"): "V1StatefulSet",
    ("networking.k8s.io/v1", "NetworkPolicy"): "V1NetworkPolicy",
}
api = client.ApiClient()


class Answer:
    def __init__(self, text):
        self.data = text


def compare(path, given, known):
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(known, dict) or key not in known:
                yield f"{path}.{key}: unknown"
            else:
                yield from compare(f"{path}.{key}", value, known[key])
    elif isinstance(given, list):
        if not isinstance(known, list) or len(given) != len(known):
            yield f"{path}: not a list"
        else:
            for at, (one, other) in enumerate(zip(given, known)):
                yield from compare(f"{path}[{at}]", one, other)
    elif given != known:
        yield f"{path}: {given!r} is read as {known!r}"


for document in yaml.safe_load_all(open(sys.argv[1])):
    model = MODELS.get((document.get("apiVersion"), document.get("kind")))
    name = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
    if model is None:
        print(f"{name}: no model for {document.get('apiVersion')}")
        continue
    try:
        read = api.deserialize(Answer(json.dumps(document)), model)
    except ValueError as error:
        print(f"{name}: {error}")
        continue
    for fault in compare(name, document, api.sanitize_for_serialization(read)):
        print(fault)
