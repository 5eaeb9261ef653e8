"""What a BMC says when it refuses: the error object of the Redfish specification (DSP0266, error responses).

Standard messages come from the Base registry; a vendor's own carry its registry's prefix (`IDRAC.2.8.SYS518`,
`iLO.2.23.UnableToModifyDuringSystemPOST`). Clients decide by the last part of the MessageId.
"""

from dataclasses import dataclass

from simulator.wire.http import Json, Refusal, Reply, json_reply


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of ExtendedInfo."""

    key: str
    """Of the Base registry, unless `registry` says otherwise."""
    text: str
    args: tuple[str, ...] = ()
    registry: str = "Base.1.18"
    properties: tuple[str, ...] = ()
    severity: str = "Critical"
    resolution: str = "None."

    def view(self) -> Json:
        body: Json = {
            "@odata.type": "#Message.v1_1_1.Message",
            "MessageId": f"{self.registry}.{self.key}",
            "Message": self.text,
            "MessageArgs": list(self.args),
            "MessageSeverity": self.severity,
            "Severity": self.severity,
            "Resolution": self.resolution,
        }
        if self.properties:
            body["RelatedProperties"] = [f"#/{name}" for name in self.properties]
        return body


def error_reply(status: int, *messages: Message, **headers: str) -> Reply:
    first = messages[0]
    body = {
        "error": {
            "code": f"{first.registry}.{first.key}",
            "message": first.text,
            "@Message.ExtendedInfo": [message.view() for message in messages],
        }
    }
    return json_reply(body, status, **{name.replace("_", "-"): value for name, value in headers.items()})


def refuse(status: int, key: str, text: str, *args: str, registry: str = "Base.1.18") -> Refusal:
    return Refusal(error_reply(status, Message(key, text, args, registry)))


def missing(path: str) -> Refusal:
    text = f"The requested resource of type '' named '{path}' was not found."
    return refuse(404, "ResourceMissingAtURI", text, path)


def lacking(name: str) -> Refusal:
    text = f"The property {name} is a required property and must be included in the request."
    return refuse(400, "PropertyMissing", text, name)


def unknown(name: str) -> Message:
    return Message(
        "PropertyUnknown",
        f"The property {name} is not in the list of valid properties for the resource.",
        (name,),
        properties=(name,),
        severity="Warning",
    )


def read_only(name: str) -> Message:
    return Message(
        "PropertyNotWritable",
        f"The property {name} is a read-only property and cannot be assigned a value.",
        (name,),
        properties=(name,),
        severity="Warning",
    )


def bad_value(name: str, value: object) -> Refusal:
    text = f"The value '{value}' for the property {name} is not in the list of acceptable values."
    message = Message("PropertyValueNotInList", text, (str(value), name), properties=(name,))
    return Refusal(error_reply(400, message))


def bad_type(name: str, value: object) -> Refusal:
    text = f"The value '{value}' for the property {name} is of a different type than the property can accept."
    return Refusal(
        error_reply(400, Message("PropertyValueTypeError", text, (str(value), name), properties=(name,)))
    )


def no_operation() -> Message:
    return Message("NoOperation", "The request body had nothing to change.", severity="Warning")


def success() -> Json:
    return Message(
        "Success", "The request completed successfully.", registry="Base.1.18", severity="OK"
    ).view()
