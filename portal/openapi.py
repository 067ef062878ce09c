"""The merged OpenAPI of the shell and of every app, each operation with its permission."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel

from core.access.bearers import OF_APPLICATIONS, permission_of
from core.access.freshness import RISKY
from core.apps.native import APP, FOR_PROGRAMS, FULL
from core.apps.slots import Instance
from core.audit import SHELL
from plugin_sdk import SDK_VERSION
from plugin_sdk.routes import BODY, EFFECTLESS, FRESH, PUBLIC, SIGNED_IN

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TYPES = {
    "int": {"type": "integer"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def describe(shell: Iterable[HTTPRouteHandler], apps: Mapping[str, Instance]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document. It is made when asked for, never at start."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM_SCHEMA}
    _add(paths, schemas, "", "yimen", shell)
    for app, instance in sorted(apps.items()):
        _add(paths, schemas, f"/apps/{app}", app, instance.handlers)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yimen 一门", "version": SDK_VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "yimen"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _add(
    paths: dict[str, dict[str, Any]],
    schemas: dict[str, Any],
    prefix: str,
    tag: str,
    handlers: Iterable[HTTPRouteHandler],
) -> None:
    for handler in handlers:
        for path in handler.paths:
            full = prefix + (path if path != "/" or not prefix else "/")
            for method in handler.http_methods:
                operation = _operation(schemas, tag, path, str(method), handler)
                paths.setdefault(_PARAMETER.sub(r"{\1}", full), {})[str(method).lower()] = operation


def _operation(
    schemas: dict[str, Any], tag: str, path: str, method: str, handler: HTTPRouteHandler
) -> dict[str, Any]:
    permission = handler.opt[FULL]
    summary = (handler.fn.__doc__ or "").strip().partition("\n")[0]
    name = re.sub(r"\W+", "_", path).strip("_") or "root"
    operation: dict[str, Any] = {
        "operationId": f"{tag.replace('-', '_')}_{method.lower()}_{name}",
        "tags": [tag],
        "summary": summary,
        "x-permission": permission,
        "responses": {
            "default": {
                "description": "A page or a JSON answer; a problem for anything refused",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                },
            }
        },
    }
    if permission != PUBLIC:
        operation["security"] = [{name: []} for name in _ways(handler, permission)]
    parameters: list[dict[str, Any]] = [
        {
            "name": parameter,
            "in": "path",
            "required": True,
            "schema": _TYPES.get(kind, {"type": "string"}),
        }
        for parameter, kind in _PARAMETER.findall(path)
    ]
    if method not in EFFECTLESS:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 8, "maxLength": 100},
            }
        )
    if parameters:
        operation["parameters"] = parameters
    body = handler.opt.get(BODY)
    if isinstance(body, type) and issubclass(body, BaseModel):
        reference = _schema(schemas, tag, body)
        operation["requestBody"] = {
            "required": True,
            "content": {
                kind: {"schema": reference}
                for kind in ("application/json", "application/x-www-form-urlencoded")
            },
        }
    return operation


def _ways(handler: HTTPRouteHandler, permission: str) -> list[str]:
    """Return by what an operation may be called: a session, a token, or either.

    What only a person does who is there is no program's (`core.access.bearers.admit`,
    `core.access.freshness`), and what only an application does no session's.
    """
    opt = handler.opt
    if permission in {permission_of(scope) for scope in OF_APPLICATIONS}:
        return ["token"]
    of_people = opt[APP] == SHELL and permission == SIGNED_IN and FOR_PROGRAMS.items() - opt.items()
    if of_people or (opt.get(FRESH, False) and permission not in RISKY):
        return ["session"]
    return ["session", "token"]


def _schema(schemas: dict[str, Any], tag: str, model: type[BaseModel]) -> dict[str, str]:
    name = f"{tag.replace('-', '_')}_{model.__name__}"
    if name not in schemas:
        schema = model.model_json_schema(ref_template=f"#/components/schemas/{name}_{{model}}")
        for part, definition in schema.pop("$defs", {}).items():
            schemas[f"{name}_{part}"] = definition
        schemas[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}
