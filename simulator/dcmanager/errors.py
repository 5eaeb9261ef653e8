"""dcmanager's errors: HTML for `Accept: */*`, plain text without Accept, JSON only when asked for.

Input is rejected with 400, what the manager process rejects is 422, an unhandled crash is a bare 500.
"""

from http import HTTPStatus

from simulator.wire.http import Refusal, Reply, json_reply, text_reply

_EXPLANATIONS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    401: (
        "This server could not verify that you are authorized to access the document you requested.  Either "
        "you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to "
        "supply the credentials required."
    ),
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
    410: "This resource is no longer available.  No forwarding address is given.",
    422: "Unable to process the contained instructions",
    500: "The server has either erred or is incapable of performing the requested operation.",
}


class DcError(Exception):
    """A refusal whose dress depends on the request's Accept header."""

    def __init__(self, status: int, description: str | None = "") -> None:
        super().__init__(f"{status} {description}")
        self.status, self.description = status, description

    def reply(self, accept: str | None) -> Reply:
        title = HTTPStatus(self.status).phrase
        if self.status == 422:
            title = "Unprocessable Entity"
        if accept is not None and "application/json" in accept:
            return json_reply(
                {"code": self.status, "title": title, "description": self.description}, self.status
            )
        words = _EXPLANATIONS.get(self.status, "")
        detail = self.description or ""
        if accept is None:
            text = f"{self.status} {title}\n\n{words}\n\n{detail}   "
            return text_reply(text, self.status, "text/plain; charset=UTF-8")
        html = (
            f"<html>\n <head>\n  <title>{self.status} {title}</title>\n </head>\n <body>\n"
            f"  <h1>{self.status} {title}</h1>\n  {words}<br /><br />\n{detail}\n\n\n </body>\n</html>"
        )
        return text_reply(html, self.status, "text/html; charset=UTF-8")


def crash() -> Refusal:
    """An exception that the API process did not catch: the WSGI server's 500, no envelope."""
    return Refusal(text_reply("Internal Server Error", 500))
