"""What the published schemas of GeoReport v2 ask of an answer: names, types and choices alone.

Sources: `schema/georeport-v2/{service,service-definition,request}.json` of
github.com/open311/schema-validation (commit 1116d93), and the Swagger description beside them,
which is CC BY 3.0 (Open311 community, http://wiki.open311.org/GeoReport_v2/) and alone describes
the answers to POST and of tokens. Their prose is left out. `YIMEN_OPEN311_SCHEMAS` names a folder
with the published files themselves: then those are asked (docs/open311.md).
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

FORMATS = FormatChecker(())  # without a check of its own a format is a word that all texts satisfy


@FORMATS.checks("date-time", raises=ValueError)
def _moment(value: object) -> bool:
    return not isinstance(value, str) or (
        "T" in value and datetime.fromisoformat(value).tzinfo is not None
    )


@FORMATS.checks("uri", raises=ValueError)
def _address(value: object) -> bool:
    return not isinstance(value, str) or all(urlsplit(value)[:2])


TEXT = {"type": "string"}
MAYBE = {"anyOf": [TEXT, {"type": "null"}]}
TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}


def _object(required: str, /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


SERVICE = _object(
    "service_code service_name metadata type",
    service_code=TEXT,
    service_name=TEXT,
    description=MAYBE,
    metadata={"type": "boolean"},
    type={"type": "string", "enum": ["realtime", "batch", "blackbox"]},
    keywords=MAYBE,
    group=MAYBE,
)
ATTRIBUTE = _object(
    "variable code datatype required",
    variable={"type": "boolean"},
    code=TEXT,
    datatype={
        "type": "string",
        "enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"],
    },
    required={"type": "boolean"},
    datatype_description=MAYBE,
    order={"anyOf": [{"type": "integer"}, {"type": "null"}]},
    description=MAYBE,
    values={"type": "array", "items": _object("key name", key=TEXT, name=TEXT)},
)
DEFINITION = _object(
    "service_code attributes",
    service_code=TEXT,
    attributes={"type": "array", "items": ATTRIBUTE},
)
REQUEST = _object(
    "service_request_id status service_code requested_datetime",
    service_request_id=TEXT,
    status={"type": "string", "enum": ["open", "closed"]},
    status_notes=MAYBE,
    service_name=MAYBE,
    service_code=TEXT,
    description={"anyOf": [{"type": "string", "maxLength": 4000}, {"type": "null"}]},
    agency_responsible=MAYBE,
    service_notice=MAYBE,
    requested_datetime={"type": "string", "format": "date-time"},
    updated_datetime=TIME,
    expected_datetime=TIME,
    address=MAYBE,
    address_id=MAYBE,
    zipcode=MAYBE,
    lat=NUMBER,
    long=NUMBER,
    media_url={"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]},
)
FILED = _object("", service_request_id=TEXT, token=TEXT, service_notice=TEXT, account_id=TEXT)


def _many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


SCHEMAS = {
    "services": _many(SERVICE),
    "service-definition": DEFINITION,
    "requests": _many(REQUEST),
    "filed": _many(FILED),
}


def check(name: str, answer: Any) -> None:
    """Fail where a published schema would not accept an answer."""
    Draft4Validator(SCHEMAS[name], format_checker=FORMATS).validate(answer)
    folder = os.environ.get("YIMEN_OPEN311_SCHEMAS")
    if folder:
        published(Path(folder), name).validate(answer)


def published(folder: Path, name: str) -> Any:
    """Return the validator of a published file."""
    files = {file.name: json.loads(file.read_text("utf-8")) for file in folder.glob("*.json")}
    known = {name: DRAFT4.create_resource(file) for name, file in files.items()}
    if name == "filed":
        schema = {"type": "array", "items": {"$ref": "swagger.json#/definitions/RequestResponse"}}
    else:
        schema = files[f"{name}.json"]
    registry = Registry().with_resources(known.items())
    return Draft4Validator(schema, registry=registry, format_checker=FORMATS)
