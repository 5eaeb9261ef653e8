"""A kubeconfig is read as data; what leads out of it is refused, and nothing of it is repeated."""

import base64
from typing import Any

import pytest
import yaml

from activities.errors import Refused
from activities.kubernetes.kubeconfig import account_of

CA = "-----BEGIN CERTIFICATE-----\nca\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    server = {"server": "https://10.20.17.2:6443/", "certificate-authority-data": encoded(CA)}
    return {
        "clusters": [{"name": "kubernetes", "cluster": server | (cluster or {})}],
        "users": [{"name": "admin", "user": {"token": "hunter2"} if user is None else user}],
        "contexts": [{"name": "here", "context": {"cluster": "kubernetes", "user": "admin"}}],
        "current-context": "here",
    }


def test_a_token_and_its_cluster_are_taken() -> None:
    account = account_of(yaml.safe_dump(config()), "kubernetes of a", None, 4)
    assert (account.url, account.ca, account.token) == ("https://10.20.17.2:6443", CA, "hunter2")
    assert account.timeout_s == 4


def test_a_client_certificate_is_taken_where_there_is_no_token() -> None:
    user = {"client-certificate-data": encoded("cert"), "client-key-data": encoded("key")}
    account = account_of(yaml.safe_dump(config(user)), "kubernetes of a", "here", 4)
    assert (account.token, account.certificate, account.key) == ("", "cert", "key")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (config({"exec": {"command": "aws"}, "token": "hunter2"}), "exec leads out of the file"),
        (config({"client-key": "/root/hunter2"}), "client-key leads out of the file"),
        (config(None, {"certificate-authority": "/etc/ca"}), "certificate-authority leads out of the file"),
        (config(None, {"insecure-skip-tls-verify": True}), "insecure-skip-tls-verify would give"),
        (config({}), "user admin has neither token nor client-certificate-data"),
        (config({"client-certificate-data": "hunter2!"}), "client-certificate-data is no base64 of PEM"),
        ({"hunter2": 1}, "expected a kubeconfig"),
        (config() | {"current-context": "there"}, "there is no context 'there' in it"),
    ],
)
def test_what_cannot_be_used_is_said_without_its_content(changed: Any, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        account_of(yaml.safe_dump(changed), "kubernetes of a", None, 4)
    assert "kubernetes of a: " in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_what_is_no_yaml_is_said() -> None:
    with pytest.raises(Refused, match="expected a kubeconfig"):
        account_of("{hunter2: [", "kubernetes of a", None, 4)
